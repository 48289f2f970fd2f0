from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, child_of, one_of


class PaymentState(StrEnum):
    SUCCEEDED = "succeeded"


class Payment(TenantRow, Base):
    """Money that arrived for an order; `amount` in minor units of `currency`."""

    __tablename__ = "payments"
    __table_args__ = (
        child_of("orders", "order_id"),
        UniqueConstraint("org_id", "stripe_payment_intent_id"),
        Index("ix_payments_order", "org_id", "order_id", "id"),
        one_of("state", PaymentState),
        CheckConstraint("amount > 0", name="amount"),
    )

    order_id: Mapped[UUID]
    state: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    stripe_payment_intent_id: Mapped[str]
    refund_due: Mapped[bool] = mapped_column(default=False)
    paid_at: Mapped[datetime]
    created_at: Mapped[datetime]
