"""Orders whose deposit was not paid in time give the team's time back."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.core.actor import system
from shared.orders import moving
from shared.orders.model import Order
from shared.orders.states import OrderState


def expire_due(session: Session, *, now: datetime, limit: int) -> dict[str, int]:
    """Give up to `limit` pending orders whose hold has run out. Returns counts. Where a part was paid, the order stays,
    without a hold: staff decide."""
    due = (
        select(Order)
        .where(Order.state == OrderState.PENDING, Order.hold_until.is_not(None), Order.hold_until <= now)
        .order_by(Order.hold_until)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    counts = {"expired": 0, "kept": 0}
    for order in session.scalars(due):
        if order.paid_amount:
            order.hold_until = None
            counts["kept"] += 1
        else:
            moving.expire(session, system(order.org_id, "orders.expire_holds"), order, now=now)
            counts["expired"] += 1
    return counts
