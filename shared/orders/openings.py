"""Hours of a week as instants: the one place where local time becomes UTC, and so where the clocks change.

Instants are whole seconds since 1970, UTC. An opening or closing time that the clocks skip is the instant after the
gap. Of one that they show twice an opening is the first and a closing is the second: nobody who is told "from 01:30
to 02:30" stands before a closed door at either of the two. The end of a day, 24:00, is where the next day begins.
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
        self.midnights = [self._resolve(number, 0, closing=False) for number in range(count + 1)]

    def at(self, number: int, minutes: int, *, closing: bool = False) -> int:
        """The instant at which the clocks show `minutes` after midnight on a day, an opening or a closing."""
        midnight, next_midnight = self.midnights[number], self.midnights[number + 1]
        if minutes == DAY // 60:
            return next_midnight
        if next_midnight - midnight == DAY:  # the clocks do not change on that day
            return midnight + minutes * 60
        return self._resolve(number, minutes, closing=closing)

    def number_of(self, instant: int) -> int:
        """The day on which an instant lies."""
        return bisect_right(self.midnights, instant) - 1

    def _resolve(self, number: int, minutes: int, *, closing: bool) -> int:
        shown = self._start + timedelta(days=number, minutes=minutes)
        first, second = ((shown.replace(tzinfo=self.zone, fold=fold) - EPOCH) // SECOND for fold in (0, 1))
        if first <= second:
            return second if closing else first
        # The clocks skip it. `second` is before the change and `first` is not, which is how fold is defined for a gap.
        before, moments = self._offset(second), range(second, first + 1)
        return moments[bisect_left(moments, 1, key=lambda moment: int(self._offset(moment) != before))]

    def _offset(self, instant: int) -> timedelta | None:
        return datetime.fromtimestamp(instant, self.zone).utcoffset()


def open_periods(week: Mapping[str, list[dict[str, Any]]], days: LocalDays) -> list[Period]:
    """Every period of `days`, in order, none overlapping another: where a time is shown twice, the earlier period keeps
    it."""
    found: list[tuple[int, int]] = []
    free_from, weekday = days.midnights[0], days.first.weekday()
    for number in range(days.count):
        for period in week.get(DAYS[(weekday + number) % 7], []):
            opens = max(days.at(number, _minutes(period["opens"])), free_from)
            closes = days.at(number, _minutes(period["closes"]), closing=True)
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
