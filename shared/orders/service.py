from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, insert, literal, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.clients import service as clients
from shared.clients.model import Client
from shared.core import pages
from shared.core.actor import Actor
from shared.core.errors import STALE, Conflict, Invalid, NotFound, code, invalid_field
from shared.core.ids import new_id
from shared.core.later import LaterInsert
from shared.core.locks import queue_up
from shared.core.money import Money
from shared.core.orm import Reader, table_of
from shared.messages import service as messages
from shared.messages.model import MessageKind
from shared.orders import mails
from shared.orders.model import Order, OrderHistory, OrderNumber
from shared.orders.states import MOVES, Move, OrderState, allowed_from
from shared.organizations import service as organizations
from shared.organizations.model import Organization

NOT_FOUND = code("orders.not_found", "No such order")
WRONG_STATE = code("orders.wrong_state", "The order's state does not allow this")
WRONG_CURRENCY = code("orders.wrong_currency", "The currency is not the organization's")
BAD_TIMES = code("orders.bad_times", "The times cannot be used")
UNKNOWN_CLIENT = code("orders.unknown_client", "No such client")

FIRST_NUMBER = 1001

_orders, _numbers = table_of(Order), table_of(OrderNumber)
COLUMNS = [column for column in _orders.columns if column.name != "org_id"]
"""What a reader of orders gets: plain columns, no lazy objects."""

_organizations, _clients = table_of(Organization), table_of(Client)
_is_theirs = (_clients.c.org_id == _organizations.c.id) & (_clients.c.id == bindparam("client_id"))
_CURRENCY = select(_organizations.c.currency).where(_organizations.c.id == bindparam("org_id"))

_fits = (
    select(_organizations.c.id, literal(FIRST_NUMBER))
    .join(_clients, _is_theirs)
    .where(_organizations.c.id == bindparam("org_id"), _organizations.c.currency == bindparam("currency"))
)
_counted = (
    postgresql.insert(_numbers)
    .from_select(["org_id", "last_number"], _fits)
    .on_conflict_do_update(index_elements=["org_id"], set_={"last_number": _numbers.c.last_number + 1})
    .returning(_numbers.c.last_number)
    .cte("counted")
)
_given = [column for column in _orders.columns if column.name != "number"]
_PLACE = (
    insert(_orders)
    .from_select(
        ["number", *(column.name for column in _given)],
        select(_counted.c.last_number, *(bindparam(column.name, type_=column.type) for column in _given)),
    )
    .returning(*COLUMNS)
)
"""Counts and inserts in one statement, so that the number is held as short as can be; nothing when the client or the
currency is not the organization's."""

_history = LaterInsert(table_of(OrderHistory))

_ALL = select(*COLUMNS)
_ONE = _ALL.where(_orders.c.org_id == bindparam("org_id"), _orders.c.id == bindparam("order_id"))


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What it takes to place an order."""

    client_id: UUID
    title: str
    address: str
    scheduled_start: datetime
    scheduled_end: datetime
    total: Money
    notes: str = ""
    photo_consent: bool = False


def place(session: Session, actor: Actor, wanted: NewOrder, *, now: datetime) -> Row[Any]:
    """Write down a new order, `pending`. Raises `Invalid` for bad times, a foreign currency or an unknown client."""
    if wanted.scheduled_end <= wanted.scheduled_start:
        raise invalid_field("/scheduled_end", BAD_TIMES, "The end must be after the start.")
    if wanted.scheduled_start <= now:
        raise invalid_field("/scheduled_start", BAD_TIMES, "The start is in the past.")
    values = {
        "org_id": actor.org_id,
        "id": new_id(),
        "client_id": wanted.client_id,
        "state": OrderState.PENDING,
        "title": wanted.title,
        "address": wanted.address,
        "notes": wanted.notes,
        "scheduled_start": wanted.scheduled_start,
        "scheduled_end": wanted.scheduled_end,
        "total_amount": wanted.total.amount,
        "paid_amount": 0,
        "currency": wanted.total.currency,
        "photo_consent": wanted.photo_consent,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
    queue_up(session, "orders.number", actor.org_id)
    order = session.execute(_PLACE, values).one_or_none()
    if order is None:
        raise _misfit(session, actor, wanted)
    _remember(session, actor, order.id, "place", {"number": order.number}, now=now)
    return order


def find(session: Reader, actor: Actor, order_id: UUID) -> Row[Any] | None:
    """One order's columns, or None."""
    return session.execute(_ONE, {"org_id": actor.org_id, "order_id": order_id}).one_or_none()


def get(session: Reader, actor: Actor, order_id: UUID) -> Row[Any]:
    """One order's columns. Raises `NotFound`."""
    found = find(session, actor, order_id)
    if found is None:
        raise NotFound(NOT_FOUND, "There is no such order.")
    return found


