from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, child_of, of_organization, one_of
from shared.orders.states import OrderState


class Order(TenantRow, Base):
    """Work for a client at a time and a place. Amounts are minor units of `currency`."""

    __tablename__ = "orders"
    __table_args__ = (
        child_of("clients", "client_id"),
        UniqueConstraint("org_id", "number"),
        Index("ix_orders_schedule", "org_id", "scheduled_start", "id"),
        Index("ix_orders_state", "org_id", "state", "scheduled_start", "id"),
        Index("ix_orders_client", "org_id", "client_id", "scheduled_start", "id"),
        one_of("state", OrderState),
        CheckConstraint("scheduled_end > scheduled_start", name="times"),
        CheckConstraint("total_amount >= 0 AND paid_amount >= 0", name="amounts"),
    )

    number: Mapped[int]
    client_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(default=OrderState.PENDING)
    title: Mapped[str]
    address: Mapped[str]
    notes: Mapped[str] = mapped_column(default="")
    scheduled_start: Mapped[datetime]
    scheduled_end: Mapped[datetime]
    total_amount: Mapped[int]
    paid_amount: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str]
    photo_consent: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class OrderNumber(Base):
    """The last number that an organization has given out."""

    __tablename__ = "order_numbers"
    __table_args__ = (of_organization(),)

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    last_number: Mapped[int]


class OrderHistory(TenantRow, Base):
    """One thing that happened to an order, for people: who did what when."""

    __tablename__ = "order_history"
    __table_args__ = (child_of("orders", "order_id"), Index("ix_order_history_order", "org_id", "order_id", "id"))

    order_id: Mapped[UUID]
    event: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_label: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
