"""E-mail, one row per mail."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "messages",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("variables", JSONB(none_as_null=True), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('order_confirmed', 'order_cancelled')", name=op.f("ck_messages_kind")),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'retrying', 'sent', 'dead')", name=op.f("ck_messages_state")
        ),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name="fk_messages_org_id"),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_messages"),
        sa.UniqueConstraint("org_id", "dedupe_key", name="uq_messages_org_id_dedupe_key"),
    )
    op.create_index(
        "ix_messages_due",
        "messages",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'sending', 'retrying')"),
    )
    rls.protect_tenant_table("messages")


def downgrade() -> None:
    for table in ("messages",):
        op.drop_table(table)
