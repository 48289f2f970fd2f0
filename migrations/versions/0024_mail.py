"""What became of a mail after it was sent, addresses that get none any more, the colour of an organization's mails."""

import sqlalchemy as sa
from alembic import op

from migrations import rls

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

OLD_KINDS = (
    "'order_confirmed', 'order_cancelled', 'account_created', 'password_reset', 'request_received', 'order_pending', "
    "'order_rescheduled', 'order_completed'"
)
NEW_KINDS = (
    f"{OLD_KINDS}, 'order_reminder', 'invoice', 'invoice_overdue', 'receipt', 'payment_failed', 'refund', "
    "'magic_link', 'plan_notice', 'operator_alert'"
)
OLD_STATES = "'queued', 'sending', 'retrying', 'sent', 'dead'"
NEW_STATES = f"{OLD_STATES}, 'suppressed'"
DELIVERIES = "'deferred', 'delivered', 'bounced', 'dropped', 'complained'"
COLUMNS = (
    sa.Column("locale", sa.Text(), nullable=True),
    sa.Column("not_after", sa.DateTime(timezone=True), nullable=True),
    sa.Column("provider_id", sa.Text(), nullable=True),
    sa.Column("delivery", sa.Text(), nullable=True),
    sa.Column("delivery_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("delivery_detail", sa.Text(), nullable=True),
)


def upgrade() -> None:
    for column in COLUMNS:
        op.add_column("messages", column.copy())
    _check("messages", "kind", f"kind IN ({NEW_KINDS})", replacing=True)
    _check("messages", "state", f"state IN ({NEW_STATES})", replacing=True)
    _check("messages", "delivery", f"delivery IN ({DELIVERIES})")
    op.create_table(
        "mail_suppressions",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "reason IN ('bounced', 'unsubscribed', 'complained')", name=op.f("ck_mail_suppressions_reason")
        ),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name="fk_mail_suppressions_org_id"),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_mail_suppressions"),
        sa.UniqueConstraint("org_id", "email", "reason", name="uq_mail_suppressions_org_id_email_reason"),
    )
    rls.protect_tenant_table("mail_suppressions")
    op.add_column("organizations", sa.Column("brand_color", sa.Text(), nullable=True))
    _check("organizations", "brand_color", "brand_color ~ '^#[0-9a-f]{6}$'")


def downgrade() -> None:
    op.drop_column("organizations", "brand_color")
    op.drop_table("mail_suppressions")
    op.execute(f"DELETE FROM messages WHERE kind NOT IN ({OLD_KINDS})")
    op.execute("UPDATE messages SET state = 'dead' WHERE state = 'suppressed'")
    _check("messages", "kind", f"kind IN ({OLD_KINDS})", replacing=True)
    _check("messages", "state", f"state IN ({OLD_STATES})", replacing=True)
    for column in COLUMNS:
        op.drop_column("messages", column.name)


def _check(table: str, name: str, rule: str, *, replacing: bool = False) -> None:
    constraint = f"ck_{table}_{name}"
    if replacing:
        op.execute(f"-- squawk-ignore ban-drop-constraint\nALTER TABLE {table} DROP CONSTRAINT {constraint}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} CHECK ({rule}) NOT VALID")
