"""Crew days: the first worker who clocks in starts the order."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from shared.core.actor import Actor
from shared.orders import moving
from shared.orders.service import lock
from shared.orders.states import OrderState
from shared.time_entries import service as time_entries


def clock_in(session: Session, actor: Actor, order_id: UUID, worker_id: UUID, *, now: datetime) -> Row[Any]:
    """Let a worker's time at an order run; a confirmed order is in progress from then on. Returns the time entry.

    Raises `NotFound`, `Conflict` when the order is neither confirmed nor in progress, and what `time_entries.start`
    raises.
    """
    order = lock(session, actor, order_id)
    if order.state != OrderState.IN_PROGRESS:
        moving.begin(session, actor, order, now=now)
    return time_entries.start(session, actor, order_id, worker_id, now=now)
