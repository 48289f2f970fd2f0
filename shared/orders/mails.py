"""What the mails about an order say."""

from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row

from shared.core.money import Money
from shared.orders.model import Order


def variables(order: Order, client: Row[Any], organization: Row[Any]) -> dict[str, Any]:
    """The template variables of an order's mail; times as the organization's clocks show them."""
    starts = order.scheduled_start.astimezone(ZoneInfo(organization.timezone))
    return {
        "client_name": client.name,
        "number": order.number,
        "title": order.title,
        "address": order.address,
        "starts": f"{starts:%A, %d %B %Y, %H:%M}",
        "total": str(Money(order.total_amount, order.currency)),
    }
