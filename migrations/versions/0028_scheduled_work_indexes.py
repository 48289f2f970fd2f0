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
    "ix_exports_over": "exports (org_id, (coalesce(delivered_at, dead_at, created_at)), id)"
    " WHERE state IN ('delivered', 'dead')",
    "ix_orders_lead": "orders (org_id, lead_id) WHERE lead_id IS NOT NULL",
    "ix_leads_over": "leads (org_id, updated_at, id) WHERE state <> 'won'",
    "ix_messages_said": "messages (org_id, created_at, id) WHERE state IN ('sent', 'dead', 'suppressed')"
    " AND (variables <> '{}'::jsonb OR delivery_detail IS NOT NULL"
    " OR (last_error IS NOT NULL AND state <> 'suppressed'))",
    "ix_order_photos_created_at": "order_photos (org_id, created_at, id)",
    "ix_sessions_over": "sessions (org_id, (least(revoked_at, idle_until, ends_at)), id)",
    "ix_stripe_events_over": "stripe_events (handled_at, id) WHERE state IN ('handled', 'ignored')",
    "ix_stripe_events_intent": "stripe_events"
    " ((coalesce(payload #>> '{data,object,payment_intent}', payload #>> '{data,object,id}')))",
    "ix_stripe_events_order": "stripe_events ((payload #>> '{data,object,metadata,order_id}'))",
    "ix_clients_legal_hold": "clients (org_id) WHERE legal_hold_at IS NOT NULL",
    "ix_clients_merged_into": "clients (org_id, merged_into_id) WHERE merged_into_id IS NOT NULL",
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
        op.execute("SET lock_timeout = 0")
        op.execute("SET statement_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_exports_due")
        op.execute(f"CREATE INDEX CONCURRENTLY ix_exports_due ON exports (next_attempt_at) {UNFINISHED}")
        for name in INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute("RESET lock_timeout")
        op.execute("RESET statement_timeout")
