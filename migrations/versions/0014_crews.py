"""Teams, workers, and when they do not work."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "teams",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hours", JSONB(none_as_null=True), nullable=True),
        sa.Column("postal_prefixes", JSONB(none_as_null=True), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name="fk_teams_org_id"),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_teams"),
        sa.UniqueConstraint("org_id", "name", name="uq_teams_org_id_name"),
    )
    rls.protect_tenant_table("teams")
    op.create_table(
        "workers",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["org_id", "team_id"], ["teams.org_id", "teams.id"], name="fk_workers_org_id_team_id"),
        sa.ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="fk_workers_org_id_user_id"),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name="fk_workers_org_id"),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_workers"),
        sa.UniqueConstraint("org_id", "user_id", name="uq_workers_org_id_user_id"),
    )
    op.create_index("ix_workers_team", "workers", ["org_id", "team_id"], unique=False)
    rls.protect_tenant_table("workers")
    op.create_table(
        "blackouts",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("worker_id", sa.Uuid(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_blackouts_times")),
        sa.CheckConstraint("num_nonnulls(team_id, worker_id) <= 1", name=op.f("ck_blackouts_whose")),
        sa.ForeignKeyConstraint(
            ["org_id", "team_id"], ["teams.org_id", "teams.id"], name="fk_blackouts_org_id_team_id"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "worker_id"], ["workers.org_id", "workers.id"], name="fk_blackouts_org_id_worker_id"
        ),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name="fk_blackouts_org_id"),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_blackouts"),
    )
    op.create_index("ix_blackouts_ends_at", "blackouts", ["org_id", "ends_at", "id"], unique=False)
    op.create_index("ix_blackouts_team", "blackouts", ["org_id", "team_id"], unique=False)
    op.create_index("ix_blackouts_worker", "blackouts", ["org_id", "worker_id"], unique=False)
    rls.protect_tenant_table("blackouts")


def downgrade() -> None:
    for table in ("blackouts", "workers", "teams"):
        op.drop_table(table)
