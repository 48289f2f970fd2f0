"""Orders that come back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recurrences",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=True),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("frequency", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("local_time", sa.Time(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("planned_minutes", sa.BigInteger(), nullable=False),
        sa.Column("terms", JSONB(none_as_null=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("placed_until", sa.Date(), nullable=True),
        sa.Column("next_place_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "frequency IN ('weekly', 'every_two_weeks', 'monthly')", name=op.f("ck_recurrences_frequency")
        ),
        sa.CheckConstraint("state IN ('active', 'ended')", name=op.f("ck_recurrences_state")),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_recurrences_dates")),
        sa.CheckConstraint("planned_minutes > 0", name=op.f("ck_recurrences_minutes")),
        sa.ForeignKeyConstraint(
            ["org_id", "client_id"], ["clients.org_id", "clients.id"], name="fk_recurrences_org_id_client_id"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "service_id"], ["services.org_id", "services.id"], name="fk_recurrences_org_id_service_id"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "team_id"], ["teams.org_id", "teams.id"], name="fk_recurrences_org_id_team_id"
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_recurrences"),
    )
    op.create_index("ix_recurrences_client", "recurrences", ["org_id", "client_id", "id"], unique=False)
    op.create_index("ix_recurrences_service", "recurrences", ["org_id", "service_id"], unique=False)
    op.create_index(
        "ix_recurrences_due", "recurrences", ["next_place_at"], postgresql_where=sa.text("state = 'active'")
    )
    op.create_index("ix_recurrences_team", "recurrences", ["org_id", "team_id"], unique=False)
    rls.protect_tenant_table("recurrences")
    op.create_table(
        "occurrences",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recurrence_id", sa.Uuid(), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("moved_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('placed', 'skipped', 'conflict')", name=op.f("ck_occurrences_state")),
        sa.ForeignKeyConstraint(
            ["org_id", "order_id"], ["orders.org_id", "orders.id"], name="fk_occurrences_org_id_order_id"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "recurrence_id"],
            ["recurrences.org_id", "recurrences.id"],
            name="fk_occurrences_org_id_recurrence_id",
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_occurrences"),
    )
    op.create_index("ix_occurrences_order", "occurrences", ["org_id", "order_id"], unique=False)
    op.create_index("uq_occurrences_on_date", "occurrences", ["org_id", "recurrence_id", "on_date"], unique=True)
    rls.protect_tenant_table("occurrences")


def downgrade() -> None:
    for table in ("occurrences", "recurrences"):
        op.drop_table(table)
