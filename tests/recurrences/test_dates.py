"""The calendar of a series: rules of months and weeks, and clocks that change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.recurrences.dates import begins_at, dates
from shared.recurrences.model import Frequency

ZONES = ["America/Edmonton", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"]
YEARS = st.dates(date(2026, 1, 1), date(2027, 12, 31))


def _dates(frequency: Frequency, start: date, end: date, ends_on: date | None = None) -> list[str]:
    return [f"{day:%m-%d}" for day in dates(frequency, start, ends_on, first=start, last=end)]


@pytest.mark.parametrize(
    ("frequency", "start", "end", "expected"),
    [
        (Frequency.WEEKLY, date(2026, 3, 2), date(2026, 3, 23), ["03-02", "03-09", "03-16", "03-23"]),
        (Frequency.EVERY_TWO_WEEKS, date(2026, 3, 2), date(2026, 3, 31), ["03-02", "03-16", "03-30"]),
        (Frequency.MONTHLY, date(2026, 1, 15), date(2026, 4, 14), ["01-15", "02-15", "03-15"]),
        # A month that is too short has its visit on its last day.
        (Frequency.MONTHLY, date(2026, 1, 31), date(2026, 5, 1), ["01-31", "02-28", "03-31", "04-30"]),
        (Frequency.MONTHLY, date(2028, 1, 30), date(2028, 3, 30), ["01-30", "02-29", "03-30"]),
        (Frequency.MONTHLY, date(2026, 1, 29), date(2026, 3, 29), ["01-29", "02-28", "03-29"]),
    ],
)
def test_a_rule_gives_these_dates(frequency: Frequency, start: date, end: date, expected: list[str]) -> None:
    assert _dates(frequency, start, end) == expected


def test_an_end_is_the_last_day_that_may_be() -> None:
    assert _dates(Frequency.WEEKLY, date(2026, 3, 2), date(2026, 12, 1), date(2026, 3, 16)) == [
        "03-02",
        "03-09",
        "03-16",
    ]
    assert _dates(Frequency.WEEKLY, date(2026, 3, 2), date(2026, 12, 1), date(2026, 3, 15)) == ["03-02", "03-09"]


@pytest.mark.parametrize(
    ("zone", "day", "local_time", "expected"),
    [
        # Nine o'clock on both sides of the change.
        ("America/Edmonton", date(2026, 3, 7), time(9), "2026-03-07T16:00"),
        ("America/Edmonton", date(2026, 3, 14), time(9), "2026-03-14T15:00"),
        ("Europe/Berlin", date(2026, 10, 24), time(9), "2026-10-24T07:00"),
        ("Europe/Berlin", date(2026, 10, 31), time(9), "2026-10-31T08:00"),
        ("Australia/Lord_Howe", date(2026, 4, 4), time(9), "2026-04-03T22:00"),
        ("Australia/Lord_Howe", date(2026, 4, 11), time(9), "2026-04-10T22:30"),
        ("Asia/Kolkata", date(2026, 3, 14), time(9), "2026-03-14T03:30"),
        # 02:30 does not exist: an hour, or half an hour, later.
        ("America/Edmonton", date(2026, 3, 8), time(2, 30), "2026-03-08T09:30"),
        ("Europe/Berlin", date(2026, 3, 29), time(2, 30), "2026-03-29T01:30"),
        ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 15), "2026-10-03T15:45"),
        # 01:30 comes twice: the first.
        ("America/Edmonton", date(2026, 11, 1), time(1, 30), "2026-11-01T07:30"),
        ("Europe/Berlin", date(2026, 10, 25), time(2, 30), "2026-10-25T00:30"),
    ],
)
def test_a_visit_begins_when_the_clocks_say(zone: str, day: date, local_time: time, expected: str) -> None:
    assert begins_at(day, local_time, ZoneInfo(zone)) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@given(zone=st.sampled_from(ZONES), day=YEARS, local_time=st.times(), frequency=st.sampled_from(Frequency))
def test_visits_exist_on_the_clocks_and_are_hours_apart_by_whole_days_but_for_the_change(
    zone: str, day: date, local_time: time, frequency: Frequency
) -> None:
    clocks = ZoneInfo(zone)
    days = dates(frequency, day, None, first=day, last=day + timedelta(days=120))
    starts = [begins_at(each, local_time, clocks) for each in days]
    assert starts == sorted(set(starts))
    assert days[0] == day
    for each, start in zip(days, starts, strict=True):
        shown = start.astimezone(clocks)
        assert shown.astimezone(UTC) == start, "the local time exists"
        gap = shown.replace(tzinfo=None) - datetime.combine(each, local_time)
        assert timedelta(0) <= gap <= timedelta(hours=1), "the same on the clocks, unless they skip it"


@given(day=YEARS, ahead=st.integers(0, 60), frequency=st.sampled_from(Frequency))
def test_looking_in_parts_finds_what_looking_at_once_does(day: date, ahead: int, frequency: Frequency) -> None:
    last, split = day + timedelta(days=120), day + timedelta(days=ahead)
    whole = dates(frequency, day, None, first=day, last=last)
    parts = dates(frequency, day, None, first=day, last=split)
    parts += dates(frequency, day, None, first=split + timedelta(days=1), last=last)
    assert parts == whole
