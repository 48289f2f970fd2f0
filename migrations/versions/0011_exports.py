"""Events for other systems; the new kinds of mail, and what a mail is about."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OLD_KINDS = "'order_confirmed', 'order_cancelled', 'account_created', 'password_reset'"
NEW_KINDS = f"{OLD_KINDS}, 'request_received', 'order_pending', 'order_rescheduled', 'order_completed'"


def upgrade() -> None:
    op.create_table(
        "exports",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("payload", JSONB(none_as_null=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'delivering', 'retrying', 'delivered', 'dead')", name=op.f("ck_exports_state")
        ),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name="fk_exports_org_id"),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_exports"),
    )
    op.create_index(
        "ix_exports_due",
        "exports",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'delivering', 'retrying')"),
    )
    op.create_index("ix_exports_resource", "exports", ["org_id", "resource_id", "id"], unique=False)
    rls.protect_tenant_table("exports")
    op.add_column("messages", sa.Column("resource_id", sa.Uuid(), nullable=True))
    _allow_kinds(NEW_KINDS)


def downgrade() -> None:
    op.execute(f"DELETE FROM messages WHERE kind NOT IN ({OLD_KINDS})")
    _allow_kinds(OLD_KINDS)
    op.drop_column("messages", "resource_id")
    op.drop_table("exports")


def _allow_kinds(kinds: str) -> None:
    op.execute("-- squawk-ignore ban-drop-constraint\nALTER TABLE messages DROP CONSTRAINT ck_messages_kind")
    op.execute(f"ALTER TABLE messages ADD CONSTRAINT ck_messages_kind CHECK (kind IN ({kinds})) NOT VALID")
