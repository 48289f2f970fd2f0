"""The kinds of mail that 0009 has added hold for old rows too."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE messages VALIDATE CONSTRAINT ck_messages_kind")


def downgrade() -> None:
    """A constraint that is valid harms nobody."""
