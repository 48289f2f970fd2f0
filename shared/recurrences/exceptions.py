"""Exceptions of a series: a visit that is skipped, or moved to another time. Before or after its order is placed."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core.actor import Actor
from shared.core.errors import Conflict, code, invalid_field
from shared.orders import moving, scheduling
from shared.orders import service as orders
from shared.orders.states import Move, OrderState
from shared.orders.terms import BAD_TIMES
from shared.recurrences.dates import FARTHEST, dates
from shared.recurrences.model import Occurrence, OccurrenceState, Recurrence, RecurrenceState
from shared.recurrences.placing import known_dates, new_occurrence, place_order
from shared.recurrences.service import ENDED, lock

NO_SUCH_DATE = code("recurrences.no_such_date", "The rule has no such date")
BEGUN = code("recurrences.begun", "The visit has begun")
SKIPPED = code("recurrences.skipped", "The visit is skipped")

_SKIPPED = "The visit is skipped."


def skip(session: Session, actor: Actor, recurrence_id: UUID, on_date: date, *, now: datetime) -> Occurrence:
    """Leave a visit out: its order is called off without a fee and the client told, or never placed. Again is harmless.

    Raises `NotFound`, `Invalid` for a date that the rule does not have, `Conflict` when the visit has begun or is over.
    """
    recurrence, occurrence = _at(session, actor, recurrence_id, on_date, now=now)
    if occurrence.state == OccurrenceState.SKIPPED:
        return occurrence
    if occurrence.order_id is not None:
        _call_off(session, actor, occurrence.order_id, now=now)
    occurrence.state, occurrence.updated_at = OccurrenceState.SKIPPED, now
    audit.record(session, actor, "recurrences.skip", recurrence.id, now=now, after={"on_date": on_date})
    session.add(occurrence)
    return occurrence


def move(
    session: Session, actor: Actor, recurrence_id: UUID, on_date: date, *, scheduled_start: datetime, now: datetime
) -> Occurrence:
    """Move one visit; the others stay. Its order moves with it, or is placed now, if it is not yet.

    Raises `NotFound`, `Invalid` for a date that the rule does not have, `Conflict` when somebody's time is taken
    (`orders.slot_taken`), or the visit is skipped, has begun or is over.
    """
    recurrence, occurrence = _at(session, actor, recurrence_id, on_date, now=now)
    if occurrence.state == OccurrenceState.SKIPPED:
        raise Conflict(SKIPPED, "The visit is skipped.", state=occurrence.state)
    if scheduled_start <= now:
        raise invalid_field("/scheduled_start", BAD_TIMES, "The start is in the past.")
    occurrence.moved_to, occurrence.updated_at = scheduled_start, now
    if occurrence.order_id is not None:
        scheduling.reschedule(session, actor, occurrence.order_id, scheduled_start=scheduled_start, now=now)
    else:
        place_order(session, actor, recurrence, occurrence, scheduled_start, now=now)
    session.add(occurrence)
    audit.record(session, actor, "recurrences.move", recurrence.id, now=now, after={"on_date": on_date})
    return occurrence


def _call_off(session: Session, actor: Actor, order_id: UUID, *, now: datetime) -> None:
    """Raises `Conflict` for a visit that has begun or is over: work in progress is called off as such, with its fee.
    What staff have called off already is fine."""
    order = orders.lock(session, actor, order_id)
    if order.state == OrderState.CANCELLED:
        return
    moving.check_allowed(order, Move.RESCHEDULE)
    if order.scheduled_start <= now:
        raise Conflict(BEGUN, "The visit has begun.", scheduled_start=order.scheduled_start)
    moving.cancel(session, actor, order_id, reason=_SKIPPED, waive_fee_reason=_SKIPPED, now=now)


def _at(
    session: Session, actor: Actor, recurrence_id: UUID, on_date: date, *, now: datetime
) -> tuple[Recurrence, Occurrence]:
    """The locked series and its date, known or new."""
    recurrence = lock(session, actor, recurrence_id)
    if recurrence.state != RecurrenceState.ACTIVE:
        raise Conflict(ENDED, "The recurrence has ended.", state=recurrence.state)
    rule = recurrence.frequency, recurrence.starts_on, recurrence.ends_on
    if on_date > now.date() + FARTHEST or not dates(*rule, first=on_date, last=on_date):
        raise invalid_field("/on_date", NO_SUCH_DATE, "The rule has no such date.")
    known = known_dates(session, recurrence, [on_date])
    return recurrence, known.get(on_date) or new_occurrence(recurrence, on_date, now=now)
