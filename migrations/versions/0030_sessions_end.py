"""One index of when sessions end, and not two: each refresh moves that, and writes to both.

`ix_sessions_over` has it for each organization, as retention needs it. Cleaning up looks at all organizations at once,
and spends its time on the tokens of the sessions that it finds, whichever way it finds them.
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("SET statement_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_sessions_end")
        op.execute("RESET lock_timeout")
        op.execute("RESET statement_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("SET statement_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_sessions_end")
        op.execute("CREATE INDEX CONCURRENTLY ix_sessions_end ON sessions (least(revoked_at, idle_until, ends_at))")
        op.execute("RESET lock_timeout")
        op.execute("RESET statement_timeout")
