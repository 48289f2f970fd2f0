"""Indexes of tables that are written all the time."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_messages_state": "messages (org_id, state, id)",
    "ix_messages_recipient": "messages (org_id, lower(recipient), id)",
    "ix_messages_dead": "messages (kind, created_at) WHERE state = 'dead'",
    "ix_orders_reminders": "orders (scheduled_start) WHERE state = 'confirmed'",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("SET statement_timeout = 0")
        for name, what in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(
                "-- squawk-ignore ban-concurrent-index-creation-in-transaction\n"
                f"CREATE INDEX CONCURRENTLY {name} ON {what}"
            )
        op.execute("RESET lock_timeout")
        op.execute("RESET statement_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
