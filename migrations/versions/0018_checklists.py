"""What has to be done at an order."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "checklist_templates",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("items", JSONB(none_as_null=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id", "service_id"],
            ["services.org_id", "services.id"],
            name="fk_checklist_templates_org_id_service_id",
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_checklist_templates"),
        sa.UniqueConstraint("org_id", "service_id", "version", name="uq_checklist_templates_org_id_service_id_version"),
    )
    rls.protect_tenant_table("checklist_templates")
    op.create_table(
        "checklist_items",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.CheckConstraint("position >= 0", name=op.f("ck_checklist_items_position")),
        sa.ForeignKeyConstraint(
            ["org_id", "order_id"], ["orders.org_id", "orders.id"], name="fk_checklist_items_org_id_order_id"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "template_id"],
            ["checklist_templates.org_id", "checklist_templates.id"],
            name="fk_checklist_items_org_id_template_id",
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_checklist_items"),
        sa.UniqueConstraint("org_id", "order_id", "position", name="uq_checklist_items_org_id_order_id_position"),
    )
    op.create_index("ix_checklist_items_template", "checklist_items", ["org_id", "template_id"], unique=False)
    rls.protect_tenant_table("checklist_items")


def downgrade() -> None:
    for table in ("checklist_items", "checklist_templates"):
        op.drop_table(table)
