"""Organizations, the audit log, job runs and idempotency keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Readiness compares the schema with the code.
    op.execute("GRANT SELECT ON alembic_version TO crewline_platform")
    op.execute("GRANT USAGE ON SCHEMA public TO crewline_tenant, crewline_platform")
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("currency ~ '^[a-z]{3}$'", name=op.f("ck_organizations_currency")),
        sa.CheckConstraint("slug ~ '^[a-z0-9](-?[a-z0-9]){1,49}$'", name=op.f("ck_organizations_slug")),
        sa.PrimaryKeyConstraint("id", name="pk_organizations"),
        sa.UniqueConstraint("slug", name="uq_organizations_slug"),
    )
    rls.protect_tenant_table("organizations", column="id", rights="SELECT, UPDATE")
    op.execute("GRANT INSERT ON organizations TO crewline_platform")
    op.create_table(
        "audit_entries",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_label", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("before", JSONB(none_as_null=True), nullable=False),
        sa.Column("after", JSONB(none_as_null=True), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name="fk_audit_entries_org_id"),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_audit_entries"),
    )
    op.create_index(
        "ix_audit_entries_resource", "audit_entries", ["org_id", "resource", "resource_id", "id"], unique=False
    )
    # Append-only: nobody may change or remove an entry.
    rls.protect_tenant_table("audit_entries", rights="SELECT, INSERT")
    op.create_table(
        "job_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("slot_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counts", JSONB(none_as_null=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('running', 'succeeded', 'failed', 'lost')", name=op.f("ck_job_runs_state")),
        sa.PrimaryKeyConstraint("id", name="pk_job_runs"),
        sa.UniqueConstraint("job", "slot_at", name="uq_job_runs_job_slot_at"),
    )
    op.create_index(
        "uq_job_runs_running", "job_runs", ["job"], unique=True, postgresql_where=sa.text("state = 'running'")
    )
    rls.platform_table("job_runs")
    op.create_table(
        "idempotency_keys",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("body", JSONB(none_as_null=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name="fk_idempotency_keys_org_id"),
        sa.PrimaryKeyConstraint("org_id", "user_id", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)
    rls.protect_tenant_table("idempotency_keys")


def downgrade() -> None:
    for table in (
        "idempotency_keys",
        "job_runs",
        "audit_entries",
        "organizations",
    ):
        op.drop_table(table)
