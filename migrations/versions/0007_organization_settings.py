"""What an organization decides for itself, its plan, and the version of its settings.

The CHECK comes with the column: the constant default has satisfied it already, and the table is one row per company.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BUSINESS_HOURS = (
    '{"mon": [{"opens": "08:00", "closes": "17:00"}], "tue": [{"opens": "08:00", "closes": "17:00"}],'
    ' "wed": [{"opens": "08:00", "closes": "17:00"}], "thu": [{"opens": "08:00", "closes": "17:00"}],'
    ' "fri": [{"opens": "08:00", "closes": "17:00"}], "sat": [], "sun": []}'
)
DEPOSIT_POLICY = '{"percent": 25, "minimum": null, "maximum": null, "required_for": [], "total_above": null}'
CANCELLATION_POLICY = (
    '{"standard": {"free_hours": 48, "partial_hours": 24, "partial_fee_percent": 50},'
    ' "heavy": {"free_hours": 72, "partial_hours": 48, "partial_fee_percent": 50}}'
)
REMINDER_POLICY = '{"hours_before": 24, "enabled": true}'

JSON_DEFAULTS = {
    "business_hours": BUSINESS_HOURS,
    "deposit_policy": DEPOSIT_POLICY,
    "cancellation_policy": CANCELLATION_POLICY,
    "reminder_policy": REMINDER_POLICY,
    "tax_rates": "[]",
}


def upgrade() -> None:
    columns = [
        sa.Column("locale", sa.Text(), server_default="en", nullable=False),
        *(
            sa.Column(name, JSONB(none_as_null=True), server_default=default, nullable=False)
            for name, default in JSON_DEFAULTS.items()
        ),
        sa.Column("contact_email", sa.Text(), nullable=True),
        sa.Column("contact_address", sa.Text(), server_default="", nullable=False),
        sa.Column("mail_sender_name", sa.Text(), nullable=True),
        sa.Column("require_mfa", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
    ]
    for column in columns:
        op.add_column("organizations", column)
    op.execute(
        "ALTER TABLE organizations ADD COLUMN plan TEXT DEFAULT 'free' NOT NULL"
        " CONSTRAINT ck_organizations_plan CHECK (plan IN ('free', 'pro'))"
    )


def downgrade() -> None:
    for column in (
        "plan",
        "version",
        "require_mfa",
        "mail_sender_name",
        "contact_address",
        "contact_email",
        *reversed(JSON_DEFAULTS),
        "locale",
    ):
        op.drop_column("organizations", column)
