"""Photos of orders."""

import sqlalchemy as sa
from alembic import op

from migrations import rls

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "order_photos",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("caption", sa.Text(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("backend", sa.Text(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("phase IN ('before', 'after', 'issue')", name=op.f("ck_order_photos_phase")),
        sa.CheckConstraint(
            "state IN ('uploading', 'stored', 'deleting', 'purging', 'stuck')", name=op.f("ck_order_photos_state")
        ),
        sa.CheckConstraint("size > 0", name=op.f("ck_order_photos_size")),
        sa.ForeignKeyConstraint(
            ["org_id", "order_id"], ["orders.org_id", "orders.id"], name="fk_order_photos_org_id_order_id"
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_order_photos"),
    )
    op.create_index(
        "ix_order_photos_due",
        "order_photos",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('uploading', 'deleting', 'purging')"),
    )
    op.create_index("ix_order_photos_order", "order_photos", ["org_id", "order_id", "id"], unique=False)
    op.create_index(
        "uq_order_photos_content",
        "order_photos",
        ["org_id", "order_id", "sha256"],
        unique=True,
        postgresql_where=sa.text("state = 'stored'"),
    )
    rls.protect_tenant_table("order_photos")


def downgrade() -> None:
    for table in ("order_photos",):
        op.drop_table(table)
