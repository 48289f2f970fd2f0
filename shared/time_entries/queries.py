from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Row, Select, bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from shared.core.actor import Actor
from shared.core.errors import NotFound, code
from shared.core.orm import Reader, table_of
from shared.time_entries.model import TimeEntry, TimeSegment

NOT_FOUND = code("time_entries.not_found", "No such time entry")

_entries, _segments = table_of(TimeEntry), table_of(TimeSegment)


def _with_segments() -> Select[Any]:
    """Entries with the starts and the ends of their segments, in step, and `worked_minutes`: whole minutes until `now`,
    rounded down once."""
    segment, now = _segments.c, bindparam("now", type_=DateTime(timezone=True))
    in_order = (segment.started_at, segment.id)
    until = func.coalesce(segment.ended_at, func.greatest(now, segment.started_at))
    seconds = func.extract("epoch", func.sum(until - segment.started_at))
    columns = [column for column in _entries.columns if column.name != "org_id"]
    is_of = (segment.org_id == _entries.c.org_id) & (segment.time_entry_id == _entries.c.id)
    return (
        select(
            *columns,
            func.array_agg(aggregate_order_by(segment.started_at, *in_order)).label("starts"),
            func.array_agg(aggregate_order_by(segment.ended_at, *in_order)).label("ends"),
            func.floor(seconds / 60).cast(BigInteger).label("worked_minutes"),
        )
        .join(_segments, is_of)
        .where(_entries.c.org_id == bindparam("org_id"))
        .group_by(_entries.c.org_id, _entries.c.id)
        .order_by(_entries.c.id)
    )


_ALL = _with_segments()
_OF_ORDER = _ALL.where(_entries.c.order_id == bindparam("order_id"))
_ONE = _ALL.where(_entries.c.id == bindparam("entry_id"))


def list_for_order(session: Reader, actor: Actor, order_id: UUID, *, now: datetime) -> Sequence[Row[Any]]:
    """The entries of an order, the first started first; those that run are counted until `now`."""
    return session.execute(_OF_ORDER, {"org_id": actor.org_id, "order_id": order_id, "now": now}).all()


def get(session: Reader, actor: Actor, entry_id: UUID, *, now: datetime) -> Row[Any]:
    """One entry with its segments. Raises `NotFound`."""
    found = session.execute(_ONE, {"org_id": actor.org_id, "entry_id": entry_id, "now": now}).one_or_none()
    if found is None:
        raise not_found()
    return found


def not_found() -> NotFound:
    return NotFound(NOT_FOUND, "There is no such time entry.")
