from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.core.actor import Actor
from shared.core.errors import Conflict, code
from shared.core.ids import new_id
from shared.core.money import Money
from shared.core.orm import Reader, table_of
from shared.orders import moving
from shared.orders import service as orders
from shared.payments.model import Payment, PaymentState

WRONG_CURRENCY = code("payments.wrong_currency", "The payment is not in the order's currency")


_payments = table_of(Payment)
_RECORD_ONCE = (
    insert(_payments)
    .on_conflict_do_nothing(constraint="uq_payments_org_id_stripe_payment_intent_id")
    .returning(_payments.c.id)
)


def record_succeeded(
    session: Session,
    actor: Actor,
    order_id: UUID,
    paid: Money,
    *,
    payment_intent_id: str,
    paid_at: datetime,
    now: datetime,
) -> bool:
    """Record that a PaymentIntent of `order_id` succeeded; False when it was recorded before.

    Raises `NotFound` when the organization has no such order, `Conflict` when the currencies differ.
    """
    order = orders.lock(session, actor, order_id)
    if paid.currency != order.currency:
        raise Conflict(WRONG_CURRENCY, f"The order is in {order.currency}, the payment in {paid.currency}.")
    payment = insert(Payment).values(
        org_id=actor.org_id,
        id=new_id(),
        order_id=order_id,
        state=PaymentState.SUCCEEDED,
        amount=paid.amount,
        currency=paid.currency,
        stripe_payment_intent_id=payment_intent_id,
        refund_due=moving.refund_due(order, order.paid_amount + paid.amount) > order.refund_due_amount,
        paid_at=paid_at,
        created_at=now,
    )
    once = payment.on_conflict_do_nothing(constraint="uq_payments_org_id_stripe_payment_intent_id").returning(
        Payment.id
    )
    if session.scalar(once) is None:
        return False
    moving.record_payment(session, actor, order, paid.amount, now=now)
    return True


def list_for_order(session: Reader, actor: Actor, order_id: UUID) -> Sequence[Row[Any]]:
    """What was paid for an order, oldest first. Raises `NotFound` for the order."""
    orders.get(session, actor, order_id)
    query = select(_payments).where(_payments.c.org_id == actor.org_id, _payments.c.order_id == order_id)
    return session.execute(query.order_by(_payments.c.id)).all()
