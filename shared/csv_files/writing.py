"""Writing files, part by part, and forgetting them.

A claim is named by its lease (`next_attempt_at`), which each part renews: whoever comes with an old one has lost the
file. Each part commits with the position behind it, so that the next worker goes on exactly there, and nobody reads a
file before its last part is in.
"""

import zlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, tuple_, update
from sqlalchemy.orm import Session

from shared.core import jobs
from shared.core.later import send_later
from shared.core.orm import Reader, table_of
from shared.core.outbox import PUBLISH_GRACE, claiming, lock_due
from shared.csv_files.jobs import WRITE
from shared.csv_files.model import UNFINISHED, CsvFile, CsvFilePart, CsvFileState, CsvKind
from shared.csv_files.packing import pack
from shared.csv_files.reading import Wanted, count, read_piece
from shared.csv_files.service import contents_lock
from shared.organizations import service as organizations

KEPT = timedelta(hours=24)
"""How long a file can be read."""
LEASE = timedelta(minutes=2)
"""How long a worker has for one part before the sweep gives the file to another: the hard time limit of a task."""
MAX_ATTEMPTS = 5
"""Without a part that was written."""
ROWS_OF_PART = 10_000
"""Some hundred KB, compressed."""

_files, _parts = table_of(CsvFile), table_of(CsvFilePart)
_file, _part = _files.c, _parts.c
_CLAIM = claiming(_files, waiting=CsvFileState.QUEUED, working=CsvFileState.WRITING)


def claim(session: Session, org_id: UUID, csv_file_id: UUID, *, now: datetime) -> Row[Any] | None:
    """Take the file for writing, for the length of the lease. None when there is nothing to do."""
    mine = {"of_org": org_id, "of_row": csv_file_id, "lease_until": now + LEASE}
    return session.execute(_CLAIM, mine).one_or_none()


def count_rows(session: Reader, claimed: Row[Any]) -> int | None:
    """How many rows the file will have about; None when they are too many to be counted."""
    return count(session, _wanted(claimed, "UTC"))


def note_total(session: Session, claimed: Row[Any], total: int | None) -> None:
    """Keep the number of rows, for whoever watches the file grow."""
    session.execute(update(_files).where(*_of_claim(claimed)).values(total_rows=total))


def write_part(session: Session, claimed: Row[Any], *, now: datetime) -> Row[Any] | None:
    """Write the next part. Returns the file with its new lease, or `ready`; None when the claim is over.

    Rows are read after the lock is there, in the transaction that keeps them: somebody who is erased meanwhile is in no
    part that is written later (`service.forget_contents`).
    """
    send_later(session, "SELECT pg_advisory_xact_lock_shared(%(number)s)", {"number": contents_lock(claimed.org_id)})
    if session.execute(select(_file.id).where(*_of_claim(claimed)).with_for_update()).one_or_none() is None:
        return None
    wanted = _wanted(claimed, organizations.get(session, claimed.org_id).timezone)
    piece = read_piece(session, wanted, claimed.last_id, rows=ROWS_OF_PART)
    is_first, is_last = claimed.last_id is None, piece.last_id is None
    content = (wanted.header if is_first else b"") + b"".join(piece.chunks())
    crc32, size = zlib.crc32(content, claimed.crc32), claimed.plain_bytes + len(content)
    packed = pack(content, crc32=crc32, size=size, is_first=is_first, is_last=is_last)
    if packed:
        _add_part(session, claimed, packed)
    values = {"rows": claimed.rows + len(piece.lines), "bytes": claimed.bytes + len(packed), "plain_bytes": size}
    state = _ready(now) if is_last else {"last_id": piece.last_id, "next_attempt_at": now + LEASE}
    done = values | state | {"crc32": crc32, "attempts": 0, "last_error": None}
    return session.execute(update(_files).where(*_of_claim(claimed)).values(done).returning(_files)).one()


def _ready(now: datetime) -> dict[str, Any]:
    until = now + KEPT
    return {"state": CsvFileState.READY, "ready_at": now, "expires_at": until, "next_attempt_at": until}


def _add_part(session: Session, claimed: Row[Any], content: bytes) -> None:
    mine = (_part.org_id == claimed.org_id, _part.csv_file_id == claimed.id)
    number = select(func.coalesce(func.max(_part.number) + 1, 0)).where(*mine).scalar_subquery()
    values = {"org_id": claimed.org_id, "csv_file_id": claimed.id, "number": number, "content": content}
    session.execute(insert(_parts).values(values))


def pause(session: Session, claimed: Row[Any], *, now: datetime) -> None:
    """Let somebody else have the worker; another turn goes on with the file."""
    queued = {"state": CsvFileState.QUEUED, "next_attempt_at": now + PUBLISH_GRACE}
    left = session.execute(update(_files).where(*_of_claim(claimed)).values(queued).returning(_file.id))
    if left.one_or_none() is not None:
        jobs.enqueue(session, WRITE, org_id=claimed.org_id, csv_file_id=claimed.id)


def sweep(session: Session, *, now: datetime, limit: int) -> dict[str, int]:
    """Forget files whose time is over, and enqueue those whose message or worker was lost. Returns counts."""
    counts = {"expired": 0, "requeued": 0, "dead": 0}
    emptied = []
    for file in lock_due(session, CsvFile, {*UNFINISHED, CsvFileState.READY}, now=now, limit=limit):
        if file.state == CsvFileState.READY:
            file.state, file.next_attempt_at = CsvFileState.EXPIRED, None
            emptied.append((file.org_id, file.id))
            counts["expired"] += 1
        elif file.attempts >= MAX_ATTEMPTS:
            file.state, file.next_attempt_at = CsvFileState.DEAD, None
            file.last_error = "the worker died or failed, every time"
            emptied.append((file.org_id, file.id))
            counts["dead"] += 1
        else:
            file.state, file.next_attempt_at = CsvFileState.QUEUED, now + PUBLISH_GRACE
            jobs.enqueue(session, WRITE, org_id=file.org_id, csv_file_id=file.id)
            counts["requeued"] += 1
    if emptied:
        session.execute(delete(_parts).where(tuple_(_part.org_id, _part.csv_file_id).in_(emptied)))
    return counts


def _of_claim(claimed: Row[Any]) -> tuple[ColumnElement[bool], ...]:
    return (
        _file.org_id == claimed.org_id,
        _file.id == claimed.id,
        _file.state == CsvFileState.WRITING,
        _file.next_attempt_at == claimed.next_attempt_at,
    )


def _wanted(file: Row[Any], timezone: str) -> Wanted:
    return Wanted(CsvKind(file.kind), file.org_id, file.filters, file.with_clients, timezone)
