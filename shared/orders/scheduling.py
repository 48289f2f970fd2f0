"""Another time for an order, and other words about it."""

from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack
from uuid import UUID

from sqlalchemy.orm import Session

from shared.core.actor import Actor
from shared.messages.model import MessageKind
from shared.orders import mails, moving, reminders
from shared.orders.model import Order, OrderSource
from shared.orders.service import lock, queue_for_calendar
from shared.orders.states import Move, OrderState
from shared.orders.terms import check_times


class Changes(TypedDict, total=False):
    """What can be changed about an order without moving it."""

    title: str
    address: str
    postal_code: str
    notes: str
    access_notes: str
    photo_consent: bool


def reschedule(
    session: Session,
    actor: Actor,
    order_id: UUID,
    *,
    scheduled_start: datetime,
    scheduled_end: datetime | None = None,
    version: int | None = None,
    now: datetime,
) -> Order:
    """Move the appointment; as long as before unless `scheduled_end` is given. The team and the workers stay, and their
    time has to be free. A client who knows of the old time gets a mail.

    Raises `NotFound`, `Invalid` for bad times, `Conflict` (`orders.slot_taken`) when somebody's time is taken, or when
    the order has begun or is over.
    """
    order = lock(session, actor, order_id, version=version)
    moving.check_allowed(order, Move.RESCHEDULE)
    end = scheduled_end or scheduled_start + (order.scheduled_end - order.scheduled_start)
    check_times(scheduled_start, end, now=now)
    around = mails.surroundings(session, order)
    before = _times(order)
    if scheduled_start != order.scheduled_start:
        reminders.withdraw(session, actor, order, "The order was moved.", now=now)
    order.scheduled_start, order.scheduled_end = scheduled_start, end
    order.blocked_until = end + timedelta(minutes=around.scheduling_policy["buffer_minutes"])
    moving.record(session, actor, order, Move.RESCHEDULE, _times(order), before=before, now=now)
    queue_for_calendar(session, actor.org_id)
    session.flush()
    if order.state == OrderState.CONFIRMED or order.source == OrderSource.PUBLIC:
        pending = order.state == OrderState.PENDING
        mails.tell_client(
            session, actor, order, around, kind=MessageKind.ORDER_RESCHEDULED, was_pending=pending, now=now
        )
    return order


def change(
    session: Session,
    actor: Actor,
    order_id: UUID,
    *,
    version: int | None,
    now: datetime,
    **changes: Unpack[Changes],
) -> Order:
    """Change what is written about an order; what stays as it is leaves neither a trace nor a new version. The history
    names what was changed, not the words: they are about people. Raises `NotFound`, or `Conflict` when it is over."""
    order = lock(session, actor, order_id, version=version)
    moving.check_allowed(order, Move.CHANGE)
    changed = {name: value for name, value in changes.items() if value != getattr(order, name)}
    if changed:
        for name, value in changed.items():
            setattr(order, name, value)
        moving.record(session, actor, order, Move.CHANGE, {"fields": sorted(changed)}, now=now)
    return order


def _times(order: Order) -> dict[str, Any]:
    return {"scheduled_start": order.scheduled_start, "scheduled_end": order.scheduled_end}
