"""Orders whose deposit was not paid in time give the team's time back."""

from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from shared.core.actor import system
from shared.core.orm import Reader, table_of
from shared.orders import moving
from shared.orders.model import Order
from shared.orders.states import OrderState

_orders = table_of(Order)


def expire_due(session: Session, *, now: datetime, limit: int) -> dict[str, int]:
    """Give up to `limit` pending orders whose hold has run out. Returns counts. Where a part was paid, the order stays,
    without a hold: staff decide."""
    due = select(Order).where(*_is_due(now)).order_by(Order.hold_until).limit(limit).with_for_update(skip_locked=True)
    counts = {"expired": 0, "kept": 0}
    for order in session.scalars(due):
        if order.paid_amount:
            order.hold_until = None
            counts["kept"] += 1
        else:
            moving.expire(session, system(order.org_id, "orders.expire_holds"), order, now=now)
            counts["expired"] += 1
    return counts


def count_due(session: Reader, *, now: datetime) -> dict[str, int]:
    """What `expire_due` would do with all of them."""
    paid = _orders.c.paid_amount != 0
    counting = select(func.count().filter(~paid).label("expired"), func.count().filter(paid).label("kept"))
    return dict(session.execute(counting.where(*_is_due(now))).one()._mapping)  # noqa: SLF001 - its public name


def _is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    column = _orders.c
    return column.state == OrderState.PENDING, column.hold_until.is_not(None), column.hold_until <= now
