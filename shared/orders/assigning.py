"""Who goes: the team and the workers of an order. Constraints of the database keep everybody from being twice."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, delete, insert, literal, select
from sqlalchemy.orm import Session

from shared.core.actor import Actor
from shared.core.database_errors import conflict_on
from shared.core.errors import code, invalid_field
from shared.core.orm import Reader, table_of
from shared.crews.model import Team, Worker
from shared.orders import moving
from shared.orders.model import Order, OrderWorker
from shared.orders.service import lock, queue_for_calendar
from shared.orders.states import Move
from shared.orders.terms import UNKNOWN_TEAM, UNKNOWN_WORKER

SLOT_TAKEN = code("orders.slot_taken", "The time is taken")

conflict_on("ex_orders_team", SLOT_TAKEN, "The team has another order at that time, the way to it included.")
conflict_on("ex_order_workers_worker", SLOT_TAKEN, "A worker has another order at that time, the way to it included.")

_teams, _workers, _sent = table_of(Team), table_of(Worker), table_of(OrderWorker)


def assign(
    session: Session,
    actor: Actor,
    order_id: UUID,
    *,
    team_id: UUID | None,
    worker_ids: list[UUID],
    version: int | None = None,
    now: datetime,
) -> Order:
    """Send this team and exactly these workers, or nobody. Raises `NotFound`, `Invalid` for who is not at work here,
    `Conflict` when somebody's time is taken (`orders.slot_taken`) or the order is over."""
    order = lock(session, actor, order_id, version=version)
    moving.check_allowed(order, Move.ASSIGN)
    is_new = team_id not in {None, order.team_id}  # one that does not work any more may keep what it has
    if is_new and session.execute(_at_work(_teams, actor, [team_id or order_id])).first() is None:
        raise invalid_field("/team_id", UNKNOWN_TEAM, "This organization has no such team at work.")
    before = _plain(order.team_id, workers_of(session, actor, order_id))
    order.team_id = team_id
    moving.record(session, actor, order, Move.ASSIGN, _plain(team_id, worker_ids), before=before, now=now)
    queue_for_calendar(session, actor.org_id)
    session.flush()
    session.execute(delete(_sent).where(_sent.c.org_id == actor.org_id, _sent.c.order_id == order_id))
    send_workers(session, actor, order, worker_ids, blocked_until=order.blocked_until or order.scheduled_end)
    return order


def send_workers(
    session: Session, actor: Actor, order: Any, worker_ids: Sequence[UUID], *, blocked_until: datetime
) -> None:
    """Take the time of these workers for `order`. Raises `Invalid` with the place of the first who is not at work."""
    if not worker_ids:
        return
    chosen = _at_work(_workers, actor, worker_ids).add_columns(
        literal(order.id), literal(order.scheduled_start), literal(blocked_until)
    )
    taken = insert(_sent).from_select(["org_id", "worker_id", "order_id", "starts_at", "blocked_until"], chosen)
    found = set(session.scalars(taken.returning(_sent.c.worker_id)))
    for place, worker_id in enumerate(worker_ids):
        if worker_id not in found:
            raise invalid_field(f"/worker_ids/{place}", UNKNOWN_WORKER, "This organization has no such worker at work.")


def workers_of(session: Reader, actor: Actor, order_id: UUID) -> list[UUID]:
    """The workers who are sent to an order."""
    mine = select(_sent.c.worker_id).where(_sent.c.org_id == actor.org_id, _sent.c.order_id == order_id)
    return [row.worker_id for row in session.execute(mine.order_by(_sent.c.worker_id))]


def _at_work(table: Table, actor: Actor, ids: Sequence[UUID]) -> Select[Any]:
    return select(table.c.org_id, table.c.id).where(
        table.c.org_id == actor.org_id, table.c.id.in_(ids), table.c.is_active
    )


def _plain(team_id: UUID | None, worker_ids: Sequence[UUID]) -> dict[str, Any]:
    return {"team_id": str(team_id) if team_id else None, "worker_ids": sorted(map(str, worker_ids))}
