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
from sqlalchemy import Column, Select, tuple_

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
    columns = [column for column, _ in keys]
    if request.cursor:
        position = _read_cursor(request.cursor, request.fingerprint, [parse for _, parse in keys])
        query = query.where(tuple_(*columns) < tuple_(*position))
    query = query.order_by(*(column.desc() for column in columns)).limit(request.limit + 1)
    rows = session.execute(query).all()
    if len(rows) <= request.limit:
        return Page(rows, None)
    last = rows[request.limit - 1]
    return Page(
        rows[: request.limit], _write_cursor(request.fingerprint, [getattr(last, column.name) for column in columns])
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
