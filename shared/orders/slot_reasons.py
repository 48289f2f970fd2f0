"""Why a time is not offered, for staff: what `free_starts` leaves out, said with its reason.

Every start that the hours would allow is either offered or in exactly one reason.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from uuid import UUID

from shared.orders.free_starts import FOREVER, Busy, TeamTimes, Visit, ranges_of, short_of_workers
from shared.orders.openings import Period
from shared.orders.slot_search import Search


class Why(StrEnum):
    """The first that is true of a start is given."""

    AREA = "area"
    CLOSED = "closed"
    TOO_SHORT = "too_short"
    NOTICE = "notice"
    BLACKOUT = "blackout"
    BOOKED = "booked"
    NO_WORKERS = "no_workers"


@dataclass(frozen=True, slots=True)
class Reason:
    """A team offers no start from `starts_at` until before `ends_at`; `day` is the local date of `starts_at`."""

    team_id: UUID
    day: date
    why: Why
    starts_at: datetime
    ends_at: datetime
    detail: str


_BOOKED = "Order {} takes the team's time, with the buffer."

Found = tuple[Why, int, int, str]
_Refusal = Callable[[int], str | None]


def reasons(search: Search) -> list[Reason]:
    """All of them: team by team, in the order of time."""
    return [
        Reason(
            team.team_id, _moment(first).astimezone(search.days.zone).date(), why, _moment(first), _moment(end), detail
        )
        for team in search.company.teams
        for why, first, end, detail in sorted(_of_team(search, team), key=lambda found: found[1])
    ]


def _of_team(search: Search, team: TeamTimes) -> Iterator[Found]:
    begin, end = search.days.midnights[0], search.end
    if not team.is_active:
        yield Why.CLOSED, begin, end, "The team is not active."
    elif not team.in_area:
        yield Why.AREA, begin, end, "The team does not work at this postal code."
    else:
        periods = search.periods(team.week)
        yield from _closed_days(search, periods)
        yield from _of_periods(periods, team, search.visit)


def _closed_days(search: Search, periods: list[Period]) -> Iterator[Found]:
    midnights = search.days.midnights
    open_days = {search.days.number_of(opens) for opens, _, _ in periods}
    for number in range(search.count):
        if number not in open_days and midnights[number] < midnights[number + 1]:
            yield Why.CLOSED, midnights[number], midnights[number + 1], "The team does not work on that day."


def _of_periods(periods: list[Period], team: TeamTimes, visit: Visit) -> Iterator[Found]:
    refusals = _refusals(team, visit)
    for opens, closes, until in periods:
        run: Found | None = None
        for start in range(opens, closes, visit.step):
            found = _why(start, until - visit.duration, refusals)
            end = min(start + visit.step, closes)
            if run and found and (run[0], run[3]) == found:
                run = (run[0], run[1], end, run[3])
                continue
            if run:
                yield run
            run = (found[0], start, end, found[1]) if found else None
        if run:
            yield run


def _why(start: int, last: int, refusals: list[tuple[Why, _Refusal]]) -> tuple[Why, str] | None:
    if start > last:
        return Why.TOO_SHORT, "The visit would not be over before closing."
    for why, refusal in refusals:
        detail = refusal(start)
        if detail is not None:
            return why, detail
    return None


def _refusals(team: TeamTimes, visit: Visit) -> list[tuple[Why, _Refusal]]:
    """What can stand against a start, in the order in which it is given."""
    missing = f"Fewer than {visit.crew_size} of the team's {len(team.workers)} workers are free."
    return [
        (Why.NOTICE, _walker([(-FOREVER, visit.earliest, "It is too soon, or over.")])),
        (Why.BLACKOUT, _walker(_said(team.blackouts, visit.duration, "{}"))),
        (Why.BOOKED, _walker(_said(team.orders, visit.duration + visit.buffer, _BOOKED))),
        (Why.NO_WORKERS, _walker([(*each, missing) for each in short_of_workers(team, visit)])),
    ]


def _said(busy: list[Busy], duration: int, sentence: str) -> list[tuple[int, int, str]]:
    """The ranges of starts that are refused, each with what takes the time; a blackout may come without a reason."""
    ranges = ranges_of(busy, duration)
    return [(*each, sentence.format(of[2]) or "A blackout.") for each, of in zip(ranges, busy, strict=True)]


def _walker(ranges: list[tuple[int, int, str]]) -> _Refusal:
    """Finds what covers a start; asked for later and later starts, so that it looks at each range once."""
    waiting = sorted(ranges, reverse=True)

    def covering(start: int) -> str | None:
        while waiting and waiting[-1][1] <= start:
            waiting.pop()
        return waiting[-1][2] if waiting and waiting[-1][0] <= start else None

    return covering


def _moment(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)
