"""The fast search against a slow one, on days on which the clocks change in every way they do."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as some

from api.core.json import plain
from api.core.slots import present
from shared.orders.calendar import Company
from shared.orders.free_starts import TeamTimes, Visit, WorkerTimes
from shared.orders.openings import EPOCH, LocalDays
from shared.orders.slot_reasons import reasons
from shared.orders.slot_search import Search
from shared.orders.slots import SlotAnswer
from tests.slots import slow_search
from tests.slots.slow_search import DAYS, MINUTE, Crew, Problem, Span

ZONES = (
    "Australia/Lord_Howe",  # half an hour
    "Asia/Kolkata",  # never; half an hour off
    "America/Edmonton",
    "Europe/Berlin",
    "America/Santiago",  # no midnight in spring, 23:00 twice in autumn
    "Africa/Cairo",  # no midnight in spring, 23:00 twice in autumn
    "America/Havana",  # no midnight in spring, midnight twice in autumn
    "America/Nuuk",  # no last hour of a day in spring
)

_NEAR_CHANGES = [0, 30, 60, 90, 105, 120, 135, 150, 180, 1380, 1410, 1440]
"""Minutes after midnight around which clocks change."""


@cache
def _changes(zone: str) -> list[date]:
    """The days of 2026 and 2027 that do not have 24 hours, and a quiet one."""
    days = LocalDays(ZoneInfo(zone), date(2026, 1, 1), 730)
    found = [
        days.first + timedelta(days=number)
        for number in range(days.count)
        if days.midnights[number + 1] - days.midnights[number] != 86_400
    ]
    return [*found, date(2026, 7, 1)]


def _text(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@some.composite
def _periods(draw: Any) -> list[dict[str, str]]:
    """Up to four periods of a day; those that touch are as likely as those that do not."""
    quarters = some.integers(0, 96).map(lambda quarter: quarter * 15) | some.sampled_from(_NEAR_CHANGES)
    times = sorted(draw(some.sets(quarters, max_size=5)))
    pairs = pairwise(times)
    return [
        {"opens": _text(opens), "closes": _text(closes)} for opens, closes in pairs if draw(some.integers(0, 3)) > 0
    ]


@some.composite
def _spans(draw: Any, around: datetime, most: int) -> list[Span]:
    """Times that are taken, to the second."""
    found = []
    for _ in range(draw(some.integers(0, most))):
        since = around + timedelta(
            minutes=draw(some.integers(-600, 4000)), seconds=draw(some.sampled_from([0, 0, 1, 59]))
        )
        found.append((since, since + timedelta(seconds=draw(some.sampled_from([1, 60, 1800, 3600, 5400, 30_000])))))
    return sorted(found)


@some.composite
def problems(draw: Any) -> Problem:
    zone = draw(some.sampled_from(ZONES))
    first = draw(some.sampled_from(_changes(zone))) + timedelta(days=draw(some.integers(-2, 0)))
    around = datetime(first.year, first.month, first.day, tzinfo=UTC)
    week = draw(some.fixed_dictionaries({day: _periods() for day in DAYS}))
    workers = some.builds(Crew, _spans(around, 2), _spans(around, 2))
    return Problem(
        zone=ZoneInfo(zone),
        week=week,
        first=first,
        count=draw(some.integers(1, 3)),
        minutes=draw(some.sampled_from([1, 15, 45, 60, 120, 600, 1440])),
        buffer=draw(some.sampled_from([0, 30, 240])),
        step=draw(some.sampled_from([15, 20, 30, 60])),
        crew_size=draw(some.integers(1, 3)),
        earliest=around + timedelta(minutes=draw(some.sampled_from([-3000, -3000, 700, 1500]))),
        orders=draw(_spans(around, 4)),
        blackouts=draw(_spans(around, 2)),
        workers=draw(some.lists(workers, max_size=3)),
    )


def _seconds(spans: list[Span]) -> list[list[Any]]:
    return [[int(since.timestamp()), int(until.timestamp()), "1001"] for since, until in spans]


def search(problem: Problem) -> Search:
    """The same problem for the code under test."""
    team = TeamTimes(
        team_id=uuid4(),
        week=problem.week,
        is_active=True,
        in_area=True,
        workers=[WorkerTimes(uuid4(), _seconds(crew.orders), _seconds(crew.blackouts)) for crew in problem.workers],
        orders=_seconds(problem.orders),
        blackouts=_seconds(problem.blackouts),
    )
    company = Company(problem.zone, problem.step * 60, problem.buffer * 60, 0, 365, None, None, [team])
    visit = Visit(
        duration=problem.minutes * 60,
        buffer=problem.buffer * 60,
        crew_size=problem.crew_size,
        earliest=int(problem.earliest.timestamp()),
        step=problem.step * 60,
    )
    days = LocalDays(problem.zone, problem.first, problem.count + problem.minutes // 1440 + 2)
    return Search(company, days, problem.count, visit)


@settings(max_examples=100, deadline=None)
@given(problems())
def test_the_search_finds_what_the_slow_one_finds_and_nothing_else(problem: Problem) -> None:
    found = [EPOCH + timedelta(seconds=start) for start in search(problem).offers()]
    assert found == slow_search.starts(problem)


@settings(max_examples=80, deadline=None)
@given(problems())
def test_every_local_time_that_is_offered_exists_and_means_one_moment(problem: Problem) -> None:
    searched = search(problem)
    slots = [searched.slot(*offer) for offer in searched.offers().items()]
    shown = plain(present(SlotAnswer(problem.zone.key, problem.minutes, slots, None)))
    for slot in shown["data"]:
        start, local = datetime.fromisoformat(slot["start"]), datetime.fromisoformat(slot["local_start"])
        assert local == start
        clocks = [local.replace(tzinfo=problem.zone, fold=fold) for fold in (0, 1)]
        assert start in [clock.astimezone(UTC) for clock in clocks if clock.utcoffset() == local.utcoffset()]
        assert local.replace(tzinfo=None) == start.astimezone(problem.zone).replace(tzinfo=None)
        assert datetime.fromisoformat(slot["end"]) - start == problem.minutes * MINUTE


@settings(max_examples=80, deadline=None)
@given(problems())
def test_each_start_of_the_hours_is_offered_or_has_exactly_one_reason(problem: Problem) -> None:
    searched = search(problem)
    offered = {EPOCH + timedelta(seconds=start) for start in searched.offers()}
    given_reasons = reasons(searched)
    for start in slow_search.grid(problem):
        said = [reason for reason in given_reasons if reason.starts_at <= start < reason.ends_at]
        assert len(said) == (start not in offered), (start, said)
    assert given_reasons == sorted(given_reasons, key=lambda reason: reason.starts_at)
    for reason in given_reasons:
        assert reason.day == reason.starts_at.astimezone(problem.zone).date()


def test_the_days_hold_every_kind_of_change() -> None:
    """Or the tests above would say nothing about them."""
    assert _changes("Asia/Kolkata") == [date(2026, 7, 1)]
    for zone in set(ZONES) - {"Asia/Kolkata"}:
        assert len(_changes(zone)) == 5, zone
