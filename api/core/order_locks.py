"""The order that work is done at: held while something below `orders` is changed, which cannot ask for its state."""

from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from api.core.context import actor
from shared.core.errors import Conflict
from shared.orders import service as orders
from shared.orders.states import OrderState, allowed_from

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from shared.orders.model import Order


def lock_order(session: "Session", order_id: UUID, states: Collection[OrderState]) -> "Order":
    """The order, locked until the end of the transaction, so that it stays in one of `states`.

    Raises `NotFound`, and `Conflict` when it is in another.
    """
    order = orders.lock(session, actor(), order_id)
    if order.state not in states:
        detail = f"This cannot be done at an order that is {order.state}."
        raise Conflict(orders.WRONG_STATE, detail, state=order.state, allowed=allowed_from(order.state))
    return order
