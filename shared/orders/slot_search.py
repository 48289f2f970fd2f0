"""One search for slots: some days of the teams, with everything that takes their time."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.core.actor import Actor
from shared.core.orm import Reader
from shared.orders.calendar import Company, read_busy_times
from shared.orders.free_starts import Visit, free_starts, free_workers
from shared.orders.openings import DAY, EPOCH, SECOND, LocalDays, Period, open_periods


@dataclass(frozen=True, slots=True)
class Slot:
    """A visit that can be booked, with any of the teams. `local_start` is the start on the organization's clocks."""

    start: datetime
    end: datetime
    local_start: datetime
    team_ids: list[UUID]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How long the visit takes and for how many workers; an order that is to be moved does not take its present
    time."""

    minutes: int
    crew_size: int
    moved_order_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """A visit starts on one of the first `count` days; those behind are there to end on."""

    company: Company
    days: LocalDays
    count: int
    visit: Visit

    @property
    def end(self) -> int:
        """Where the days end on which a visit may start."""
        return self.days.midnights[self.count]

    def periods(self, week: dict[str, Any]) -> list[Period]:
        """The hours of a week in which a visit may start."""
        return [period for period in open_periods(week, self.days) if period[0] < self.end]

    def offers(self) -> dict[int, list[UUID]]:
        """Who offers a start, by start."""
        found: defaultdict[int, list[UUID]] = defaultdict(list)
        for team in self.company.teams:
            if team.is_active and team.in_area:
                for starts in free_starts(self.periods(team.week), team, self.visit):
                    for start in starts:
                        found[start].append(team.team_id)
        return found

    def crew(self, start: int, team_id: UUID) -> list[UUID]:
        """Workers of a team that offers `start` who are free then, as many as the visit needs."""
        (team,) = (team for team in self.company.teams if team.team_id == team_id)
        return free_workers(team, self.visit, start)[: self.visit.crew_size]

    def slot(self, start: int, team_ids: list[UUID]) -> Slot:
        """The answer for one start."""
        moment = datetime.fromtimestamp(start, UTC)
        end = datetime.fromtimestamp(start + self.visit.duration, UTC)
        return Slot(moment, end, moment.astimezone(self.company.zone), team_ids)


def begin(
    session: Reader, actor: Actor, company: Company, wanted: Wanted, *, first: date, until: date, now: datetime
) -> Search:
    """Read what takes time from the day `first` to the last visit that starts before the day `until`, or on the last
    day that can be booked."""
    behind_last = day_of(now, company) + timedelta(days=company.days_ahead + 1)
    count, duration = max(0, (min(until, behind_last) - first).days), wanted.minutes * 60
    days = LocalDays(company.zone, first, count + duration // DAY + 2)
    earliest = -((EPOCH - now) // SECOND) + company.notice
    visit = Visit(duration, company.buffer, wanted.crew_size, earliest, company.step)
    search = Search(company, days, count, visit)
    behind = search.end + duration + company.buffer
    read_busy_times(session, actor, company, days.midnights[0], behind, moved_order_id=wanted.moved_order_id)
    return search


def day_of(moment: datetime, company: Company) -> date:
    """The organization's date at `moment`."""
    return moment.astimezone(company.zone).date()


def days_around(day: date, count: int) -> tuple[date, date]:
    """From `count` days before until `count` days after, that day included."""
    return day - timedelta(days=count), day + timedelta(days=count + 1)
