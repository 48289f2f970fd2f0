"""What the mails about an order say, and to whom."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy.orm import Session

from shared.clients.model import Client
from shared.core.actor import Actor, system
from shared.core.money import Money
from shared.core.orm import Reader, table_of
from shared.messages import service as messages
from shared.messages.model import MessageKind
from shared.messages.service import Promise
from shared.orders.jobs import REMIND
from shared.orders.model import Order
from shared.organizations.model import Organization

_clients, _organizations = table_of(Client), table_of(Organization)
_SURROUNDINGS: Select[Any] = (
    select(
        _clients.c.name.label("client_name"),
        _clients.c.email,
        _organizations.c.timezone,
        _organizations.c.cancellation_policy,
        _organizations.c.scheduling_policy,
    )
    .join(_organizations, _organizations.c.id == _clients.c.org_id)
    .where(_clients.c.org_id == bindparam("org_id"), _clients.c.id == bindparam("client_id"))
)
AROUND = list(_SURROUNDINGS.selected_columns)
"""The columns of `surroundings`, for whoever reads those of many orders."""


def surroundings(session: Reader, order: Order) -> Row[Any]:
    """What a move of `order` needs of its client and its organization, in one statement."""
    return session.execute(_SURROUNDINGS, {"org_id": order.org_id, "client_id": order.client_id}).one()


def reminder(due: Row[Any]) -> Promise:
    """What reminds a client of an order. `due` has the columns of the order and of its surroundings, and the key by
    which this order is reminded of at this time once."""
    return Promise(
        system(due.org_id, REMIND.name),
        MessageKind.ORDER_REMINDER,
        due.email,
        _variables(due, due),
        dedupe_key=due.dedupe_key,
        resource_id=due.id,
        not_after=due.scheduled_start,
    )


def tell_client(
    session: Session,
    actor: Actor,
    order: Any,
    around: Row[Any],
    *,
    kind: MessageKind,
    extra: dict[str, Any] | None = None,
    now: datetime,
) -> None:
    """Promise the client a mail about what has become of `order`, once for each of its versions. A client without an
    address gets none."""
    if around.email is None:
        return
    messages.queue(
        session,
        actor,
        kind,
        around.email,
        _variables(order, around) | (extra or {}),
        dedupe_key=f"{kind}:{order.id}:{order.version}",
        resource_id=order.id,
        now=now,
    )


def _variables(order: Any, around: Row[Any]) -> dict[str, Any]:
    """The template variables; times as the organization's clocks show them."""
    zone = ZoneInfo(around.timezone)
    return {
        "client_name": around.client_name,
        "number": order.number,
        "title": order.title,
        "address": order.address,
        "starts": _on_clocks(order.scheduled_start, zone),
        "total": str(Money(order.total_amount, order.currency)),
        "deposit": str(Money(order.deposit_amount, order.currency)) if order.deposit_amount else None,
        "hold_until": _on_clocks(order.hold_until, zone) if order.hold_until else None,
    }


def _on_clocks(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%A, %d %B %Y, %H:%M}"
