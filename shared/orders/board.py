"""The dispatch board: who is where in a range of days. Three statements, however many teams and orders there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, and_, bindparam, func, select
from sqlalchemy.dialects.postgresql import array

from shared.clients.model import Client
from shared.core.actor import Actor
from shared.core.orm import Reader, table_of
from shared.crews.model import Blackout, Team, Worker
from shared.orders.model import Order, OrderWorker
from shared.orders.openings import begin_of
from shared.orders.slots import check_days
from shared.orders.states import OrderState
from shared.organizations.model import Organization


@dataclass(frozen=True, slots=True)
class Board:
    """Days from `from_at` to before `to_at`, which are midnights in `timezone`. `members` has a row for each worker of
    each team, and one for a team without any; `orders` are those that touch the range and are not called off, each
    with `client_name` and `worker_ids`."""

    timezone: str
    from_at: datetime
    to_at: datetime
    members: Sequence[Row[Any]]
    blackouts: Sequence[Row[Any]]
    orders: Sequence[Row[Any]]


_organizations, _orders, _clients = table_of(Organization), table_of(Order), table_of(Client)
_teams, _workers, _blackouts, _sent = table_of(Team), table_of(Worker), table_of(Blackout), table_of(OrderWorker)


_FRAME: Select[Any] = (
    select(
        _organizations.c.timezone,
        _teams.c.id.label("team_id"),
        _teams.c.name.label("team_name"),
        _workers.c.id.label("worker_id"),
        _workers.c.name.label("worker_name"),
    )
    .outerjoin(_teams, and_(_teams.c.org_id == _organizations.c.id, _teams.c.is_active))
    .outerjoin(
        _workers,
        and_(_workers.c.org_id == _teams.c.org_id, _workers.c.team_id == _teams.c.id, _workers.c.is_active),
    )
    .where(_organizations.c.id == bindparam("org_id"))
    .order_by(_teams.c.name, _teams.c.id, _workers.c.name, _workers.c.id)
)
_sent_to = (
    select(_sent.c.worker_id)
    .where(_sent.c.org_id == _orders.c.org_id, _sent.c.order_id == _orders.c.id)
    .order_by(_sent.c.worker_id)
)
_client_name = (
    select(_clients.c.name)
    .where(_clients.c.org_id == _orders.c.org_id, _clients.c.id == _orders.c.client_id)
    .scalar_subquery()
)
"""One look-up for each order of the range: a join may read all clients of the organization instead."""
_ORDERS: Select[Any] = (
    select(
        *(_orders.c[name] for name in ("id", "number", "state", "title", "address", "postal_code", "team_id")),
        _orders.c.scheduled_start,
        _orders.c.scheduled_end,
        _orders.c.client_id,
        _orders.c.version,
        _client_name.label("client_name"),
        func.array(_sent_to.scalar_subquery(), type_=array([]).type).label("worker_ids"),
    )
    .where(
        _orders.c.org_id == bindparam("org_id"),
        # No visit is longer than a day, so this much before the range is enough for those that reach into it.
        _orders.c.scheduled_start >= bindparam("from_at") - func.make_interval(0, 0, 0, 1),
        _orders.c.scheduled_start < bindparam("to_at"),
        _orders.c.scheduled_end > bindparam("from_at"),
        _orders.c.state != OrderState.CANCELLED,
    )
    .order_by(_orders.c.scheduled_start, _orders.c.id)
)
_AWAY = (
    select(*(column for column in _blackouts.columns if column.name not in {"org_id", "created_at"}))
    .where(
        _blackouts.c.org_id == bindparam("org_id"),
        _blackouts.c.ends_at > bindparam("from_at"),
        _blackouts.c.starts_at < bindparam("to_at"),
    )
    .order_by(_blackouts.c.starts_at, _blackouts.c.id)
)


def show(session: Reader, actor: Actor, from_day: date, to_day: date) -> Board:
    """The board of the days from `from_day` to before `to_day`. Raises `Invalid` for more than 31 days, or none."""
    check_days(from_day, to_day)
    frame = session.execute(_FRAME, {"org_id": actor.org_id}).all()
    zone = ZoneInfo(frame[0].timezone)
    from_at, to_at = begin_of(from_day, zone), begin_of(to_day, zone)
    span = {"org_id": actor.org_id, "from_at": from_at, "to_at": to_at}
    return Board(
        timezone=zone.key,
        from_at=from_at,
        to_at=to_at,
        members=[row for row in frame if row.team_id is not None],
        blackouts=session.execute(_AWAY, span).all(),
        orders=session.execute(_ORDERS, span).all(),
    )
