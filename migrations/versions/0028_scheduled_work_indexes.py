"""Indexes of tables that are written all the time."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

UNFINISHED = "WHERE state IN ('pending', 'delivering', 'retrying')"
INDEXES = {
    "ix_exports_owed": f"exports (org_id, next_attempt_at) {UNFINISHED}",
    "ix_exports_state": "exports (org_id, state, id)",
    "ix_exports_created_at": "exports (org_id, created_at)",
    "ix_sessions_end": "sessions (least(revoked_at, idle_until, ends_at))",
    "ix_exports_dead": "exports (org_id, dead_at) WHERE state = 'dead'",
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
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_exports_due")
        op.execute("RESET lock_timeout")
        op.execute("RESET statement_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_exports_due")
        op.execute(f"CREATE INDEX CONCURRENTLY ix_exports_due ON exports (next_attempt_at) {UNFINISHED}")
        for name in INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
