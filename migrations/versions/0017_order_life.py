"""The whole life of an order: whose time it takes, what it costs, how it ends. No double booking."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint

from migrations import rls

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

OLD_STATES = "'pending', 'confirmed', 'cancelled'"
NEW_STATES = "'pending', 'confirmed', 'in_progress', 'completed', 'cancelled', 'no_show'"
PARENTS = {
    "service_id": "services",
    "estimate_id": "estimates",
    "team_id": "teams",
    "lead_id": "leads",
    "recurrence_id": "recurrences",
}
CHECKS = {
    "source": "source IN ('staff', 'public', 'recurrence')",
    "blocked": "blocked_until >= scheduled_end",
    "deposit": "deposit_amount >= 0 AND cancellation_fee_amount >= 0 AND refund_due_amount >= 0",
}

SCHEDULING_POLICY = (
    '{"min_notice_hours": 24, "max_days_ahead": 365, "step_minutes": 30, "buffer_minutes": 30, "hold_minutes": 30}'
)

NO_TEAM_TWICE = """
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE orders ADD CONSTRAINT ex_orders_team EXCLUDE USING gist (
    org_id WITH =, team_id WITH =, tstzrange(scheduled_start, coalesce(blocked_until, scheduled_end)) WITH &&
) WHERE (team_id IS NOT NULL AND state IN ('pending', 'confirmed', 'in_progress'))
"""
"""A team's orders that occupy time may not overlap, the buffer behind each included."""

FOLLOW = """
CREATE FUNCTION order_workers_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.order_workers
    SET starts_at = NEW.scheduled_start, blocked_until = coalesce(NEW.blocked_until, NEW.scheduled_end),
        occupies = NEW.state IN ('pending', 'confirmed', 'in_progress')
    WHERE org_id = NEW.org_id AND order_id = NEW.id;
    RETURN NULL;
END
$$
"""
FOLLOW_TRIGGER = """
CREATE TRIGGER order_workers_follow AFTER UPDATE OF scheduled_start, scheduled_end, blocked_until, state ON orders
FOR EACH ROW WHEN (
    (OLD.scheduled_start, OLD.scheduled_end, OLD.blocked_until, OLD.state)
    IS DISTINCT FROM (NEW.scheduled_start, NEW.scheduled_end, NEW.blocked_until, NEW.state)
) EXECUTE FUNCTION order_workers_follow()
"""
"""In the database, so that no way of changing an order can forget the time of its workers."""


def upgrade() -> None:
    # Trusted: the owner of the database may install it (PostgreSQL 13 and newer).
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.create_table(
        "order_workers",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("occupies", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        ExcludeConstraint(
            (sa.column("org_id"), "="),
            (sa.column("worker_id"), "="),
            (sa.text("tstzrange(starts_at, blocked_until)"), "&&"),
            where=sa.text("occupies"),
            using="gist",
            name="ex_order_workers_worker",
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "order_id"], ["orders.org_id", "orders.id"], name="fk_order_workers_org_id_order_id"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "worker_id"], ["workers.org_id", "workers.id"], name="fk_order_workers_org_id_worker_id"
        ),
        sa.PrimaryKeyConstraint("org_id", "order_id", "worker_id", name="pk_order_workers"),
    )
    op.create_index("ix_order_workers_worker", "order_workers", ["org_id", "worker_id", "starts_at"], unique=False)
    rls.protect_tenant_table("order_workers")
    for column in (
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source", sa.Text(), server_default="staff", nullable=False),
        sa.Column("postal_code", sa.Text(), server_default="", nullable=False),
        sa.Column("access_notes", sa.Text(), server_default="", nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=True),
        sa.Column("is_heavy", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("estimate_id", sa.Uuid(), nullable=True),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("lead_id", sa.Uuid(), nullable=True),
        sa.Column("recurrence_id", sa.Uuid(), nullable=True),
        sa.Column("occurrence_on", sa.Date(), nullable=True),
        sa.Column("lines", JSONB(none_as_null=True), server_default="[]", nullable=False),
        sa.Column("deposit_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("deposit_reasons", JSONB(none_as_null=True), server_default="[]", nullable=False),
        sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancellation_fee_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refund_due_amount", sa.BigInteger(), server_default="0", nullable=False),
    ):
        op.add_column("orders", column)
    for column in (
        sa.Column(
            "scheduling_policy",
            JSONB(none_as_null=True),
            server_default=SCHEDULING_POLICY,
            nullable=False,
        ),
        sa.Column("portal_origins", JSONB(none_as_null=True), server_default="[]", nullable=False),
    ):
        op.add_column("organizations", column)
    for column, table in PARENTS.items():
        op.execute(
            f"ALTER TABLE orders ADD CONSTRAINT fk_orders_org_id_{column}"
            f" FOREIGN KEY (org_id, {column}) REFERENCES {table} (org_id, id) NOT VALID"
        )
    _allow_states(NEW_STATES)
    for name, condition in CHECKS.items():
        op.execute(f"ALTER TABLE orders ADD CONSTRAINT ck_orders_{name} CHECK ({condition}) NOT VALID")
    # No old order has a team, so there is nothing to build, and the lock is gone at once.
    op.execute(NO_TEAM_TWICE)
    # Words of people go when a person is erased; what has happened, who did it and when stays as it is.
    op.execute("GRANT UPDATE (details) ON order_history TO crewline_tenant, crewline_platform")
    op.execute(FOLLOW)
    op.execute(FOLLOW_TRIGGER)


def downgrade() -> None:
    op.execute("REVOKE UPDATE (details) ON order_history FROM crewline_tenant, crewline_platform")
    op.execute("DROP TRIGGER order_workers_follow ON orders")
    op.execute("DROP FUNCTION order_workers_follow()")
    op.execute("ALTER TABLE orders DROP CONSTRAINT ex_orders_team")
    for name in CHECKS:
        op.execute(f"ALTER TABLE orders DROP CONSTRAINT ck_orders_{name}")
    op.execute("UPDATE orders SET state = 'cancelled' WHERE state = 'no_show'")
    op.execute(f"UPDATE orders SET state = 'confirmed' WHERE state NOT IN ({OLD_STATES})")
    _allow_states(OLD_STATES)
    for column in PARENTS:
        op.execute(f"ALTER TABLE orders DROP CONSTRAINT fk_orders_org_id_{column}")
    for name in ("portal_origins", "scheduling_policy"):
        op.drop_column("organizations", name)
    for name in (
        "refund_due_amount",
        "cancellation_fee_amount",
        "ended_at",
        "started_at",
        "hold_until",
        "deposit_reasons",
        "deposit_amount",
        "lines",
        "occurrence_on",
        "recurrence_id",
        "lead_id",
        "team_id",
        "estimate_id",
        "is_heavy",
        "service_id",
        "access_notes",
        "postal_code",
        "source",
        "blocked_until",
    ):
        op.drop_column("orders", name)
    op.drop_table("order_workers")


def _allow_states(states: str) -> None:
    op.execute("-- squawk-ignore ban-drop-constraint\nALTER TABLE orders DROP CONSTRAINT ck_orders_state")
    op.execute(f"ALTER TABLE orders ADD CONSTRAINT ck_orders_state CHECK (state IN ({states})) NOT VALID")
