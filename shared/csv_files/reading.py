"""A table piece by piece, in the order of identifiers, which is the order in which rows were made.

Each piece is a statement of its own: nothing is held between two of them, however slow whoever takes them is, and each
is bounded, whatever the filters let through, because it looks at so many rows and no more. So a table is not one
snapshot: a row stands there as it was when its piece was read. One that is there all the time is there exactly once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Uuid, bindparam, text

from shared.core.copying import copy_csv
from shared.core.orm import Reader
from shared.csv_files.local_times import clock_values
from shared.csv_files.model import CsvKind
from shared.csv_files.tables import TABLES, Table

MOST_ROWS = 20_000
"""Rows that are looked at in one piece. Measured with a million orders: 5,000 take twice as long for each row, because
Postgres reads all clients once for each piece."""
MOST_BYTES = 12_000_000
"""In one piece. With rows that are longer than any of ours, fewer are read."""
MOST_COUNTED = 1_000_000
LINES_IN_CHUNK = 150
_FEWER = 10
_BEFORE_ALL = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asked for: rows of `kind` in `org_id` that `filters` let through (JSON: moments in RFC 3339), with
    local times of `timezone`."""

    kind: CsvKind
    org_id: UUID
    filters: dict[str, Any]
    with_clients: bool
    timezone: str

    @property
    def table(self) -> Table:
        return TABLES[self.kind]

    @property
    def header(self) -> bytes:
        """The first line."""
        return ",".join(column.name for column in self.table.shown(with_clients=self.with_clients)).encode() + b"\r\n"


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines in order, as COPY ends them. The next piece begins after the row `last_id`; None: there is none. `rows` is
    how many were looked at."""

    lines: list[bytes]
    last_id: UUID | None
    rows: int

    def chunks(self) -> Iterator[bytes]:
        """The lines as RFC 4180 ends them, some at once."""
        for start in range(0, len(self.lines), LINES_IN_CHUNK):
            yield b"".join([line[:-1] + b"\r\n" for line in self.lines[start : start + LINES_IN_CHUNK]])


class _Lines:
    """Takes lines, up to so many bytes, and the first one in any case. `is_short`: there were more."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.size = 0
        self.is_short = False

    def write(self, line: bytes) -> None:
        self.size += len(line)
        if self.size <= MOST_BYTES or not self.lines:
            self.lines.append(line)
        else:
            self.is_short = True


def read_piece(reader: Reader, wanted: Wanted, after: UUID | None, *, rows: int = MOST_ROWS) -> Piece:
    """The piece after the row `after` (None: the first), of at most `rows` rows; of fewer when they are long. Two
    statements."""
    while True:
        last_id = _end_of_piece(reader, wanted, after or _BEFORE_ALL, rows)
        found = _Lines()
        values = _values(wanted) | {"after": str(after or _BEFORE_ALL), "last": str(last_id)}
        copy_csv(reader, _query(wanted, is_last=last_id is None), values, found)
        if not found.is_short:
            found.lines.sort()  # each begins with its identifier; Postgres would spill to disk for it
            return Piece(found.lines, last_id, rows)
        rows = max(1, rows // _FEWER)


def count(reader: Reader, wanted: Wanted) -> int | None:
    """How many rows there are; None when there are more than `MOST_COUNTED`."""
    conditions = wanted.table.conditions(wanted.filters)
    found = f"SELECT 1 FROM {wanted.table.source} AS r WHERE r.org_id = %(org_id)s{conditions} LIMIT {MOST_COUNTED + 1}"  # noqa: S608 - names of ours
    connection = reader if isinstance(reader, Connection) else reader.connection()
    number: int = connection.exec_driver_sql(f"SELECT count(*) FROM ({found}) AS found", _values(wanted)).scalar_one()  # noqa: S608
    return number if number <= MOST_COUNTED else None


def _end_of_piece(reader: Reader, wanted: Wanted, after: UUID, rows: int) -> UUID | None:
    """The last row of the piece, unless it is the last piece."""
    source = f"SELECT id FROM {wanted.table.source} WHERE org_id = :org_id AND id > :after"  # noqa: S608 - a name of ours
    values = {"org_id": wanted.org_id, "after": after, "others": rows - 1}
    found = text(f"{source} ORDER BY id OFFSET :others LIMIT 1").columns(id=Uuid())
    return reader.execute(
        found.bindparams(bindparam("org_id", type_=Uuid()), bindparam("after", type_=Uuid())), values
    ).scalar()


def _query(wanted: Wanted, *, is_last: bool) -> str:
    table = wanted.table
    cells = ", ".join(column.sql for column in table.shown(with_clients=wanted.with_clients))
    piece = "r.org_id = %(org_id)s AND r.id > %(after)s" + ("" if is_last else " AND r.id <= %(last)s")
    return f"SELECT {cells} FROM {table.source} AS r {table.joins} WHERE {piece}{table.conditions(wanted.filters)}"  # noqa: S608 - SQL of ours


def _values(wanted: Wanted) -> dict[str, Any]:
    return wanted.filters | clock_values(wanted.timezone) | {"org_id": str(wanted.org_id), "timezone": wanted.timezone}
