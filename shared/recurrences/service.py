from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.catalog.rules import Frequency as PriceFrequency
from shared.clients import rows as clients
from shared.core import jobs, pages
from shared.core.actor import Actor
from shared.core.errors import Conflict, NotFound, code, invalid_field
from shared.core.money import Money
from shared.core.orm import Reader, table_of
from shared.core.outbox import PUBLISH_GRACE
from shared.orders import moving
from shared.orders.model import Order
from shared.orders.states import OrderState
from shared.orders.terms import BAD_PRICE, UNKNOWN_CLIENT, NewOrder, agree
from shared.organizations import service as organizations
from shared.recurrences.dates import FARTHEST, begins_at, local_day
from shared.recurrences.jobs import PLACE
from shared.recurrences.model import Frequency, Occurrence, Recurrence, RecurrenceState

NOT_FOUND = code("recurrences.not_found", "No such recurrence")
ENDED = code("recurrences.ended", "The recurrence has ended")
BAD_DATES = code("recurrences.bad_dates", "The dates cannot be used")

_recurrences, _occurrences, _orders = table_of(Recurrence), table_of(Occurrence), table_of(Order)
COLUMNS = [column for column in _recurrences.columns if column.name != "org_id"]
_ALL = select(*COLUMNS)


_TAKEN_OVER = ("address", "postal_code", "notes", "access_notes", "photo_consent", "estimate_id", "total", "title")
"""What each order of a series has from it, by the names of `NewOrder`."""


@dataclass(frozen=True, slots=True)
class NewRecurrence:
    """What it takes to let an order come back: the rule, on the organization's clocks, and what each order is placed on
    (see `NewOrder`). The estimate's price and minutes hold for the whole series; without one, staff name `total`,
    `title` and `minutes`."""

    client_id: UUID
    frequency: Frequency
    starts_on: date
    local_time: time
    address: str
    ends_on: date | None = None
    estimate_id: UUID | None = None
    total: Money | None = None
    minutes: int | None = None
    title: str | None = None
    postal_code: str = ""
    notes: str = ""
    access_notes: str = ""
    photo_consent: bool = False
    team_id: UUID | None = None


def create(session: Session, actor: Actor, wanted: NewRecurrence, *, now: datetime) -> Recurrence:
    """Begin a series; its orders are placed by a job. Raises `Invalid` for unknown identifiers and bad dates, prices
    and times, as the first order would."""
    zone = ZoneInfo(organizations.get(session, actor.org_id).timezone)
    start = _first_start(wanted, zone, now)
    taken_over = {name: getattr(wanted, name) for name in _TAKEN_OVER}
    first = NewOrder(
        client_id=wanted.client_id,
        team_id=wanted.team_id,
        scheduled_start=start,
        scheduled_end=start + timedelta(minutes=wanted.minutes) if wanted.minutes else None,
        **taken_over,
    )
    terms = agree(session, actor, first, now=now)
    if clients.hold(session, actor, wanted.client_id) is None:
        raise invalid_field("/client_id", UNKNOWN_CLIENT, "This organization has no such client.")
    if wanted.estimate_id is not None and terms.around.frequency not in {PriceFrequency.ONCE, wanted.frequency}:
        raise invalid_field("/estimate_id", BAD_PRICE, f"The estimate is for {terms.around.frequency} visits.")
    taken_over |= {"title": terms.title, "total": wanted.total and asdict(wanted.total)}
    recurrence = Recurrence(
        org_id=actor.org_id,
        client_id=wanted.client_id,
        service_id=terms.around.service_id,
        team_id=wanted.team_id,
        frequency=wanted.frequency,
        starts_on=wanted.starts_on,
        local_time=wanted.local_time,
        ends_on=wanted.ends_on,
        planned_minutes=(terms.scheduled_end - start) // timedelta(minutes=1),
        terms=taken_over | {"estimate_id": wanted.estimate_id and str(wanted.estimate_id)},
        state=RecurrenceState.ACTIVE,
        placed_until=None,
        next_place_at=now + PUBLISH_GRACE,
        created_at=now,
        updated_at=now,
    )
    session.add(recurrence)
    session.flush()
    audit.record(session, actor, "recurrences.create", recurrence.id, now=now, after={"frequency": wanted.frequency})
    jobs.enqueue(session, PLACE, org_id=actor.org_id, recurrence_id=recurrence.id)
    return recurrence


