"""When can the company come? What is offered here can be booked: the rule between two orders is that of the constraint
`ex_orders_team`, and hours, notice, blackouts and workers come on top.

A visit starts every `step_minutes` from each opening of a team on, and is over before the hours are; periods that touch
are one. The buffer lies behind a visit, and keeps orders apart, nothing else.

From here: `slot_search.py` (one search), `calendar.py` (what it reads), `openings.py` (hours as instants),
`free_starts.py` (the calculation), `slot_reasons.py` (why a time is not offered).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from shared.core.actor import Actor
from shared.core.errors import code, invalid_field
from shared.core.orm import Reader
from shared.orders import slot_search
from shared.orders.calendar import read_company, read_worker_orders
from shared.orders.free_starts import ranges_of
from shared.orders.openings import EPOCH, SECOND
from shared.orders.slot_reasons import Reason, reasons
from shared.orders.slot_search import Search, Slot, Wanted

RANGE_TOO_LONG = code("orders.range_too_long", "Too many days at once")
BAD_RANGE = code("orders.bad_range", "The days cannot be used")

MOST_DAYS, USUAL_DAYS = 31, 14
AROUND_DAYS = 14
"""How far before and after the wished day an alternative may lie."""


@dataclass(frozen=True, slots=True)
class SlotQuery:
    """What is looked for. An estimate's minutes and crew size are taken in place of `minutes` and `crew_size`.

    The days are local dates of the organization; `until_day` is the first that is not wanted any more. Without them it
    is two weeks from today on. Without a postal code every team is asked, wherever it works.
    """

    minutes: int
    crew_size: int = 1
    estimate_id: UUID | None = None
    from_day: date | None = None
    until_day: date | None = None
    postal_code: str | None = None
    team_id: UUID | None = None
    explain: bool = False


@dataclass(frozen=True, slots=True)
class Crew:
    """A team that can come, and who of it: as many workers as the visit needs, or nobody where the team names none."""

    team_id: UUID
    worker_ids: list[UUID]


@dataclass(frozen=True, slots=True)
class SlotAnswer:
    """Slots of `minutes`, the earliest first; `reasons` says why other times are not offered, when that was asked."""

    timezone: str
    minutes: int
    slots: list[Slot]
    reasons: list[Reason] | None


def find(session: Reader, actor: Actor, query: SlotQuery, *, now: datetime) -> SlotAnswer:
    """Every slot of the days. Raises `Invalid` for bad days, too many of them, an unknown team or estimate."""
    company = read_company(
        session, actor, team_id=query.team_id, estimate_id=query.estimate_id, postal_code=query.postal_code
    )
    first = query.from_day or slot_search.day_of(now, company)
    until = query.until_day or first + timedelta(days=USUAL_DAYS)
    check_days(first, until)
    wanted = Wanted(company.minutes or query.minutes, company.crew_size or query.crew_size)
    search = slot_search.begin(session, actor, company, wanted, first=first, until=until, now=now)
    return SlotAnswer(
        timezone=company.zone.key,
        minutes=wanted.minutes,
        slots=[search.slot(start, team_ids) for start, team_ids in sorted(search.offers().items())],
        reasons=reasons(search) if query.explain else None,
    )


def check_days(first: date, until: date) -> None:
    """Raises `Invalid` for no days, or too many."""
    if until <= first:
        raise invalid_field("/to", BAD_RANGE, "The last day must be after the first: `to` is not searched itself.")
    if (until - first).days > MOST_DAYS:
        raise invalid_field("/to", RANGE_TOO_LONG, f"At most {MOST_DAYS} days can be searched at once.")


def free_teams(
    session: Reader,
    actor: Actor,
    *,
    start: datetime,
    estimate_id: UUID,
    postal_code: str | None,
    now: datetime,
) -> list[Crew]:
    """The teams that offer exactly this start for the visit of an estimate, those with the least work on that day
    first, each with workers who are free. Raises `Invalid` for an unknown estimate."""
    company = read_company(session, actor, estimate_id=estimate_id, postal_code=postal_code)
    first, until = slot_search.days_around(slot_search.day_of(start, company), 0)
    wanted = Wanted(company.minutes or 1, company.crew_size or 1)
    search = slot_search.begin(session, actor, company, wanted, first=first, until=until, now=now)
    seconds, part_of_a_second = divmod(start - EPOCH, SECOND)
    offered = [] if part_of_a_second else search.offers().get(seconds, [])
    work = _work(search)
    teams = sorted(offered, key=lambda team_id: (work[team_id], team_id))
    return [Crew(team_id, search.crew(seconds, team_id)) for team_id in teams]


def alternatives(
    session: Reader,
    actor: Actor,
    *,
    start: datetime,
    minutes: int | None = None,
    estimate_id: UUID | None = None,
    postal_code: str | None = None,
    team_id: UUID | None = None,
    worker_ids: Sequence[UUID] = (),
    moved_order_id: UUID | None = None,
    now: datetime,
    count: int = 3,
) -> list[Slot]:
    """The `count` slots that are nearest to `start`, at most two weeks away, the nearest first. An estimate says for
    how many workers, and how long where `minutes` does not; these workers have to be free as well."""
    company = read_company(session, actor, team_id=team_id, estimate_id=estimate_id, postal_code=postal_code)
    first, until = slot_search.days_around(slot_search.day_of(start, company), AROUND_DAYS)
    wanted = Wanted(minutes or company.minutes or 1, company.crew_size or 1, moved_order_id)
    search = slot_search.begin(session, actor, company, wanted, first=first, until=until, now=now)
    wished, offers = (start - EPOCH) // SECOND, search.offers()
    if worker_ids:
        busy = read_worker_orders(session, actor, worker_ids, search.days.midnights, moved_order_id=moved_order_id)
        refused = ranges_of(busy, search.visit.duration + search.visit.buffer)
        offers = {at: teams for at, teams in offers.items() if not any(since <= at < until for since, until in refused)}
    nearest = sorted(offers, key=lambda offered: (abs(offered - wished), offered))[:count]
    return [search.slot(offered, offers[offered]) for offered in nearest]


def _work(search: Search) -> dict[UUID, int]:
    """Seconds of the first day that orders take, by team."""
    morning, night = search.days.midnights[:2]
    return {
        team.team_id: sum(max(0, min(until, night) - max(since, morning)) for since, until, _ in team.orders)
        for team in search.company.teams
    }