def list_page(
    session: Reader,
    actor: Actor,
    request: pages.PageRequest,
    *,
    states: list[str] | None = None,
    client_id: UUID | None = None,
    scheduled_from: datetime | None = None,
    scheduled_to: datetime | None = None,
) -> pages.Page:
    """Orders, the latest scheduled first."""
    start = _orders.c.scheduled_start
    query = _ALL.where(_orders.c.org_id == actor.org_id)
    if states:
        query = query.where(_orders.c.state.in_(states))
    if client_id:
        query = query.where(_orders.c.client_id == client_id)
    if scheduled_from:
        query = query.where(start >= scheduled_from)
    if scheduled_to:
        query = query.where(start < scheduled_to)
    return pages.fetch_page(session, query, request, pages.by_time(start), pages.by_id(_orders.c.id))


def confirm(session: Session, actor: Actor, order_id: UUID, *, version: int | None = None, now: datetime) -> Order:
    """Promise the appointment to the client, by mail. Raises `NotFound`, or `Conflict` when it is not pending."""
    order = _move(session, actor, order_id, Move.CONFIRM, version=version, now=now)
    _mail(session, actor, order, MessageKind.ORDER_CONFIRMED, now=now)
    return order


def cancel(
    session: Session, actor: Actor, order_id: UUID, *, reason: str, version: int | None = None, now: datetime
) -> Order:
    """Call the appointment off, and tell the client why. Raises `NotFound`, or `Conflict` when it is over already."""
    order = _move(session, actor, order_id, Move.CANCEL, {"reason": reason}, version=version, now=now)
    _mail(session, actor, order, MessageKind.ORDER_CANCELLED, {"reason": reason}, now=now)
    return order


def record_payment(session: Session, actor: Actor, order: Order, amount: int, *, now: datetime) -> None:
    """Add `amount` (minor units) to what has been paid. For `payments`, which holds the lock and the payment's row."""
    order.paid_amount += amount
    order.version += 1
    order.updated_at = now
    _remember(session, actor, order.id, "payment", {"amount": amount, "currency": order.currency}, now=now)


def lock(session: Session, actor: Actor, order_id: UUID) -> Order:
    """The order, locked until the end of the transaction. Raises `NotFound`."""
    mine = select(Order).where(Order.org_id == actor.org_id, Order.id == order_id)
    order = session.scalar(mine.with_for_update().execution_options(populate_existing=True))
    if order is None:
        raise NotFound(NOT_FOUND, "There is no such order.")
    return order


def _misfit(session: Session, actor: Actor, wanted: NewOrder) -> Invalid:
    """Why `wanted` was not placed."""
    currency = session.scalar(_CURRENCY, {"org_id": actor.org_id})
    if wanted.total.currency != currency:
        return invalid_field("/total/currency", WRONG_CURRENCY, f"This organization works in {currency}.")
    return invalid_field("/client_id", UNKNOWN_CLIENT, "This organization has no such client.")


def _move(
    session: Session,
    actor: Actor,
    order_id: UUID,
    move: Move,
    details: dict[str, Any] | None = None,
    *,
    version: int | None,
    now: datetime,
) -> Order:
    order = lock(session, actor, order_id)
    if version is not None and version != order.version:
        raise Conflict(STALE, "Somebody has changed the order since you read it.", current_version=order.version)
    sources, target = MOVES[move]
    if order.state not in sources:
        detail = f"An order that is {order.state} cannot be changed by {move}."
        raise Conflict(WRONG_STATE, detail, state=order.state, allowed=allowed_from(order.state))
    before, order.state = order.state, target
    order.version += 1
    order.updated_at = now
    after = {"state": target} | (details or {})
    _remember(session, actor, order.id, move, details or {}, now=now, before={"state": before}, after=after)
    return order


def _remember(
    session: Session,
    actor: Actor,
    order_id: UUID,
    event: str,
    details: dict[str, Any],
    *,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    entry = {
        "org_id": actor.org_id,
        "id": new_id(),
        "order_id": order_id,
        "event": event,
        "actor_id": actor.user_id,
        "actor_label": actor.label,
        "details": details,
        "created_at": now,
    }
    _history.add(session, entry)
    audit.record(session, actor, f"orders.{event}", order_id, now=now, before=before, after=after or details)


def _mail(
    session: Session,
    actor: Actor,
    order: Order,
    kind: MessageKind,
    extra: dict[str, Any] | None = None,
    *,
    now: datetime,
) -> None:
    client = clients.get(session, actor, order.client_id)
    organization = organizations.get(session, actor.org_id)
    messages.queue(
        session,
        actor,
        kind,
        client.email,
        mails.variables(order, client, organization) | (extra or {}),
        dedupe_key=f"{kind}:{order.id}",
        now=now,
    )
