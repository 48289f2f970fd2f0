"""Tables on request: at once, or as a file that is written in the background; and files until they are forgotten."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, case, delete, func, insert, select, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core import jobs, pages
from shared.core.actor import Actor
from shared.core.errors import Conflict, Forbidden, NotFound, code
from shared.core.ids import new_id
from shared.core.later import send_later
from shared.core.locks import lock_number, queue_up
from shared.core.orm import Reader, table_of
from shared.core.outbox import PUBLISH_GRACE
from shared.core.permissions import Permission
from shared.csv_files.jobs import WRITE
from shared.csv_files.model import UNFINISHED, CsvFile, CsvFilePart, CsvFileState, CsvKind
from shared.csv_files.reading import Wanted
from shared.organizations import service as organizations

NOT_FOUND = code("csv_files.not_found", "No such file")
TOO_MANY = code("csv_files.too_many", "Too many files are being written")
NOT_READY = code("csv_files.not_ready", "The file is not written yet")
FAILED = code("csv_files.failed", "The file could not be written")
GONE = code("csv_files.gone", "The file is not kept any more")
NOT_FOR_YOU = code("csv_files.not_for_you", "The file holds what your role may not read")

MOST_UNFINISHED = 3

_files, _parts = table_of(CsvFile), table_of(CsvFilePart)
_file, _part = _files.c, _parts.c


def look_up(
    session: Reader, actor: Actor, kind: CsvKind, filters: Mapping[str, Any], *, now: datetime
) -> tuple[Wanted, str]:
    """What to read for somebody who wants a table at once, and its name for people."""
    organization = organizations.get(session, actor.org_id)
    with_clients = actor.may(Permission.CLIENTS_READ)
    wanted = Wanted(kind, actor.org_id, dict(filters), with_clients, organization.timezone)
    return wanted, file_name(kind, organization, now)


def note_stream(session: Session, actor: Actor, wanted: Wanted, *, now: datetime) -> None:
    """Write down who takes a table away at once, and by which filters."""
    _audit(session, actor, actor.org_id, wanted.kind, wanted.filters, now=now)


def request_file(
    session: Session, actor: Actor, kind: CsvKind, filters: Mapping[str, Any], *, now: datetime
) -> Row[Any]:
    """Promise a table as a file. Raises `Conflict` when `MOST_UNFINISHED` files of the organization are not written
    yet."""
    queue_up(session, "csv_files.requests", actor.org_id)
    unfinished = select(func.count()).where(_file.org_id == actor.org_id, _file.state.in_(UNFINISHED))
    if session.execute(unfinished).scalar_one() >= MOST_UNFINISHED:
        raise Conflict(TOO_MANY, f"{MOST_UNFINISHED} files are being written. Wait for one, or remove one.")
    values = {
        "org_id": actor.org_id,
        "id": new_id(),
        "kind": kind,
        "filters": dict(filters),
        "with_clients": actor.may(Permission.CLIENTS_READ),
        "requested_by": actor.user_id,
        "created_at": now,
        "next_attempt_at": now + PUBLISH_GRACE,
    }
    row = session.execute(insert(_files).values(values).returning(_files)).one()
    _audit(session, actor, row.id, kind, filters, now=now)
    jobs.enqueue(session, WRITE, org_id=actor.org_id, csv_file_id=row.id)
    return row


def list_page(session: Reader, actor: Actor, request: pages.PageRequest) -> pages.Page:
    """Files that were asked for, the last first."""
    query = select(_files).where(_file.org_id == actor.org_id)
    return pages.fetch_page(session, query, request, pages.by_id(_file.id))


def get(session: Reader, actor: Actor, csv_file_id: UUID) -> Row[Any]:
    """One file's columns. Raises `NotFound`."""
    mine = (_file.org_id == actor.org_id, _file.id == csv_file_id)
    found = session.execute(select(_files).where(*mine)).one_or_none()
    if found is None:
        raise NotFound(NOT_FOUND, "There is no such file.")
    return found


