"""Hours of a week as instants: the one place where local time becomes UTC, and so where the clocks change.

Instants are whole seconds since 1970, UTC. A period opens when the clocks first show its opening time or a later one,
and closes when they have shown the last time before its closing. So a time that the clocks skip is the instant after
the gap; of a time that they show twice an opening is the first and a closing the second, and nobody who was told "until
02:30" stands before a closed door. The end of a day, 24:00, is where the next day begins.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from shared.organizations.settings import DAYS

DAY = 86_400
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)

Period = tuple[int, int, int]
"""An opening and a closing, and until when it goes on without a break: periods that touch are one."""


class LocalDays:
    """`count` days of a zone in a row. `midnights` is where each begins, and where the last one ends."""

    def __init__(self, zone: ZoneInfo, first: date, count: int) -> None:
        self.zone, self.first, self.count = zone, first, count
        self._start = datetime.combine(first, time.min)
        self.midnights = [self._opening(number, 0) for number in range(count + 1)]

    def opening(self, number: int, minutes: int) -> int:
        """When a period opens that does so `minutes` after midnight of a day, by the clocks."""
        return self.midnights[number] + minutes * 60 if self._is_plain(number) else self._opening(number, minutes)

    def closing(self, number: int, minutes: int) -> int:
        """When a period closes that does so `minutes` after midnight of a day, by the clocks; 1440 is its end."""
        if minutes == DAY // 60:
            return self.midnights[number + 1]
        if self._is_plain(number):
            return self.midnights[number] + minutes * 60
        first, second = self._shown(number, minutes * 60 - 1)
        return second + 1 if first <= second else self._change(second, first)

    def number_of(self, instant: int) -> int:
        """The day on which an instant lies."""
        return bisect_right(self.midnights, instant) - 1

    def _is_plain(self, number: int) -> bool:
        """Whether the clocks do not change on that day."""
        return self.midnights[number + 1] - self.midnights[number] == DAY

    def _opening(self, number: int, minutes: int) -> int:
        first, second = self._shown(number, minutes * 60)
        return first if first <= second else self._change(second, first)

    def _shown(self, number: int, seconds: int) -> tuple[int, int]:
        """When the clocks show a time, first and for the second time. Of a time that they skip, the first is an instant
        after the change, and the second one before it."""
        shown = self._start + timedelta(days=number, seconds=seconds)
        first, second = ((shown.replace(tzinfo=self.zone, fold=fold) - EPOCH) // SECOND for fold in (0, 1))
        return first, second

    def _change(self, before: int, after: int) -> int:
        """The instant of the change of the clocks between two others."""
        offset, moments = self._offset(before), range(before, after + 1)
        return moments[bisect_left(moments, 1, key=lambda moment: int(self._offset(moment) != offset))]

    def _offset(self, instant: int) -> timedelta | None:
        return datetime.fromtimestamp(instant, self.zone).utcoffset()


def begin_of(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins on the clocks of `zone`; where they show its midnight twice, the first time."""
    return EPOCH + SECOND * LocalDays(zone, day, 0).midnights[0]


def open_periods(week: Mapping[str, list[dict[str, Any]]], days: LocalDays) -> list[Period]:
    """Every period of `days`, in order, none overlapping another: where a time is shown twice, the earlier period keeps
    it."""
    found: list[tuple[int, int]] = []
    free_from, weekday = days.midnights[0], days.first.weekday()
    for number in range(days.count):
        for period in week.get(DAYS[(weekday + number) % 7], []):
            opens = max(days.opening(number, _minutes(period["opens"])), free_from)
            closes = days.closing(number, _minutes(period["closes"]))
            if opens < closes:
                found.append((opens, closes))
                free_from = closes
    return _joined(found)


def _joined(periods: list[tuple[int, int]]) -> list[Period]:
    joined: list[Period] = []
    for opens, closes in reversed(periods):
        goes_on = joined and joined[-1][0] == closes
        joined.append((opens, closes, joined[-1][2] if goes_on else closes))
    joined.reverse()
    return joined


@cache
def _minutes(time_of_day: str) -> int:
    """Minutes after midnight of `HH:MM`, at most 1440."""
    hours, _, minutes = time_of_day.partition(":")
    return int(hours) * 60 + int(minutes)
