from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, false, true
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, child_of, of_organization


class Service(TenantRow, Base):
    """Something that can be ordered. `key` is its name in price books and for ever; `is_heavy` picks the stricter
    cancellation terms and may ask for a deposit."""

    __tablename__ = "services"
    __table_args__ = (of_organization(), UniqueConstraint("org_id", "key"))

    key: Mapped[str]
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    is_heavy: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Addon(TenantRow, Base):
    """Something that can be added to a service. `key` is its name in price books and for ever."""

    __tablename__ = "addons"
    __table_args__ = (of_organization(), UniqueConstraint("org_id", "key"))

    key: Mapped[str]
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PriceBook(TenantRow, Base):
    """One version of the rules by which prices are made. Never changed: the highest `version` is the one in force."""

    __tablename__ = "price_books"
    __table_args__ = (
        of_organization(),
        UniqueConstraint("org_id", "version"),
        CheckConstraint("version > 0", name="version"),
    )

    version: Mapped[int]
    currency: Mapped[str]
    rules: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]


class Estimate(TenantRow, Base):
    """A price that was worked out, with everything that led to it. Never changed. Amounts are minor units of
    `currency`. `inputs` is what was asked for, defaults filled in; `addons` is how many of each, by identifier. What
    `lines`, `taxes` and `explain` hold is in `sheet.py`."""

    __tablename__ = "estimates"
    __table_args__ = (
        child_of("price_books", "price_book_id"),
        child_of("services", "service_id"),
        Index("ix_estimates_service", "org_id", "service_id"),
        Index("ix_estimates_price_book", "org_id", "price_book_id"),
        CheckConstraint("minutes > 0 AND crew_size > 0", name="work"),
        CheckConstraint(
            "subtotal_amount >= 0 AND discount_amount >= 0 AND tax_amount >= 0"
            " AND total_amount = subtotal_amount - discount_amount + tax_amount",
            name="amounts",
        ),
    )

    price_book_id: Mapped[UUID]
    price_book_version: Mapped[int]
    service_id: Mapped[UUID]
    frequency: Mapped[str]
    inputs: Mapped[dict[str, Any]]
    addons: Mapped[dict[str, Any]]
    lines: Mapped[list[dict[str, Any]]]
    taxes: Mapped[list[dict[str, Any]]]
    explain: Mapped[list[dict[str, Any]]]
    minutes: Mapped[int]
    crew_size: Mapped[int]
    subtotal_amount: Mapped[int]
    discount_amount: Mapped[int]
    tax_amount: Mapped[int]
    total_amount: Mapped[int]
    currency: Mapped[str]
    valid_until: Mapped[datetime]
    created_at: Mapped[datetime]
