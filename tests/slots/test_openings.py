"""Hours on the days on which the clocks change, worked out by hand."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.orders.openings import EPOCH, LocalDays, open_periods
from tests.slots.schedule import every_day


@pytest.mark.parametrize(
    ("zone", "day", "period", "opens", "closes"),
    [
        # 02:00 to 03:00 does not exist
        ("Europe/Berlin", "2027-03-28", "02:30-04:00", "2027-03-28T01:00Z", "2027-03-28T02:00Z"),
        ("Europe/Berlin", "2027-03-28", "01:00-02:30", "2027-03-28T00:00Z", "2027-03-28T01:00Z"),
        ("Europe/Berlin", "2027-03-28", "00:00-24:00", "2027-03-27T23:00Z", "2027-03-28T22:00Z"),
        # 02:00 to 03:00 twice
        ("Europe/Berlin", "2026-10-25", "02:30-04:00", "2026-10-25T00:30Z", "2026-10-25T03:00Z"),
        ("Europe/Berlin", "2026-10-25", "01:00-02:30", "2026-10-24T23:00Z", "2026-10-25T01:30Z"),
        ("Europe/Berlin", "2026-10-25", "01:00-02:00", "2026-10-24T23:00Z", "2026-10-25T00:00Z"),
        ("Europe/Berlin", "2026-10-25", "03:00-04:00", "2026-10-25T02:00Z", "2026-10-25T03:00Z"),
        # 01:30 to 02:00 twice
        ("Australia/Lord_Howe", "2027-04-04", "01:45-03:00", "2027-04-03T14:45Z", "2027-04-03T16:30Z"),
        ("Australia/Lord_Howe", "2027-04-04", "01:00-01:45", "2027-04-03T14:00Z", "2027-04-03T15:15Z"),
        # midnight to 01:00 does not exist
        ("Africa/Cairo", "2027-04-30", "00:00-02:00", "2027-04-29T22:00Z", "2027-04-29T23:00Z"),
        ("Africa/Cairo", "2027-04-29", "23:00-24:00", "2027-04-29T21:00Z", "2027-04-29T22:00Z"),
        # 23:00 to midnight twice
        ("America/Santiago", "2027-04-03", "23:00-24:00", "2027-04-04T02:00Z", "2027-04-04T04:00Z"),
        ("America/Nuuk", "2026-10-24", "22:00-23:00", "2026-10-24T23:00Z", "2026-10-25T00:00Z"),
        # midnight to 01:00 twice: the day before ends at the first
        ("America/Havana", "2026-10-31", "23:00-24:00", "2026-11-01T03:00Z", "2026-11-01T04:00Z"),
        ("America/Havana", "2026-11-01", "00:00-00:30", "2026-11-01T04:00Z", "2026-11-01T05:30Z"),
    ],
)
def test_an_opening_is_the_first_and_a_closing_the_last_that_the_clocks_show(
    zone: str, day: str, period: str, opens: str, closes: str
) -> None:
    days = LocalDays(ZoneInfo(zone), date.fromisoformat(day), 1)
    ((first, end, until),) = open_periods(every_day(period), days)
    shown = [f"{EPOCH + timedelta(seconds=instant):%Y-%m-%dT%H:%MZ}" for instant in (first, end)]
    assert (shown, until) == ([opens, closes], end)


def test_hours_that_the_clocks_skip_are_no_hours() -> None:
    days = LocalDays(ZoneInfo("Europe/Berlin"), date(2027, 3, 28), 1)
    assert open_periods(every_day("02:00-02:30", "02:30-03:00"), days) == []


def test_what_an_earlier_period_has_is_not_a_later_ones() -> None:
    days = LocalDays(ZoneInfo("Europe/Berlin"), date(2026, 10, 25), 1)
    (_, closes, until), (opens, end, _) = open_periods(every_day("01:00-02:30", "02:30-05:00"), days)
    assert closes == opens == datetime.fromisoformat("2026-10-25T01:30Z").timestamp()
    assert until == end


def test_touching_days_are_one_period() -> None:
    days = LocalDays(ZoneInfo("America/Edmonton"), date(2027, 2, 1), 3)
    periods = open_periods(every_day("00:00-08:00", "20:00-24:00"), days)
    assert [until - opens for opens, _, until in periods] == [hours * 3600 for hours in (8, 12, 8, 12, 8, 4)]
