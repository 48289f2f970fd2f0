"""Work that a row owes to the outside world: a mail, a deleted file, a handled event.

The row *is* the outbox. `state` says what is owed, `next_attempt_at` when a sweep may step in:

    queued ----claim----> working ----> done, or gone
      ^                      |
      |   lease ran out,     |
      +-- or a retry is due -+----> dead after too many attempts

A worker claims a row with one conditional UPDATE, works outside any transaction, then records the result. If the worker
dies, the lease (`next_attempt_at`) runs out and the sweep puts the row back. A message delivered twice finds nothing to
claim. The feature keeps its own names for the states.
"""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Table, Update, bindparam, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.dml import ReturningUpdate

PUBLISH_GRACE = timedelta(seconds=30)
"""How long a fresh row is left to the message that was published for it, before a sweep enqueues it again."""

LONGEST_BACKOFF = timedelta(hours=1)
MOST_JITTER = 1.2


class Owed:
    """The columns of an outbox row, beside its `state`."""

    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    next_attempt_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


def taking(table: Table, working: StrEnum) -> Update:
    """The UPDATE by which a worker takes a row of `of_org` until `lease_until`; the caller says which.

    Counts the try before it is made, so that one which kills its worker is counted, too.
    """
    return (
        update(table)
        .where(table.c.org_id == bindparam("of_org"))
        .values(state=working, attempts=table.c.attempts + 1, next_attempt_at=bindparam("lease_until"))
    )


def claiming(table: Table, *, waiting: StrEnum, working: StrEnum) -> ReturningUpdate[Any]:
    """`taking` the row `of_row` from the state `waiting`. It returns the row, or nothing when there is nothing to do
    (any more, or yet). Made once per table."""
    named = (table.c.id == bindparam("of_row"), table.c.state == waiting)
    return taking(table, working).where(*named).returning(table)


def backoff(attempts: int, first: float, *, factor: float = 2.0, longest: timedelta = LONGEST_BACKOFF) -> timedelta:
    """Exponential wait before the next try: `first` seconds, doubling (or by another `factor`) to an hour (or
    `longest`), with up to 20 % of jitter."""
    return without_jitter(attempts, first, factor=factor, longest=longest) * random.uniform(1.0, MOST_JITTER)


def without_jitter(attempts: int, first: float, *, factor: float, longest: timedelta) -> timedelta:
    """The shortest that `backoff` may be."""
    return timedelta(seconds=min(first * factor ** min(max(attempts - 1, 0), 30), longest.total_seconds()))


def lock_due(session: Session, model: type[Any], states: Iterable[str], *, now: datetime, limit: int) -> list[Any]:
    """Lock up to `limit` rows of `model` in `states` whose time has come, oldest first, passing over locked ones."""
    due = (
        select(model)
        .where(model.state.in_(states), model.next_attempt_at <= now)
        .order_by(model.next_attempt_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(due))
