"""Temporary passwords, second factors, refresh tokens that were used, and attempts to sign in."""

import sqlalchemy as sa
from alembic import op

from migrations import rls

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KINDS = "'order_confirmed', 'order_cancelled'"
NEW_KINDS = f"{KINDS}, 'account_created', 'password_reset'"

CHECK_SESSION = """
CREATE FUNCTION check_session(checked_session uuid, of_user uuid, with_role text, may_owe text) RETURNS void
LANGUAGE plpgsql STABLE AS $$
DECLARE
    owes_password boolean;
    lacks_second_factor boolean;
BEGIN
    SELECT u.must_change_password, u.totp_confirmed_at IS NULL AND u.role IN ('owner', 'admin')
    INTO owes_password, lacks_second_factor
    FROM public.sessions AS s JOIN public.users AS u ON u.org_id = s.org_id AND u.id = s.user_id
    WHERE s.org_id = current_setting('app.org_id')::uuid AND s.id = checked_session AND s.user_id = of_user
      AND s.revoked_at IS NULL AND s.idle_until > statement_timestamp() AND s.ends_at > statement_timestamp()
      AND u.state = 'active' AND u.role = with_role;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the session is over' USING ERRCODE = 'CW401';
    END IF;
    IF owes_password AND may_owe <> 'anything' THEN
        RAISE EXCEPTION 'the password must be changed first' USING ERRCODE = 'CWPWD';
    END IF;
    IF lacks_second_factor AND may_owe = 'nothing' AND (
        SELECT require_mfa FROM public.organizations WHERE id = current_setting('app.org_id')::uuid
    ) THEN
        RAISE EXCEPTION 'a second factor must be set up first' USING ERRCODE = 'CWMFA';
    END IF;
END
$$
"""
"""Replaces the function with three parameters, which stays for the release before this one."""


def upgrade() -> None:
    _add_columns()
    _allow_kinds(NEW_KINDS)
    op.create_table(
        "used_refresh_tokens",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id", "session_id"],
            ["sessions.org_id", "sessions.id"],
            name="fk_used_refresh_tokens_org_id_session_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_used_refresh_tokens"),
        sa.UniqueConstraint("org_id", "token_hash", name="uq_used_refresh_tokens_org_id_token_hash"),
    )
    op.create_index("ix_used_refresh_tokens_session", "used_refresh_tokens", ["org_id", "session_id"], unique=False)
    rls.protect_tenant_table("used_refresh_tokens")
    op.create_table(
        "recovery_codes",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["org_id", "user_id"], ["users.org_id", "users.id"], name="fk_recovery_codes_org_id_user_id"
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_recovery_codes"),
        sa.UniqueConstraint("org_id", "user_id", "code_hash", name="uq_recovery_codes_org_id_user_id_code_hash"),
    )
    rls.protect_tenant_table("recovery_codes")
    op.create_table(
        "sign_in_attempts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stale_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_sign_in_attempts"),
    )
    op.create_index("ix_sign_in_attempts_stale_at", "sign_in_attempts", ["stale_at"], unique=False)
    rls.platform_table("sign_in_attempts")
    op.execute(CHECK_SESSION)


def downgrade() -> None:
    op.execute("DROP FUNCTION check_session(uuid, uuid, text, text)")
    for table in ("sign_in_attempts", "recovery_codes", "used_refresh_tokens"):
        op.drop_table(table)
    op.execute("DELETE FROM messages WHERE kind IN ('account_created', 'password_reset')")
    _allow_kinds(KINDS)
    for name in ("last_used_at", "user_agent", "address"):
        op.drop_column("sessions", name)
    for name in (
        "last_sign_in_at",
        "totp_last_step",
        "totp_confirmed_at",
        "totp_secret",
        "temp_password_used_at",
        "temp_password_until",
        "must_change_password",
    ):
        op.drop_column("users", name)


def _add_columns() -> None:
    for column in (
        sa.Column("must_change_password", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("temp_password_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("temp_password_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_secret", sa.Text(), nullable=True),
        sa.Column("totp_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_last_step", sa.BigInteger(), nullable=True),
        sa.Column("last_sign_in_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("users", column)
    for column in (
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("sessions", column)


def _allow_kinds(kinds: str) -> None:
    op.execute("-- squawk-ignore ban-drop-constraint\nALTER TABLE messages DROP CONSTRAINT ck_messages_kind")
    op.execute(f"ALTER TABLE messages ADD CONSTRAINT ck_messages_kind CHECK (kind IN ({kinds})) NOT VALID")
