"""People who have asked for work."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leads",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("postal_code", sa.Text(), nullable=False),
        sa.Column("preferred_times", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=True),
        sa.Column("estimate_id", sa.Uuid(), nullable=True),
        sa.Column("inputs", JSONB(none_as_null=True), nullable=False),
        sa.Column("utm", JSONB(none_as_null=True), nullable=False),
        sa.Column("referral_code", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("captcha", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("lost_reason", sa.Text(), nullable=True),
        sa.Column("contacted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('new', 'contacted', 'quoted', 'won', 'lost')", name=op.f("ck_leads_state")),
        sa.CheckConstraint(
            "email IS NOT NULL OR phone IS NOT NULL OR erased_at IS NOT NULL", name=op.f("ck_leads_reachable")
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "client_id"], ["clients.org_id", "clients.id"], name="fk_leads_org_id_client_id"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "estimate_id"], ["estimates.org_id", "estimates.id"], name="fk_leads_org_id_estimate_id"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "service_id"], ["services.org_id", "services.id"], name="fk_leads_org_id_service_id"
        ),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name="fk_leads_org_id"),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_leads"),
    )
    op.create_index("ix_leads_client", "leads", ["org_id", "client_id"], unique=False)
    op.create_index("ix_leads_estimate", "leads", ["org_id", "estimate_id"], unique=False)
    op.create_index("ix_leads_service", "leads", ["org_id", "service_id"], unique=False)
    op.create_index("ix_leads_state", "leads", ["org_id", "state", "id"], unique=False)
    rls.protect_tenant_table("leads")


def downgrade() -> None:
    op.drop_table("leads")
