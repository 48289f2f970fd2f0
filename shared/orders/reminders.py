"""Reminding clients of what is ahead: once for each time at which an order is to begin.

A scan looks at orders, writes messages, and keeps nothing itself: which order was reminded of at which time is in the
keys of the messages. So a moved order reminds again, one that is moved back does not remind twice, and a scan that was
missed is made up for by the next one.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CTE, Boolean, Integer, Select, Text, cast, exists, func, select
from sqlalchemy.orm import Session

from shared.clients.model import Client
from shared.core.actor import Actor
from shared.core.orm import Reader, table_of
from shared.messages import service as messages
from shared.messages.model import Message, MessageKind
from shared.orders import mails
from shared.orders.model import Order
from shared.orders.states import OrderState
from shared.organizations.model import Organization

_orders, _clients = table_of(Order), table_of(Client)
_messages, _organizations = table_of(Message), table_of(Organization)

_HOURS = cast(_organizations.c.reminder_policy["hours_before"].astext, Integer)
_WANTED = cast(_organizations.c.reminder_policy["enabled"].astext, Boolean)
_KEY = func.concat(
    f"{MessageKind.ORDER_REMINDER}:",
    cast(_orders.c.id, Text),
    ":",
    func.to_char(func.timezone("UTC", _orders.c.scheduled_start), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
)


def remind_due(session: Session, *, now: datetime, limit: int) -> dict[str, int]:
    """Promise reminders of up to `limit` orders, of the transaction's organization or of all, the next to begin first.
    Returns counts. Two statements, whatever the number of orders; one that somebody changes at this moment is left to
    the next scan."""
    picked = _picked(_candidates(now), limit)
    unchanged = (
        _orders.c.state == OrderState.CONFIRMED,
        _orders.c.scheduled_start.is_not_distinct_from(picked.c.scheduled_start),  # never a way in: many begin at nine
        _orders.c.client_id == _clients.c.id,
    )
    # Held until the messages are there: whoever moves the order then finds its reminder, to withdraw it.
    due = (
        select(_orders, *mails.AROUND, picked.c.dedupe_key)
        .join(picked, (picked.c.org_id == _orders.c.org_id) & (picked.c.id == _orders.c.id))
        .join(_clients, (_clients.c.org_id == picked.c.org_id) & (_clients.c.id == picked.c.client_id))
        .join(_organizations, _organizations.c.id == picked.c.org_id)
        .where(*unchanged)
        .with_for_update(of=_orders, key_share=True, skip_locked=True)
    )
    promises = [mails.reminder(row) for row in session.execute(due)]
    return {"reminders": messages.queue_many(session, promises, now=now)}


def count_due(session: Reader, *, now: datetime) -> dict[str, int]:
    """What `remind_due` would promise, in as many goes as it takes."""
    untold = _untold(_candidates(now)).subquery()
    return {"reminders": int(session.scalar(select(func.count()).select_from(untold)) or 0)}


def withdraw(session: Session, actor: Actor, order: Order, reason: str, *, now: datetime) -> None:
    """Take back what has not gone out yet, because `order` does not begin then. Only of one that is confirmed anybody
    was reminded."""
    if order.state == OrderState.CONFIRMED:
        messages.withdraw(session, actor, order.id, MessageKind.ORDER_REMINDER, reason, now=now)


def _candidates(now: datetime) -> CTE:
    """Orders whose time to remind has come, whether or not that was done, with the key of their message.

    Apart from the look at the messages, because row-level security lets no text that is made here, of a row, come near
    an index there.
    """
    order, client = _orders.c, _clients.c
    longest = select(func.max(_HOURS)).where(_WANTED).scalar_subquery()
    return (
        select(order.org_id, order.id, order.client_id, order.scheduled_start, _KEY.label("dedupe_key"))
        .join(_organizations, _organizations.c.id == order.org_id)
        .join(_clients, (client.org_id == order.org_id) & (client.id == order.client_id))
        .where(
            _WANTED,
            order.state == OrderState.CONFIRMED,
            order.scheduled_start > now,
            order.scheduled_start <= now + func.make_interval(0, 0, 0, 0, longest),
            order.scheduled_start <= now + func.make_interval(0, 0, 0, 0, _HOURS),
            client.email.is_not(None),
            client.erased_at.is_(None),
            client.merged_into_id.is_(None),
        )
        .cte("candidates")
        .prefix_with("MATERIALIZED")
    )


def _untold(candidates: CTE) -> Select[*tuple[Any, ...]]:
    """Those without a message."""
    found = candidates.c
    told = exists().where(_messages.c.org_id == found.org_id, _messages.c.dedupe_key == found.dedupe_key)
    return select(candidates).where(~told)


def _picked(candidates: CTE, limit: int) -> Any:
    """The next to begin of those without a message."""
    found = candidates.c
    return _untold(candidates).order_by(found.scheduled_start, found.id).limit(limit).subquery("picked")
