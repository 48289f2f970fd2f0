"""How long workers were at an order."""

import sqlalchemy as sa
from alembic import op

from migrations import rls

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "time_entries",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overrun_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('running', 'paused', 'finished')", name=op.f("ck_time_entries_state")),
        sa.ForeignKeyConstraint(
            ["org_id", "order_id"], ["orders.org_id", "orders.id"], name="fk_time_entries_org_id_order_id"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "worker_id"], ["workers.org_id", "workers.id"], name="fk_time_entries_org_id_worker_id"
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_time_entries"),
    )
    op.create_index("ix_time_entries_order", "time_entries", ["org_id", "order_id", "id"], unique=False)
    op.create_index("ix_time_entries_worker", "time_entries", ["org_id", "worker_id", "id"], unique=False)
    op.create_index(
        "uq_time_entries_open",
        "time_entries",
        ["org_id", "order_id", "worker_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'finished'"),
    )
    op.create_index(
        "uq_time_entries_running",
        "time_entries",
        ["org_id", "worker_id"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )
    rls.protect_tenant_table("time_entries")
    op.create_table(
        "time_segments",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("time_entry_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ended_at >= started_at", name=op.f("ck_time_segments_times")),
        sa.ForeignKeyConstraint(
            ["org_id", "time_entry_id"],
            ["time_entries.org_id", "time_entries.id"],
            name="fk_time_segments_org_id_time_entry_id",
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_time_segments"),
    )
    op.create_index("ix_time_segments_entry", "time_segments", ["org_id", "time_entry_id", "id"], unique=False)
    op.create_index(
        "uq_time_segments_running",
        "time_segments",
        ["org_id", "time_entry_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    rls.protect_tenant_table("time_segments")


def downgrade() -> None:
    for table in ("time_segments", "time_entries"):
        op.drop_table(table)
