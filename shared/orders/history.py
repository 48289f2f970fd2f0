"""What has happened to an order: for people (history), for the auditor (audit log), for other systems (exports).

Every change of an order calls `remember` once, in its own transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core.actor import Actor
from shared.core.ids import new_id
from shared.core.later import LaterInsert
from shared.core.orm import Reader, columns_of, table_of
from shared.exports import service as exports
from shared.exports.events import Event
from shared.identity.model import User
from shared.orders.model import OrderHistory

EXPORTED = {
    "place": Event.ORDER_CREATED,
    "confirm": Event.ORDER_CONFIRMED,
    "start": Event.ORDER_STARTED,
    "complete": Event.ORDER_COMPLETED,
    "cancel": Event.ORDER_CANCELLED,
    "expire": Event.ORDER_EXPIRED,
    "no_show": Event.ORDER_NO_SHOW,
    "reschedule": Event.ORDER_RESCHEDULED,
    "assign": Event.ORDER_ASSIGNED,
    "change": Event.ORDER_CHANGED,
}
"""The event that other systems are told of, for each thing that happens; payments have events of their own."""

FREE_TEXTS = ("reason", "waive_fee_reason", "override_reason")
"""Details in people's own words. They are kept in the history, from which they go when a person is erased, and not in
the audit log, from which nothing goes."""

_rows = LaterInsert(table_of(OrderHistory))
_history, _users = table_of(OrderHistory), table_of(User)
_OF_ORDER = (
    select(_history, _users.c.name.label("actor_name"))
    .outerjoin(_users, (_users.c.org_id == _history.c.org_id) & (_users.c.id == _history.c.actor_id))
    .where(_history.c.org_id == bindparam("org_id"), _history.c.order_id == bindparam("order_id"))
    .order_by(_history.c.id)
)


def remember(
    session: Session,
    actor: Actor,
    order: Any,
    event: str,
    details: dict[str, Any],
    *,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write down that `event` happened to `order` (its columns as they are afterwards)."""
    columns = columns_of(order)
    entry = {
        "org_id": actor.org_id,
        "id": new_id(),
        "order_id": columns["id"],
        "event": event,
        "actor_id": actor.user_id,
        "actor_label": actor.label,
        "details": details,
        "created_at": now,
    }
    _rows.add(session, entry)
    told = {name: value for name, value in (after or details).items() if name not in FREE_TEXTS}
    audit.record(session, actor, f"orders.{event}", columns["id"], now=now, before=before, after=told)
    if event in EXPORTED:
        exports.record(session, actor, EXPORTED[event], columns["id"], _exported(columns), now=now)


def of_order(session: Reader, actor: Actor, order_id: UUID) -> Sequence[Row[Any]]:
    """Everything that has happened to an order, oldest first, with the name of who did it."""
    return session.execute(_OF_ORDER, {"org_id": actor.org_id, "order_id": order_id}).all()


def _exported(order: Any) -> dict[str, Any]:
    """An order for other systems: no names, no addresses, no notes."""
    return {
        "id": order["id"],
        "number": order["number"],
        "version": order["version"],
        "state": order["state"],
        "client_id": order["client_id"],
        "service_id": order["service_id"],
        "team_id": order["team_id"],
        "recurrence_id": order["recurrence_id"],
        "scheduled_start": order["scheduled_start"],
        "scheduled_end": order["scheduled_end"],
        "total": {"amount": order["total_amount"], "currency": order["currency"]},
        "deposit": {"amount": order["deposit_amount"], "currency": order["currency"]},
    }
