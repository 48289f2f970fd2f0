"""Indexes of photos that are on their way."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

INDEXES = {
    "uq_order_photos_content": (
        "UNIQUE INDEX",
        "order_photos (org_id, order_id, sha256) WHERE state IN ('uploaded', 'processing', 'stored')",
        "order_photos (org_id, order_id, sha256) WHERE state = 'stored'",
    ),
    "ix_order_photos_due": (
        "INDEX",
        "order_photos (next_attempt_at) WHERE next_attempt_at IS NOT NULL",
        "order_photos (next_attempt_at) WHERE state IN ('uploading', 'deleting', 'purging')",
    ),
}
"""Kind, what it is now, and what it was."""


def upgrade() -> None:
    _replace(1)


def downgrade() -> None:
    _replace(2)


def _replace(version: int) -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("SET statement_timeout = 0")
        for name, definition in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(
                "-- squawk-ignore ban-concurrent-index-creation-in-transaction\n"
                f"CREATE {definition[0]} CONCURRENTLY {name} ON {definition[version]}"
            )
        op.execute("RESET lock_timeout")
        op.execute("RESET statement_timeout")
