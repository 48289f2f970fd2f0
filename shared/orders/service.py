"""Finding orders, and locking one. What changes them is in `placing.py`, `moving.py` and `scheduling.py`."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, select
from sqlalchemy.orm import Session

from shared.clients.searching import matching
from shared.core import pages
from shared.core.actor import Actor
from shared.core.errors import STALE, Conflict, NotFound, code
from shared.core.locks import queue_up
from shared.core.orm import Reader, table_of
from shared.orders.model import Order
from shared.orders.openings import begin_of
from shared.orders.states import OrderState
from shared.organizations import service as organizations

NOT_FOUND = code("orders.not_found", "No such order")

FEW_CLIENTS = 100
"""Whom a search finds, so that their orders are looked up one client after the other."""

_orders = table_of(Order)
COLUMNS = [column for column in _orders.columns if column.name not in {"org_id", "blocked_until"}]
"""What a reader of orders gets: plain columns, no lazy objects."""

_ALL = select(*COLUMNS)
_ONE = _ALL.where(_orders.c.org_id == bindparam("org_id"), _orders.c.id == bindparam("order_id"))


@dataclass(frozen=True, slots=True)
class Filters:
    """Which orders to list; None is any. `on_date` is a day on the organization's clocks, `q` an order number, or the
    beginnings of words of the client's name, address or phone."""

    states: list[str] | None = None
    client_id: UUID | None = None
    team_id: UUID | None = None
    unassigned: bool | None = None
    on_date: date | None = None
    scheduled_from: datetime | None = None
    scheduled_to: datetime | None = None
    updated_since: datetime | None = None
    q: str | None = None


def find(session: Reader, actor: Actor, order_id: UUID) -> Row[Any] | None:
    """One order's columns, or None."""
    return session.execute(_ONE, {"org_id": actor.org_id, "order_id": order_id}).one_or_none()


def get(session: Reader, actor: Actor, order_id: UUID) -> Row[Any]:
    """One order's columns. Raises `NotFound`."""
    found = find(session, actor, order_id)
    if found is None:
        raise NotFound(NOT_FOUND, "There is no such order.")
    return found


def lock(session: Session, actor: Actor, order_id: UUID, *, version: int | None = None) -> Order:
    """The order, locked until the end of the transaction. Raises `NotFound`, or `Conflict` when `version` (None for
    any) is not the current one."""
    mine = select(Order).where(Order.org_id == actor.org_id, Order.id == order_id)
    order = session.scalar(mine.with_for_update().execution_options(populate_existing=True))
    if order is None:
        raise NotFound(NOT_FOUND, "There is no such order.")
    if version is not None and version != order.version:
        raise Conflict(STALE, "Somebody has changed the order since you read it.", current_version=order.version)
    return order


def queue_for_calendar(session: Session, org_id: UUID) -> None:
    """Wait for one's turn to take somebody's time. Whoever places, moves or assigns an order of the organization does:
    exclusion constraints alone would let two who want the same time wait for each other."""
    queue_up(session, "orders.calendar", org_id)


def list_page(session: Reader, actor: Actor, request: pages.PageRequest, filters: Filters) -> pages.Page:
    """Orders, the latest scheduled first. One statement, one more with `q`, and one more with `on_date`."""
    query = _filtered(_ALL.where(_orders.c.org_id == actor.org_id), filters)
    if filters.on_date:
        zone = ZoneInfo(organizations.get(session, actor.org_id).timezone)
        begin, end = (begin_of(filters.on_date + timedelta(days=days), zone) for days in (0, 1))
        query = query.where(_orders.c.scheduled_start >= begin, _orders.c.scheduled_start < end)
    searched = _searched(session, query, actor, filters.q)
    queries = [part for each in searched for part in _by_state(each, filters.states)]
    return pages.fetch_merged_page(
        session, queries, request, pages.by_time(_orders.c.scheduled_start), pages.by_id(_orders.c.id)
    )


def _filtered(query: Select[Any], filters: Filters) -> Select[Any]:
    """Without `states`, `q` and `on_date`."""
    start = _orders.c.scheduled_start
    if filters.client_id:
        query = query.where(_orders.c.client_id == filters.client_id)
    if filters.team_id:
        query = query.where(_orders.c.team_id == filters.team_id)
    if filters.unassigned is not None:
        query = query.where(_orders.c.team_id.is_(None) if filters.unassigned else _orders.c.team_id.is_not(None))
    if filters.scheduled_from:
        query = query.where(start >= filters.scheduled_from)
    if filters.scheduled_to:
        query = query.where(start < filters.scheduled_to)
    if filters.updated_since:
        query = query.where(_orders.c.updated_at >= filters.updated_since)
    return query


def _by_state(query: Select[Any], states: list[str] | None) -> list[Select[Any]]:
    """A query for each of the states."""
    if not states or set(states) == set(OrderState):
        return [query]
    return [query.where(_orders.c.state == state) for state in sorted(set(states))]


def _searched(session: Reader, query: Select[Any], actor: Actor, q: str | None) -> list[Select[Any]]:
    """A query for the orders of clients who are found by `q`, and one for the order of that number if it is one."""
    if not q:
        return [query]
    of_clients = query.where(_of_clients(session, actor, q))
    if not (q.isascii() and q.isdigit() and len(q) < 10):  # noqa: PLR2004 - a number of ours
        return [of_clients]
    number = _orders.c.number
    return [of_clients.where(number != int(q)), query.where(number == int(q))]


def _of_clients(session: Reader, actor: Actor, q: str) -> ColumnElement[bool]:
    """The orders of few clients are looked up; among those of many the next one is never far, so that the list is read
    until its page is full. Postgres is told which, because it takes each client for one of a single order."""
    found = session.execute(matching(actor, q).limit(FEW_CLIENTS + 1)).scalars().all()
    if len(found) <= FEW_CLIENTS:
        return _orders.c.client_id.in_(found)
    # Inside a function the clients are looked up in a hash table; bare, they would be joined with all their orders.
    return func.coalesce(_orders.c.client_id.in_(matching(actor, q)), False)
