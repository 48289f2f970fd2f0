"""Indexes of tables that are written all the time."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

INDEXES = {
    "uq_clients_org_id_phone": ("UNIQUE INDEX", "clients (org_id, phone)"),
    "ix_messages_resource": ("INDEX", "messages (org_id, resource_id, id)"),
    "ix_orders_team": ("INDEX", "orders (org_id, team_id, scheduled_start, id)"),
    "ix_orders_unassigned": ("INDEX", "orders (org_id, scheduled_start, id) WHERE team_id IS NULL"),
    "ix_orders_updated": ("INDEX", "orders (org_id, updated_at)"),
    "ix_orders_hold": ("INDEX", "orders (hold_until) WHERE state = 'pending' AND hold_until IS NOT NULL"),
    "uq_orders_occurrence": (
        "UNIQUE INDEX",
        "orders (org_id, recurrence_id, occurrence_on) WHERE recurrence_id IS NOT NULL",
    ),
}
"""The first one fails, and names the number, when two clients of a company share a phone number: change one of them
and run the migrations again."""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("SET statement_timeout = 0")
        for name, (kind, what) in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(
                "-- squawk-ignore ban-concurrent-index-creation-in-transaction\n"
                f"CREATE {kind} CONCURRENTLY {name} ON {what}"
            )
        op.execute("RESET lock_timeout")
        op.execute("RESET statement_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
