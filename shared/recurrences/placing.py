"""What the job does: the orders of a series, up to the horizon, each for itself."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.core import jobs
from shared.core.actor import Actor, system
from shared.core.errors import Conflict, Invalid
from shared.core.money import Money
from shared.core.outbox import PUBLISH_GRACE
from shared.orders import moving
from shared.orders.model import OrderSource
from shared.orders.placing import attempt, place
from shared.orders.terms import NewOrder
from shared.organizations import service as organizations
from shared.recurrences.dates import begins_at, dates, local_day
from shared.recurrences.jobs import PLACE
from shared.recurrences.model import Occurrence, OccurrenceState, Recurrence, RecurrenceState
from shared.recurrences.service import lock

HORIZON = timedelta(days=60)
AGAIN = timedelta(days=1)
"""The horizon moves by a day each day."""

BATCH = 10
"""Orders that are placed in one transaction: whoever books meanwhile waits for it."""


def place_ahead(session: Session, org_id: UUID, recurrence_id: UUID, *, now: datetime) -> dict[str, int]:
    """Place the next orders of a series, up to the horizon; asks to be run again when there are more than a batch.

    Returns counts. What cannot be placed is written down as a conflict. Raises `NotFound`.
    """
    actor = system(org_id, PLACE.name)
    recurrence = lock(session, actor, recurrence_id)
    counts = dict.fromkeys(OccurrenceState, 0)
    if recurrence.state != RecurrenceState.ACTIVE:
        return {str(state): number for state, number in counts.items()}
    zone = ZoneInfo(organizations.get(session, org_id).timezone)
    last = local_day(now, zone) + HORIZON
    first = recurrence.placed_until + timedelta(days=1) if recurrence.placed_until else recurrence.starts_on
    ahead = dates(recurrence.frequency, recurrence.starts_on, recurrence.ends_on, first=first, last=last)
    known = known_dates(session, recurrence, ahead[:BATCH])
    for day in ahead[:BATCH]:
        occurrence = known.get(day)
        if occurrence is None:
            occurrence = new_occurrence(recurrence, day, now=now)
            place_one(session, actor, recurrence, occurrence, zone, now=now)
            session.add(occurrence)
            counts[OccurrenceState(occurrence.state)] += 1
    if len(ahead) > BATCH:
        recurrence.placed_until, recurrence.next_place_at = ahead[BATCH - 1], now + PUBLISH_GRACE
        jobs.enqueue(session, PLACE, org_id=org_id, recurrence_id=recurrence_id)
    else:
        is_over = recurrence.ends_on is not None and recurrence.ends_on <= last
        recurrence.placed_until, recurrence.next_place_at = last, None if is_over else now + AGAIN
    return {str(state): number for state, number in counts.items()}


def place_one(
    session: Session,
    actor: Actor,
    recurrence: Recurrence,
    occurrence: Occurrence,
    zone: ZoneInfo,
    *,
    now: datetime,
) -> None:
    """Place the order of one date, confirmed, and write down what came of it."""
    start = occurrence.moved_to or begins_at(occurrence.on_date, recurrence.local_time, zone)
    try:
        with attempt(session):
            place_order(session, actor, recurrence, occurrence, start, now=now)
    except (Conflict, Invalid) as refusal:
        occurrence.state, occurrence.detail = OccurrenceState.CONFLICT, refusal.detail


def place_order(
    session: Session, actor: Actor, recurrence: Recurrence, occurrence: Occurrence, start: datetime, *, now: datetime
) -> None:
    """Place the order of one date at `start`, and confirm it: the client has agreed to the series. Raises what `place`
    raises."""
    order = place(session, actor, _order(recurrence, occurrence.on_date, start), now=now)
    moving.confirm(session, actor, order.id, tell_client=False, now=now)
    occurrence.state, occurrence.detail, occurrence.order_id = OccurrenceState.PLACED, "", order.id
    occurrence.updated_at = now


def new_occurrence(recurrence: Recurrence, day: date, *, now: datetime) -> Occurrence:
    """A date of which nothing is written down yet."""
    return Occurrence(
        org_id=recurrence.org_id, recurrence_id=recurrence.id, on_date=day, detail="", created_at=now, updated_at=now
    )


def known_dates(session: Session, recurrence: Recurrence, days: list[date]) -> dict[date, Occurrence]:
    """What is written down about these dates already; the recurrence is locked."""
    mine = select(Occurrence).where(
        Occurrence.org_id == recurrence.org_id, Occurrence.recurrence_id == recurrence.id, Occurrence.on_date.in_(days)
    )
    return {occurrence.on_date: occurrence for occurrence in session.scalars(mine)}


def sweep(session: Session, *, now: datetime, limit: int) -> dict[str, int]:
    """Enqueue the series whose time has come: a day has passed, or the message was lost. Returns counts."""
    due = (
        select(Recurrence)
        .where(Recurrence.state == RecurrenceState.ACTIVE, Recurrence.next_place_at <= now)
        .order_by(Recurrence.next_place_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = session.scalars(due).all()
    for recurrence in found:
        recurrence.next_place_at = now + PUBLISH_GRACE
        jobs.enqueue(session, PLACE, org_id=recurrence.org_id, recurrence_id=recurrence.id)
    return {"requeued": len(found)}


def _order(recurrence: Recurrence, day: date, start: datetime) -> NewOrder:
    terms: dict[str, Any] = dict(recurrence.terms)
    if terms["total"] is not None:
        terms["total"] = Money(**terms["total"])
    if terms["estimate_id"] is not None:
        terms["estimate_id"] = UUID(terms["estimate_id"])
    return NewOrder(
        client_id=recurrence.client_id,
        team_id=recurrence.team_id,
        scheduled_start=start,
        scheduled_end=start + timedelta(minutes=recurrence.planned_minutes),
        source=OrderSource.RECURRENCE,
        recurrence_id=recurrence.id,
        occurrence_on=day,
        **terms,
    )
