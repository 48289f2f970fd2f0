"""Rows that nobody needs any more: taken away in batches, or counted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Table, delete, func, select, tuple_
from sqlalchemy.orm import Session

from shared.core.orm import Reader, asked_once


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Rows of `table`; `find` selects their primary keys as they are at a moment, in the order in which they go.

    Row-level security narrows both functions to the organization in a tenant's scope.
    """

    table: Table
    find: Callable[[datetime], Select[*tuple[Any, ...]]]

    def remove(self, session: Session, *, now: datetime, limit: int) -> int:
        """Take away up to `limit`, passing over those that somebody holds. Returns how many."""
        found = self.find(now).limit(limit).with_for_update(of=self.table, skip_locked=True)
        key = list(self.table.primary_key)
        removed = session.execute(delete(self.table).where(tuple_(*key).in_(asked_once(found))).returning(key[0]))
        return len(removed.all())

    def count(self, session: Reader, *, now: datetime) -> int:
        """How many there are."""
        found = self.find(now).order_by(None).subquery()
        return int(session.scalar(select(func.count()).select_from(found)) or 0)
