"""One page of a category: the oldest rows whose time is over, and what becomes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, literal, not_, select, tuple_
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core.actor import system
from shared.core.ids import lowest_id_at
from shared.core.later import send_later
from shared.core.orm import Reader
from shared.retention import holding, removing
from shared.retention.categories import Category
from shared.retention.holding import Held

PAGE = 500
"""Rows that are looked at in one transaction. A few tens of milliseconds."""
_ALONG_THE_INDEX = """
    SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
           set_config('enable_sort', 'off', true)
"""
"""Row-level security compares the organization once more, so Postgres expects next to no rows, and would read and sort
all of them for each page. The index has them in their order."""

After = list[str]
"""Where a page ended: the age and the identifier of its last row, or the identifier alone, as text."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A page: how many of its rows are (or would be) forgotten, whether there may be more, and behind what to go on."""

    forgotten: int
    has_more: bool
    after: After | None


def count(session: Reader, category: Category, org_id: UUID | None, *, before: datetime, after: After | None) -> Looked:
    """What `forget` would do."""
    send_later(session, _ALONG_THE_INDEX, {})
    rows = session.execute(_page(category, org_id, before, after)).all()
    if not rows:
        return Looked(0, has_more=False, after=None)
    where = _conditions(category, org_id, rows, before, holding.find(session, org_id))
    number = session.execute(select(func.count()).select_from(category.table).where(*where)).scalar_one()
    return _looked(number, category, rows)


def forget(
    session: Session, category: Category, org_id: UUID | None, *, before: datetime, after: After | None, now: datetime
) -> Looked:
    """Forget what was over at `before` on the page behind `after`, and write that down in the audit log.

    Rows that somebody works on at this moment are passed over; the next run finds them.
    """
    send_later(session, _ALONG_THE_INDEX, {})
    query = _page(category, org_id, before, after)
    if category.name != "audit_entries":  # nobody may change them, so nobody may lock them
        query = query.with_for_update(skip_locked=True)
    rows = session.execute(query).all()
    if not rows:
        return Looked(0, has_more=False, after=None)
    held = holding.find_and_keep(session, org_id) if org_id else holding.NOBODY
    number = removing.remove(session, category, _conditions(category, org_id, rows, before, held), now=now)
    if number is None:
        return Looked(0, has_more=True, after=after)
    if number and org_id:
        done = {"category": category.name, "removed": number, "before": before.isoformat()}
        audit.record(session, system(org_id, "retention"), "retention.forget", org_id, now=now, after=done)
    return _looked(number, category, rows)


def moment(limit: int, now: datetime) -> datetime:
    """Up to when things are over that are kept for `limit` days."""
    return now - timedelta(days=limit)


def _page(category: Category, org_id: UUID | None, before: datetime, after: After | None) -> Select[Any]:
    """The next rows that may be over, a page of them at most, whatever keeps them."""
    row_id: Any = category.table.c.id
    mine = category.belongs_to(org_id)
    if category.by_id:
        query = select(row_id).where(mine, row_id < lowest_id_at(before + audit.APART)).order_by(row_id)
        return (query if after is None else query.where(row_id > UUID(after[0]))).limit(PAGE)
    age = category.age.label("age")
    query = select(age, row_id).where(mine, category.due(before)).order_by(category.age, row_id)
    if after is not None:
        begin = literal(datetime.fromisoformat(after[0])), literal(row_id.type.python_type(after[1]), row_id.type)
        query = query.where(tuple_(category.age, row_id) > tuple_(*begin))
    return query.limit(PAGE)


def _looked(number: int, category: Category, rows: Sequence[Row[Any]]) -> Looked:
    last = rows[-1]
    after = [str(last.id)] if category.by_id else [last.age.isoformat(), str(last.id)]
    return Looked(number, len(rows) == PAGE, after)


def _conditions(
    category: Category, org_id: UUID | None, rows: Sequence[Row[Any]], before: datetime, held: Held
) -> list[Any]:
    """What holds for those of `rows` that are forgotten. Asked again here: a row may have changed before it was
    locked."""
    where = [category.belongs_to(org_id), category.table.c.id.in_([row.id for row in rows]), category.due(before)]
    if category.keeps_it is not None:
        where.append(not_(category.keeps_it(held, before)))
    return where
