"""Local times in SQL as the rest of Crewline shows them.

Postgres has time zones of its own, of another edition than Python's as often as not: a province that gives up changing
its clocks would be an hour off in one of them. So Postgres is told when the offset changes, as Python knows it.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2150, 1, 1, tzinfo=UTC)
"""Before and after, the offset is taken for the one that is next to it."""
_STEP, _EXACT = timedelta(days=1), timedelta(seconds=1)


def local_time(sql: str) -> str:
    """The moment `sql` on the clocks that `clock_values` are of."""
    offset = f"(%(offsets)s::interval[])[width_bucket({sql}, %(changes)s::timestamptz[]) + 1]"
    return f"({sql} AT TIME ZONE 'UTC') + {offset}"


@lru_cache(maxsize=64)
def clock_values(timezone: str) -> dict[str, str]:
    """What `local_time` needs to know, as arrays of Postgres: the moments at which the offset from UTC changes, and the
    offset before each and after the last."""
    zone = ZoneInfo(timezone)
    changes, offsets = [], [_FIRST.astimezone(zone).utcoffset()]
    moment = _FIRST
    while moment < _LAST:
        if (moment + _STEP).astimezone(zone).utcoffset() != offsets[-1]:
            changes.append(_change_after(moment, zone))
            offsets.append(changes[-1].astimezone(zone).utcoffset())
        moment += _STEP
    seconds = [f"{int(offset.total_seconds())} s" for offset in offsets if offset is not None]
    return {
        "changes": "{" + ",".join(change.isoformat() for change in changes) + "}",
        "offsets": "{" + ",".join(seconds) + "}",
    }


def _change_after(moment: datetime, zone: ZoneInfo) -> datetime:
    """The second at which the offset changes, within a step after `moment`."""
    before, low, high = moment.astimezone(zone).utcoffset(), moment, moment + _STEP
    while high - low > _EXACT:
        middle = low + timedelta(seconds=(high - low) // _EXACT // 2)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high
