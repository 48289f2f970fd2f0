"""The calendar of a recurrence: its dates (RFC 5545 rules) and when each one begins. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import MONTHLY, WEEKLY, rrule

from shared.recurrences.model import Frequency

FARTHEST = timedelta(days=5 * 366)
"""How far ahead of today a date may be named: a rule is counted out from its start, one date after the other."""

_SAFE_DAYS = 28
"""Every month has so many."""


def dates(frequency: str, starts_on: date, ends_on: date | None, *, first: date, last: date) -> list[date]:
    """The dates from `first` to `last`, both included, that the rule gives. A month that is too short for the day of
    `starts_on` has its visit on its last day."""
    until = min(last, ends_on) if ends_on else last
    found = _rule(frequency, starts_on).between(_at_noon(first), _at_noon(until), inc=True)
    return [moment.date() for moment in found]


def begins_at(day: date, local_time: time, zone: ZoneInfo) -> datetime:
    """When a visit on `day` begins. A local time that the clocks skip is as much later; of one that comes twice it is
    the first."""
    return datetime.combine(day, local_time.replace(fold=0), zone).astimezone(UTC)


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """The date of `moment` on the clocks of `zone`."""
    return moment.astimezone(zone).date()


def _rule(frequency: str, starts_on: date) -> rrule:
    start = _at_noon(starts_on)
    if frequency == Frequency.MONTHLY:
        if starts_on.day <= _SAFE_DAYS:
            return rrule(MONTHLY, dtstart=start, bymonthday=starts_on.day)
        return rrule(MONTHLY, dtstart=start, bymonthday=range(_SAFE_DAYS, starts_on.day + 1), bysetpos=-1)
    return rrule(WEEKLY, dtstart=start, interval=2 if frequency == Frequency.EVERY_TWO_WEEKS else 1)


def _at_noon(day: date) -> datetime:
    """A rule counts days, not hours: noon is far from both ends of one."""
    return datetime.combine(day, time(12))
