"""Services, add-ons, price books and estimates; the last two are never changed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "addons",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name="fk_addons_org_id"),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_addons"),
        sa.UniqueConstraint("org_id", "key", name="uq_addons_org_id_key"),
    )
    rls.protect_tenant_table("addons")
    op.create_table(
        "services",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("is_heavy", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name="fk_services_org_id"),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_services"),
        sa.UniqueConstraint("org_id", "key", name="uq_services_org_id_key"),
    )
    rls.protect_tenant_table("services")
    op.create_table(
        "price_books",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("rules", JSONB(none_as_null=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_price_books_version")),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name="fk_price_books_org_id"),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_price_books"),
        sa.UniqueConstraint("org_id", "version", name="uq_price_books_org_id_version"),
    )
    rls.protect_tenant_table("price_books", rights="SELECT, INSERT")
    op.create_table(
        "estimates",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("price_book_id", sa.Uuid(), nullable=False),
        sa.Column("price_book_version", sa.BigInteger(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("frequency", sa.Text(), nullable=False),
        sa.Column("inputs", JSONB(none_as_null=True), nullable=False),
        sa.Column("addons", JSONB(none_as_null=True), nullable=False),
        sa.Column("lines", JSONB(none_as_null=True), nullable=False),
        sa.Column("taxes", JSONB(none_as_null=True), nullable=False),
        sa.Column("explain", JSONB(none_as_null=True), nullable=False),
        sa.Column("minutes", sa.BigInteger(), nullable=False),
        sa.Column("crew_size", sa.BigInteger(), nullable=False),
        sa.Column("subtotal_amount", sa.BigInteger(), nullable=False),
        sa.Column("discount_amount", sa.BigInteger(), nullable=False),
        sa.Column("tax_amount", sa.BigInteger(), nullable=False),
        sa.Column("total_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("minutes > 0 AND crew_size > 0", name=op.f("ck_estimates_work")),
        sa.CheckConstraint(
            "subtotal_amount >= 0 AND discount_amount >= 0 AND tax_amount >= 0"
            " AND total_amount = subtotal_amount - discount_amount + tax_amount",
            name=op.f("ck_estimates_amounts"),
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "price_book_id"],
            ["price_books.org_id", "price_books.id"],
            name="fk_estimates_org_id_price_book_id",
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "service_id"], ["services.org_id", "services.id"], name="fk_estimates_org_id_service_id"
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_estimates"),
    )
    op.create_index("ix_estimates_price_book", "estimates", ["org_id", "price_book_id"], unique=False)
    op.create_index("ix_estimates_service", "estimates", ["org_id", "service_id"], unique=False)
    rls.protect_tenant_table("estimates", rights="SELECT, INSERT")


def downgrade() -> None:
    for table in ("estimates", "price_books", "services", "addons"):
        op.drop_table(table)