def open_file(session: Reader, actor: Actor, csv_file_id: UUID, *, now: datetime) -> tuple[Row[Any], str]:
    """The columns of a file that can be read, and its name for people.

    Raises `NotFound`, `Forbidden`, or `Conflict` when there is nothing to read: not yet, or not any more.
    """
    file = get(session, actor, csv_file_id)
    if file.with_clients and not actor.may(Permission.CLIENTS_READ):
        raise Forbidden(NOT_FOR_YOU, "The file names clients, and your role may not read those.")
    if file.state in UNFINISHED:
        raise Conflict(NOT_READY, "The file is being written. Ask for its state again later.", state=file.state)
    if file.state == CsvFileState.DEAD:
        raise Conflict(FAILED, "The file could not be written. Ask for a new one.", state=file.state)
    if file.state != CsvFileState.READY or file.expires_at <= now:
        raise Conflict(GONE, "The file was kept for a day. Ask for a new one.")
    organization = organizations.get(session, actor.org_id)
    return file, file_name(CsvKind(file.kind), organization, file.created_at)


def note_download(session: Session, actor: Actor, file: Row[Any], *, now: datetime) -> None:
    """Write down who takes a file away."""
    audit.record(session, actor, "csv_files.download", file.id, now=now, after={"kind": file.kind})


def file_name(kind: CsvKind, organization: Any, moment: datetime) -> str:
    """What a browser calls the file, with the date on the organization's calendar."""
    return f"{kind}-{organization.slug}-{moment.astimezone(ZoneInfo(organization.timezone)).date()}.csv"


def read_part(session: Reader, actor: Actor, csv_file_id: UUID, after: int) -> tuple[int, bytes] | None:
    """Number and content of the part behind the one with the number `after`; None behind the last one."""
    mine = (_part.org_id == actor.org_id, _part.csv_file_id == csv_file_id, _part.number > after)
    found = session.execute(select(_part.number, _part.content).where(*mine).order_by(_part.number).limit(1)).first()
    return (found.number, bytes(found.content)) if found else None


def remove(session: Session, actor: Actor, csv_file_id: UUID, *, now: datetime) -> None:
    """Forget a file, written or not. Raises `NotFound`."""
    mine = (_file.org_id == actor.org_id, _file.id == csv_file_id)
    if session.execute(delete(_files).where(*mine).returning(_file.id)).one_or_none() is None:
        raise NotFound(NOT_FOUND, "There is no such file.")
    audit.record(session, actor, "csv_files.delete", csv_file_id, now=now)


def forget_contents(session: Session, actor: Actor) -> None:
    """Forget what stands in the organization's files: those that are ready expire, those that are being written begin
    anew, and go to the queue.

    For when a person is erased, after their rows were changed and in the same transaction. Until it ends no part is
    written. A worker that has read the person's rows before has written its part before, and it is deleted here.
    """
    send_later(session, "SELECT pg_advisory_xact_lock(%(number)s)", {"number": contents_lock(actor.org_id)})
    is_ready = _file.state == CsvFileState.READY
    anew = {
        "state": case((is_ready, CsvFileState.EXPIRED), else_=CsvFileState.QUEUED),
        "next_attempt_at": case((is_ready, None), else_=func.now() + PUBLISH_GRACE),
        "rows": case((is_ready, _file.rows), else_=0),
        "last_id": None,
        **dict.fromkeys(("bytes", "plain_bytes", "crc32", "attempts"), 0),
    }
    mine = (_file.org_id == actor.org_id, _file.state.in_([*UNFINISHED, CsvFileState.READY]))
    changed = session.execute(update(_files).where(*mine).values(anew).returning(_file.id, _file.state)).all()
    session.execute(delete(_parts).where(_part.org_id == actor.org_id))
    for file in changed:
        if file.state == CsvFileState.QUEUED:
            jobs.enqueue(session, WRITE, org_id=actor.org_id, csv_file_id=file.id)


def contents_lock(org_id: UUID) -> int:
    """The lock that is shared by those who write parts, and that whoever forgets them has alone."""
    return lock_number("csv_files.contents", org_id)


def _audit(
    session: Session, actor: Actor, about: UUID, kind: CsvKind, filters: Mapping[str, Any], *, now: datetime
) -> None:
    """`about` is the file, or the organization when the rows went out at once."""
    way = "stream" if about == actor.org_id else "file"
    after = {"kind": kind, "filters": sorted(filters), "way": way}
    audit.record(session, actor, "csv_files.export", about, now=now, after=after)
