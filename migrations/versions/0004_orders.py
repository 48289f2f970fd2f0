"""Clients and their orders."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clients",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name="fk_clients_org_id"),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_clients"),
    )
    op.create_index("uq_clients_org_id_email", "clients", ["org_id", sa.literal_column("lower(email)")], unique=True)
    rls.protect_tenant_table("clients")
    op.create_table(
        "order_numbers",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name="fk_order_numbers_org_id"),
        sa.PrimaryKeyConstraint("org_id", name="pk_order_numbers"),
    )
    rls.protect_tenant_table("order_numbers")
    op.create_table(
        "orders",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("scheduled_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scheduled_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("total_amount", sa.BigInteger(), nullable=False),
        sa.Column("paid_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("photo_consent", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('pending', 'confirmed', 'cancelled')", name=op.f("ck_orders_state")),
        sa.CheckConstraint("scheduled_end > scheduled_start", name=op.f("ck_orders_times")),
        sa.CheckConstraint("total_amount >= 0 AND paid_amount >= 0", name=op.f("ck_orders_amounts")),
        sa.ForeignKeyConstraint(
            ["org_id", "client_id"], ["clients.org_id", "clients.id"], name="fk_orders_org_id_client_id"
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_orders"),
        sa.UniqueConstraint("org_id", "number", name="uq_orders_org_id_number"),
    )
    op.create_index("ix_orders_client", "orders", ["org_id", "client_id", "scheduled_start", "id"], unique=False)
    op.create_index("ix_orders_schedule", "orders", ["org_id", "scheduled_start", "id"], unique=False)
    op.create_index("ix_orders_state", "orders", ["org_id", "state", "scheduled_start", "id"], unique=False)
    rls.protect_tenant_table("orders", rights="SELECT, INSERT, UPDATE")
    op.create_table(
        "order_history",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_label", sa.Text(), nullable=False),
        sa.Column("details", JSONB(none_as_null=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id", "order_id"], ["orders.org_id", "orders.id"], name="fk_order_history_org_id_order_id"
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_order_history"),
    )
    op.create_index("ix_order_history_order", "order_history", ["org_id", "order_id", "id"], unique=False)
    rls.protect_tenant_table("order_history", rights="SELECT, INSERT")


def downgrade() -> None:
    for table in (
        "order_history",
        "orders",
        "order_numbers",
        "clients",
    ):
        op.drop_table(table)
