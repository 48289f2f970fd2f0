"""Keyset pages: a deep page costs what the first one costs.

A cursor is opaque to clients. It carries the sort position of the last row and a fingerprint of the filters, because a
cursor used with other filters would silently skip rows.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Column, Select, desc, tuple_, union_all

from shared.core.errors import Invalid, code
from shared.core.orm import Reader

BAD_CURSOR = code("pages.bad_cursor", "The cursor cannot be used")

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What the caller asked for: at most `limit` rows after `cursor`, with `filters` as they were given."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    filters: tuple[tuple[str, str], ...] = ()

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(repr(self.filters).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Page:
    """`rows`, and the cursor of the next page or None on the last one."""

    rows: Sequence[Any]
    next_cursor: str | None


Key = tuple[Column[Any], Callable[[str], Any]]
"""A sort column and how to read its value back from a cursor."""


def by_time(column: Column[Any]) -> Key:
    return column, lambda text: datetime.fromisoformat(text).astimezone(UTC)


def by_id(column: Column[Any]) -> Key:
    return column, UUID


def fetch_page(session: Reader, query: Select[*tuple[Any, ...]], request: PageRequest, *keys: Key) -> Page:
    """Run `query` newest first on `keys` (the last one unique) and cut one page.

    Raises `Invalid` for a cursor that is damaged or was made with other filters.
    """
    return _cut(session.execute(_newest_first(query, request, keys)).all(), request, keys)


def fetch_merged_page(
    session: Reader, queries: Sequence[Select[*tuple[Any, ...]]], request: PageRequest, *keys: Key
) -> Page:
    """One page of all that `queries` find; no row may be found by two of them. As `fetch_page` otherwise.

    Each is read from its own index, a page at most. One query with an OR or an IN instead would be read in the order of
    `keys`, through all rows when few of them are meant: Postgres cannot know how few an organization has.
    """
    if len(queries) == 1:
        return fetch_page(session, queries[0], request, *keys)
    found = union_all(*(_newest_first(query, request, keys) for query in queries))
    found = found.order_by(*(desc(column.name) for column, _ in keys)).limit(request.limit + 1)
    return _cut(session.execute(found).all(), request, keys)


def _newest_first(query: Select[*tuple[Any, ...]], request: PageRequest, keys: Sequence[Key]) -> Select[Any]:
    """The rows of `query` from the cursor on: one more than the page has, to see whether there is another."""
    columns = [column for column, _ in keys]
    if request.cursor:
        position = _read_cursor(request.cursor, request.fingerprint, [parse for _, parse in keys])
        query = query.where(tuple_(*columns) < tuple_(*position))
    return query.order_by(*(column.desc() for column in columns)).limit(request.limit + 1)


def _cut(rows: Sequence[Any], request: PageRequest, keys: Sequence[Key]) -> Page:
    if len(rows) <= request.limit:
        return Page(rows, None)
    last = rows[request.limit - 1]
    return Page(
        rows[: request.limit], _write_cursor(request.fingerprint, [getattr(last, column.name) for column, _ in keys])
    )


def _write_cursor(fingerprint: str, position: list[Any]) -> str:
    values = [value.isoformat() if isinstance(value, datetime) else str(value) for value in position]
    return base64.urlsafe_b64encode(orjson.dumps([fingerprint, *values])).decode().rstrip("=")


def _read_cursor(cursor: str, fingerprint: str, parsers: list[Callable[[str], Any]]) -> list[Any]:
    try:
        made_with, *values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        position = [parse(value) for parse, value in zip(parsers, values, strict=True)]
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error):
        raise Invalid(BAD_CURSOR, "The cursor is damaged. Start again without one.") from None
    if made_with != fingerprint:
        raise Invalid(BAD_CURSOR, "The cursor belongs to other filters. Keep the filters, or start again without one.")
    return position
