"""The slot search once more, minute by minute in UTC and not for speed: what the fast one must agree with.

Shares nothing with it but the words of the rules. Whole minutes; the clocks are asked what they show, never told.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Crew:
    """What takes a worker's time."""

    orders: list[Span] = field(default_factory=list)
    blackouts: list[Span] = field(default_factory=list)


@dataclass(frozen=True)
class Problem:
    """One team, and what is looked for."""

    zone: ZoneInfo
    week: dict[str, Any]
    first: date
    count: int
    minutes: int
    buffer: int
    step: int
    crew_size: int
    earliest: datetime
    orders: list[Span]
    blackouts: list[Span]
    workers: list[Crew]


def starts(problem: Problem) -> list[datetime]:
    """Every start that is free, in order."""
    # Three days more: a visit may end behind the days on which it may start.
    is_open = {minute for opens, closes in _periods(problem, problem.count + 3) for minute in _minutes(opens, closes)}
    return [start for start in grid(problem) if _is_free(problem, start, is_open)]


def grid(problem: Problem) -> list[datetime]:
    """Every start that the hours know, whether the visit fits or not."""
    found = []
    for opens, closes in _periods(problem, problem.count):
        at = opens
        while at < closes:
            found.append(at)
            at += problem.step * MINUTE
    return found


def _is_free(problem: Problem, start: datetime, is_open: set[datetime]) -> bool:
    end = start + problem.minutes * MINUTE
    behind = end + problem.buffer * MINUTE
    if start < problem.earliest or not all(minute in is_open for minute in _minutes(start, end)):
        return False
    if _touches(start, end, problem.blackouts) or _touches(start, behind, problem.orders):
        return False
    free = [
        worker
        for worker in problem.workers
        if not _touches(start, end, worker.blackouts) and not _touches(start, behind, worker.orders)
    ]
    return not problem.workers or len(free) >= problem.crew_size


def _touches(start: datetime, end: datetime, spans: Iterable[Span]) -> bool:
    return any(start < until and since < end for since, until in spans)


def _minutes(start: datetime, end: datetime) -> Iterable[datetime]:
    while start < end:
        yield start
        start += MINUTE


def _periods(problem: Problem, count: int) -> list[Span]:
    """Opening and closing: the first minute of the day that shows the opening time or a later one, and the end of the
    last that shows one before closing. What an earlier period has is not a later one's."""
    found: list[Span] = []
    for number in range(count):
        day = problem.first + timedelta(days=number)
        shown = _minutes_of(problem.zone, day)
        for period in problem.week[DAYS[day.weekday()]]:
            opens = next((at for at, clock in shown if clock >= _clock(period["opens"])), shown[-1][0] + MINUTE)
            before = [at for at, clock in shown if clock < _clock(period["closes"])]
            closes = before[-1] + MINUTE if before else shown[0][0]
            opens = max(opens, found[-1][1]) if found else opens
            if opens < closes:
                found.append((opens, closes))
    return found


@cache
def _minutes_of(zone: ZoneInfo, day: date) -> list[tuple[datetime, int]]:
    """Every minute of a local day, with what the clocks show."""
    noon = datetime.combine(day, time(12), UTC)
    around = (noon + number * MINUTE for number in range(-60 * 28, 60 * 28))
    return [(at, local.hour * 60 + local.minute) for at in around if (local := at.astimezone(zone)).date() == day]


def _clock(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])