def get(session: Reader, actor: Actor, recurrence_id: UUID) -> Row[Any]:
    """One recurrence's columns. Raises `NotFound`."""
    mine = _ALL.where(_recurrences.c.org_id == actor.org_id, _recurrences.c.id == recurrence_id)
    found = session.execute(mine).one_or_none()
    if found is None:
        raise NotFound(NOT_FOUND, "There is no such recurrence.")
    return found


def lock(session: Session, actor: Actor, recurrence_id: UUID) -> Recurrence:
    """The recurrence, locked until the end of the transaction; its client is held before it, as `placing` of orders
    says. Raises `NotFound`."""
    clients.hold(session, actor, get(session, actor, recurrence_id).client_id)
    mine = select(Recurrence).where(Recurrence.org_id == actor.org_id, Recurrence.id == recurrence_id)
    found = session.scalar(mine.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise NotFound(NOT_FOUND, "There is no such recurrence.")
    return found


def list_page(
    session: Reader, actor: Actor, request: pages.PageRequest, *, client_id: UUID | None = None
) -> pages.Page:
    """Recurrences, newest first."""
    query = _ALL.where(_recurrences.c.org_id == actor.org_id)
    if client_id:
        query = query.where(_recurrences.c.client_id == client_id)
    return pages.fetch_page(session, query, request, pages.by_id(_recurrences.c.id))


def list_occurrences(session: Reader, actor: Actor, recurrence_id: UUID) -> Sequence[Row[Any]]:
    """What became of each date so far, the first date first. Raises `NotFound` for the recurrence."""
    get(session, actor, recurrence_id)
    query: Select[Any] = (
        select(
            *(column for column in _occurrences.columns if column.name != "org_id"),
            _orders.c.state.label("order_state"),
        )
        .outerjoin(_orders, (_orders.c.org_id == _occurrences.c.org_id) & (_orders.c.id == _occurrences.c.order_id))
        .where(_occurrences.c.org_id == actor.org_id, _occurrences.c.recurrence_id == recurrence_id)
    )
    return session.execute(query.order_by(_occurrences.c.on_date)).all()


def end(session: Session, actor: Actor, recurrence_id: UUID, *, reason: str, now: datetime) -> Recurrence:
    """Place no more orders, and call off those that have not begun: one mail to the client, about the next of them.

    Raises `NotFound`, or `Conflict` when it has ended before.
    """
    recurrence = lock(session, actor, recurrence_id)
    if recurrence.state == RecurrenceState.ENDED:
        raise Conflict(ENDED, "The recurrence has ended.", state=recurrence.state)
    recurrence.state, recurrence.updated_at = RecurrenceState.ENDED, now
    recurrence.next_place_at = None
    audit.record(session, actor, "recurrences.end", recurrence.id, now=now)
    ahead = (
        select(_orders.c.id)
        .where(
            _orders.c.org_id == actor.org_id,
            _orders.c.recurrence_id == recurrence_id,
            _orders.c.state.in_([OrderState.PENDING, OrderState.CONFIRMED]),
            _orders.c.scheduled_start > now,
        )
        .order_by(_orders.c.scheduled_start)
    )
    for place, order_id in enumerate(session.execute(ahead).scalars().all()):
        moving.cancel(session, actor, order_id, reason=reason, waive_fee_reason=reason, tell_client=place == 0, now=now)
    return recurrence


def _first_start(wanted: NewRecurrence, zone: ZoneInfo, now: datetime) -> datetime:
    if wanted.ends_on is not None and wanted.ends_on < wanted.starts_on:
        raise invalid_field("/ends_on", BAD_DATES, "The end is before the start.")
    today = local_day(now, zone)
    if not today <= wanted.starts_on <= today + FARTHEST:
        raise invalid_field("/starts_on", BAD_DATES, "The start is in the past, or more than five years ahead.")
    if (wanted.estimate_id is None) == (wanted.minutes is None):
        raise invalid_field("/minutes", BAD_DATES, "Is given exactly when the price is not an estimate's.")
    start = begins_at(wanted.starts_on, wanted.local_time, zone)
    if start <= now:
        raise invalid_field("/local_time", BAD_DATES, "The first visit is in the past.")
    return start
