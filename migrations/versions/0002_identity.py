"""Users, sessions and password links."""

import sqlalchemy as sa
from alembic import op

from migrations import rls

CHECK_SESSION = """
CREATE FUNCTION check_session(checked_session uuid, of_user uuid, with_role text) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM FROM public.sessions AS s JOIN public.users AS u ON u.org_id = s.org_id AND u.id = s.user_id
    WHERE s.org_id = current_setting('app.org_id')::uuid AND s.id = checked_session AND s.user_id = of_user
      AND s.revoked_at IS NULL AND s.idle_until > statement_timestamp() AND s.ends_at > statement_timestamp()
      AND u.state = 'active' AND u.role = with_role;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the session is over' USING ERRCODE = 'CW401';
    END IF;
END
$$
"""
"""Runs in front of the first statement of every signed-in request (`shared.core.transaction`). A function, because
Postgres keeps its plan from call to call, and because only plpgsql can raise. It has no rights of its own."""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('owner', 'admin', 'dispatcher', 'finance', 'viewer', 'worker')", name=op.f("ck_users_role")
        ),
        sa.CheckConstraint("state IN ('active', 'deactivated')", name=op.f("ck_users_state")),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name="fk_users_org_id"),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_users"),
    )
    op.create_index("ix_users_email", "users", [sa.literal_column("lower(email)")], unique=False)
    op.create_index("uq_users_org_id_email", "users", ["org_id", sa.literal_column("lower(email)")], unique=True)
    rls.protect_tenant_table("users")
    op.create_table(
        "sessions",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("refresh_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("idle_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="fk_sessions_org_id_user_id"),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_sessions"),
        sa.UniqueConstraint("org_id", "refresh_hash", name="uq_sessions_org_id_refresh_hash"),
    )
    op.create_index("ix_sessions_user", "sessions", ["org_id", "user_id"], unique=False)
    rls.protect_tenant_table("sessions")
    op.create_table(
        "password_links",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["org_id", "user_id"], ["users.org_id", "users.id"], name="fk_password_links_org_id_user_id"
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_password_links"),
        sa.UniqueConstraint("org_id", "token_hash", name="uq_password_links_org_id_token_hash"),
    )
    rls.protect_tenant_table("password_links")
    op.execute(CHECK_SESSION)


def downgrade() -> None:
    op.execute("DROP FUNCTION check_session")
    for table in (
        "password_links",
        "sessions",
        "users",
    ):
        op.drop_table(table)
