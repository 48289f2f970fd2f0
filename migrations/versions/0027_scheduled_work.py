"""Runs of jobs by hand and for one organization; targets of events; tables as files; what retention asks about."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

RETENTION_POLICY = (
    '{"lead_days": null, "message_days": null, "export_days": null, "session_days": null, "photo_days": null}'
)

_THIS_ORG = "nullif(current_setting('app.org_id', true), '')::uuid"
OLD_ENTRIES = f"org_id = {_THIS_ORG} AND created_at < now() - interval '365 days'"
"""What retention may remove at all, whatever it is told."""

FORGET_AUDIT_ENTRIES = f"""
CREATE FUNCTION forget_audit_entries(entries uuid[]) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH gone AS (
        DELETE FROM public.audit_entries WHERE {OLD_ENTRIES} AND id = ANY (entries) RETURNING 1
    )
    SELECT count(*) FROM gone
$$
"""
FORGET_IN_STRIPE_EVENTS = f"""
CREATE FUNCTION forget_in_stripe_events(intents text[], orders text[]) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH forgotten AS (
        UPDATE public.stripe_events SET last_error = NULL, payload = jsonb_build_object(
            'id', payload -> 'id', 'object', payload -> 'object', 'type', payload -> 'type',
            'api_version', payload -> 'api_version', 'created', payload -> 'created', 'livemode', payload -> 'livemode',
            'data', jsonb_build_object('object', (
                SELECT coalesce(jsonb_object_agg(key, CASE key
                    WHEN 'metadata' THEN jsonb_build_object(
                        'org_id', value -> 'org_id', 'order_id', value -> 'order_id')
                    ELSE value END), '{{}}'::jsonb)
                FROM jsonb_each(payload #> '{{data,object}}')
                WHERE key = 'metadata' AND jsonb_typeof(value) = 'object'
                   OR jsonb_typeof(value) IN ('string', 'number', 'boolean', 'null') AND (
                       key IN ('id', 'object', 'created', 'currency', 'status', 'payment_status', 'livemode', 'mode',
                               'payment_intent', 'charge', 'latest_charge', 'balance_transaction', 'paid', 'captured',
                               'refunded', 'reason')
                       OR key LIKE 'amount%')
            )))
        WHERE (coalesce(payload #>> '{{data,object,payment_intent}}', payload #>> '{{data,object,id}}') = ANY (intents)
               OR payload #>> '{{data,object,metadata,order_id}}' = ANY (orders))
          AND coalesce(payload #>> '{{data,object,metadata,org_id}}', {_THIS_ORG}::text) = {_THIS_ORG}::text
        RETURNING 1
    )
    SELECT count(*) FROM forgotten
$$
"""
"""Leaves identifiers, states and amounts: what it does not know, it forgets."""


def upgrade() -> None:
    _grow_job_runs()
    _grow_exports()
    _create_csv_files()
    op.add_column("clients", sa.Column("legal_hold_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "organizations",
        sa.Column("retention_policy", JSONB(none_as_null=True), server_default=RETENTION_POLICY, nullable=False),
    )
    _let_old_entries_go()
    _let_stripe_events_forget()


def _execute(accepted: str, statement: str) -> None:
    """A statement that breaks a rule of squawk: the table is small, or was made here."""
    op.execute(f"-- squawk-ignore {accepted}\n{statement}")


def _grow_job_runs() -> None:
    op.add_column("job_runs", sa.Column("org_id", sa.Uuid(), nullable=True))
    op.add_column("job_runs", sa.Column("trigger", sa.Text(), server_default="beat", nullable=False))
    op.add_column("job_runs", sa.Column("requested_by", sa.Text(), nullable=True))
    op.add_column("job_runs", sa.Column("dry_run", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("job_runs", sa.Column("covered_by", sa.Uuid(), nullable=True))
    for name in ("asked", "details"):
        op.add_column("job_runs", sa.Column(name, JSONB(none_as_null=True), server_default="{}", nullable=False))
    op.add_column(
        "job_runs",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.execute("UPDATE job_runs SET created_at = started_at")
    for name in ("slot_at", "started_at", "lease_until"):
        _execute("ban-drop-not-null", f"ALTER TABLE job_runs ALTER COLUMN {name} DROP NOT NULL")
    _execute("ban-drop-constraint", "ALTER TABLE job_runs DROP CONSTRAINT uq_job_runs_job_slot_at")
    _execute("ban-drop-constraint", "ALTER TABLE job_runs DROP CONSTRAINT ck_job_runs_state")
    _execute("require-concurrent-index-deletion", "DROP INDEX uq_job_runs_running")
    checks = {
        "state": "state IN ('queued', 'running', 'succeeded', 'failed', 'lost')",
        "trigger": "trigger IN ('beat', 'staff', 'command')",
    }
    for name, check in checks.items():
        _execute(
            "constraint-missing-not-valid", f"ALTER TABLE job_runs ADD CONSTRAINT ck_job_runs_{name} CHECK ({check})"
        )
    _execute(
        "constraint-missing-not-valid,adding-foreign-key-constraint",
        "ALTER TABLE job_runs ADD CONSTRAINT fk_job_runs_org_id FOREIGN KEY (org_id) REFERENCES organizations (id)",
    )
    indexes = {
        "UNIQUE INDEX uq_job_runs_slot": "(org_id, job, slot_at) NULLS NOT DISTINCT"
        " WHERE slot_at IS NOT NULL AND state NOT IN ('failed', 'lost')",
        "UNIQUE INDEX uq_job_runs_open": "(org_id, job) NULLS NOT DISTINCT"
        " WHERE slot_at IS NOT NULL AND state IN ('queued', 'running')",
        "INDEX ix_job_runs_job": "(org_id, job, id)",
        "INDEX ix_job_runs_succeeded": "(org_id, job, id) WHERE slot_at IS NOT NULL AND state = 'succeeded'",
        "INDEX ix_job_runs_open": "(state, created_at) WHERE state IN ('queued', 'running')",
        "INDEX ix_job_runs_created_at": "(org_id, created_at, id)",
    }
    for kind, what in indexes.items():
        name = kind.split()[-1]
        _execute("require-concurrent-index-creation", f"CREATE {kind.removesuffix(name)}{name} ON job_runs {what}")
    op.execute("REVOKE ALL ON job_runs FROM crewline_platform")
    rls.protect_tenant_table("job_runs")


def _grow_exports() -> None:
    op.add_column("exports", sa.Column("last_status", sa.BigInteger(), nullable=True))
    for name in ("replays", "auto_replays"):
        op.add_column("exports", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    for name in ("dead_at", "auto_replayed_at"):
        op.add_column("exports", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "exports",
        sa.Column("owed_since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.create_table(
        "webhook_endpoints",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("url", "sealed_secret", "sealed_previous_secret")),
        sa.Column("previous_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=True)
            for name in ("rests_until", "busy_until", "last_success_at", "last_failure_at")
        ),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("probed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probe_worked", sa.Boolean(), nullable=True),
        sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("warned_dead", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('active', 'disabled')", name=op.f("ck_webhook_endpoints_state")),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name="fk_webhook_endpoints_org_id"),
        sa.PrimaryKeyConstraint("org_id", name="pk_webhook_endpoints"),
    )
    rls.protect_tenant_table("webhook_endpoints")


def _create_csv_files() -> None:
    op.create_table(
        "csv_files",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("filters", JSONB(none_as_null=True), nullable=False),
        sa.Column("with_clients", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("total_rows", sa.BigInteger(), nullable=True),
        sa.Column("last_id", sa.Uuid(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in ("plain_bytes", "crc32")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('orders', 'payments')", name=op.f("ck_csv_files_kind")),
        sa.CheckConstraint(
            "state IN ('queued', 'writing', 'ready', 'expired', 'dead')", name=op.f("ck_csv_files_state")
        ),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name="fk_csv_files_org_id"),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_csv_files"),
    )
    op.create_index(
        "ix_csv_files_due",
        "csv_files",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'writing', 'ready')"),
    )
    rls.protect_tenant_table("csv_files")
    op.create_table(
        "csv_file_parts",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("csv_file_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id", "csv_file_id"],
            ["csv_files.org_id", "csv_files.id"],
            name="fk_csv_file_parts_org_id_csv_file_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("org_id", "csv_file_id", "number", name="pk_csv_file_parts"),
    )
    rls.protect_tenant_table("csv_file_parts")


def _let_old_entries_go() -> None:
    """Nobody may delete entries of the audit log. The owner of the schema may read and delete old ones of the
    transaction's organization, and lends that to whoever calls the function."""
    for name, what in (("retention_reads", "SELECT"), ("retention_deletes", "DELETE")):
        op.execute(f"CREATE POLICY {name} ON audit_entries FOR {what} TO CURRENT_USER USING ({OLD_ENTRIES})")
    op.execute(FORGET_AUDIT_ENTRIES)
    _lend_to_tenants("forget_audit_entries(uuid[])")


def _let_stripe_events_forget() -> None:
    op.execute(FORGET_IN_STRIPE_EVENTS)
    _lend_to_tenants("forget_in_stripe_events(text[], text[])")


def _lend_to_tenants(function: str) -> None:
    op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO crewline_tenant")


def downgrade() -> None:
    op.execute("DROP FUNCTION forget_in_stripe_events(text[], text[])")
    op.execute("DROP FUNCTION forget_audit_entries(uuid[])")
    for name in ("retention_deletes", "retention_reads"):
        op.execute(f"DROP POLICY {name} ON audit_entries")
    op.drop_table("csv_file_parts")
    op.drop_table("csv_files")
    op.drop_table("webhook_endpoints")
    op.drop_column("organizations", "retention_policy")
    op.drop_column("clients", "legal_hold_at")
    for name in ("last_status", "replays", "auto_replays", "dead_at", "auto_replayed_at", "owed_since"):
        op.drop_column("exports", name)
    _shrink_job_runs()


def _shrink_job_runs() -> None:
    for statement in (
        "DROP POLICY tenant ON job_runs",
        "DROP POLICY platform ON job_runs",
        "REVOKE ALL ON job_runs FROM crewline_tenant",
        "ALTER TABLE job_runs NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE job_runs DISABLE ROW LEVEL SECURITY",
        "DELETE FROM job_runs WHERE org_id IS NOT NULL OR slot_at IS NULL OR state IN ('queued', 'failed', 'lost')",
    ):
        op.execute(statement)
    for name in (
        "uq_job_runs_slot",
        "uq_job_runs_open",
        "ix_job_runs_job",
        "ix_job_runs_succeeded",
        "ix_job_runs_open",
        "ix_job_runs_created_at",
    ):
        op.drop_index(name, "job_runs")
    op.drop_constraint("ck_job_runs_trigger", "job_runs")
    op.drop_constraint("ck_job_runs_state", "job_runs")
    for name in ("org_id", "trigger", "requested_by", "dry_run", "covered_by", "asked", "details", "created_at"):
        op.drop_column("job_runs", name)
    for name in ("slot_at", "started_at", "lease_until"):
        op.alter_column("job_runs", name, nullable=False)
    states = "state IN ('running', 'succeeded', 'failed', 'lost')"
    op.create_check_constraint(op.f("ck_job_runs_state"), "job_runs", states)
    op.create_unique_constraint("uq_job_runs_job_slot_at", "job_runs", ["job", "slot_at"])
    op.create_index(
        "uq_job_runs_running", "job_runs", ["job"], unique=True, postgresql_where=sa.text("state = 'running'")
    )
