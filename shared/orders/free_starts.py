"""When a visit can start: whole numbers in, whole numbers out.

Times are seconds since 1970, UTC. What takes time becomes a range of starts that are refused, `[first, end)`; a visit
of `duration` starting at `s` overlaps `[a, b)` exactly when `a - duration < s < b`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from shared.orders.openings import Period

Busy = list[Any]
"""From, until, and what it is: an order's number, or the reason of a blackout."""

Range = tuple[int, int]
FOREVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Visit:
    """What is looked for: seconds of work, seconds that the team keeps free behind it, and how many workers it takes.
    It may start at `earliest`, and every `step` seconds from an opening on."""

    duration: int
    buffer: int
    crew_size: int
    earliest: int
    step: int


@dataclass(slots=True)
class WorkerTimes:
    """When a worker cannot come: orders of other teams, and blackouts."""

    worker_id: UUID
    orders: list[Busy] = field(default_factory=list)
    blackouts: list[Busy] = field(default_factory=list)


@dataclass(slots=True)
class TeamTimes:
    """A team, its hours, and what takes its time; a team without workers works as a unit."""

    team_id: UUID
    week: dict[str, Any]
    is_active: bool
    in_area: bool
    workers: list[WorkerTimes]
    orders: list[Busy] = field(default_factory=list)
    blackouts: list[Busy] = field(default_factory=list)


def free_starts(periods: Iterable[Period], team: TeamTimes, visit: Visit) -> Iterator[range]:
    """Every start that the team can offer within `periods`, in order, as ranges of starts."""
    refused = sorted(
        [
            (-FOREVER, visit.earliest),
            *ranges_of(team.orders, visit.duration + visit.buffer),
            *ranges_of(team.blackouts, visit.duration),
            *short_of_workers(team, visit),
        ]
    )
    refused.append((FOREVER, FOREVER))
    at = 0
    for opens, closes, until in periods:
        start, end = opens, min(closes, until - visit.duration + 1)
        while start < end:
            while refused[at][1] <= start:
                at += 1
            first, behind = refused[at]
            if first <= start:
                start = opens - (opens - behind) // visit.step * visit.step
            else:
                found = range(start, min(end, first), visit.step)
                yield found
                start = found[-1] + visit.step


def ranges_of(busy: list[Busy], duration: int) -> list[Range]:
    """The starts from which a visit of `duration` would overlap each of `busy`."""
    return [(since - duration + 1, until) for since, until, _ in busy]


def free_workers(team: TeamTimes, visit: Visit, start: int) -> list[UUID]:
    """The workers of the team whose time is free for the visit, in the order in which they are known."""
    return [
        worker.worker_id
        for worker in team.workers
        if not any(first <= start < behind for first, behind in _refused_by(worker, visit))
    ]


def short_of_workers(team: TeamTimes, visit: Visit) -> list[Range]:
    """The starts at which too few of the team's workers are free; disjoint, in order."""
    if not team.workers:
        return []
    spare = len(team.workers) - visit.crew_size
    if spare < 0:
        return [(-FOREVER, FOREVER)]
    changes = [
        change
        for worker in team.workers
        for first, behind in _merged(_refused_by(worker, visit))
        for change in ((first, 1), (behind, -1))
    ]
    found, missing, since = [], 0, 0
    for at, change in sorted(changes):
        was_short, missing = missing > spare, missing + change
        if missing > spare and not was_short:
            since = at
        elif was_short and missing <= spare:
            found.append((since, at))
    return found


def _refused_by(worker: WorkerTimes, visit: Visit) -> list[Range]:
    return ranges_of(worker.orders, visit.duration + visit.buffer) + ranges_of(worker.blackouts, visit.duration)


def _merged(ranges: list[Range]) -> list[Range]:
    merged: list[Range] = []
    for first, behind in sorted(ranges):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], behind))
        else:
            merged.append((first, behind))
    return merged
