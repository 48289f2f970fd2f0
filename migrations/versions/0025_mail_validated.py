"""What 0024 has added to filled tables holds for old rows too."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

ADDED = (
    ("messages", "ck_messages_kind"),
    ("messages", "ck_messages_state"),
    ("messages", "ck_messages_delivery"),
    ("organizations", "ck_organizations_brand_color"),
)


def upgrade() -> None:
    for table, constraint in ADDED:
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}")


def downgrade() -> None:
    """A constraint that is valid harms nobody."""
