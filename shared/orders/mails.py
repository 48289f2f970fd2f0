"""What the mails about an order say, and to whom."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy.orm import Session

from shared.clients.model import Client
from shared.core.actor import Actor, system
from shared.core.orm import Reader, table_of
from shared.messages import service as messages
from shared.messages.model import MessageKind
from shared.messages.service import Promise
from shared.orders.jobs import REMIND
from shared.orders.model import Order, OrderSource
from shared.organizations.model import Organization

DEPOSIT_UNPAID = "deposit_unpaid"
"""A `reason_code`: a reason that is ours, and so is said in the reader's language."""

_UNPROVEN: dict[str, Any] = {"client_name": None, "address": None, "is_tentative": True}
"""What replaces the words of a stranger: the mailbox may be somebody else's, and gets no text of theirs."""

_clients, _organizations = table_of(Client), table_of(Organization)
_SURROUNDINGS: Select[Any] = (
    select(
        _clients.c.name.label("client_name"),
        _clients.c.email,
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
    was_pending: bool = False,
    now: datetime,
) -> None:
    """Promise the client a mail about what has become of `order`, once for each of its versions. A client without an
    address gets none. What a stranger has booked, and nobody has confirmed (`was_pending`), is told without the name
    and the address that they typed."""
    if around.email is None:
        return
    is_unproven = was_pending and order.source == OrderSource.PUBLIC
    messages.queue(
        session,
        actor,
        kind,
        around.email,
        _variables(order, around) | (_UNPROVEN if is_unproven else {}) | (extra or {}),
        dedupe_key=f"{kind}:{order.id}:{order.version}",
        resource_id=order.id,
        now=now,
    )


def _variables(order: Any, around: Row[Any]) -> dict[str, Any]:
    """What the templates are given, as `shared/messages/examples.py` shows it."""
    return {
        "client_name": around.client_name,
        "number": order.number,
        "title": order.title,
        "address": order.address,
        "starts": _instant(order.scheduled_start),
        "ends": _instant(order.scheduled_end),
        "total": {"amount": order.total_amount, "currency": order.currency},
        "deposit": {"amount": order.deposit_amount, "currency": order.currency} if order.deposit_amount else None,
        "hold_until": _instant(order.hold_until) if order.hold_until else None,
        "order_id": str(order.id),
        "sequence": order.version,
    }


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
