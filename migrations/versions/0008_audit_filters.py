"""Indexes for the filters of the audit log, which is written all the time."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NEW = {
    "ix_audit_entries_actor": "org_id, actor_id, id",
    "ix_audit_entries_action": "org_id, action, id",
    "ix_audit_entries_feature": "org_id, resource, id",
    "ix_audit_entries_row": "org_id, resource_id, id",
}
OLD = {"ix_audit_entries_resource": "org_id, resource, resource_id, id"}
"""Served a row only together with its feature; a row's identifier alone is as selective."""


def upgrade() -> None:
    _replace(OLD, NEW)


def downgrade() -> None:
    _replace(NEW, OLD)


def _replace(old: dict[str, str], new: dict[str, str]) -> None:
    """Build first, drop then, stopping nobody. It waits for every writer, so without the usual timeouts; what a killed
    try has left behind goes first."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("SET statement_timeout = 0")
        for name, columns in new.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(
                "-- squawk-ignore ban-concurrent-index-creation-in-transaction\n"
                f"CREATE INDEX CONCURRENTLY {name} ON audit_entries ({columns})"
            )
        for name in old:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute("RESET lock_timeout")
        op.execute("RESET statement_timeout")
