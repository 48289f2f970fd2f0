from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, case, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core import jobs, pages
from shared.core.actor import Actor
from shared.core.errors import Conflict, NotFound, Unavailable, code
from shared.core.ids import new_id
from shared.core.orm import Reader, table_of
from shared.core.outbox import PUBLISH_GRACE, backoff
from shared.core.settings import Settings
from shared.integrations.storage import STORAGE_AWAY, UNTRIED
from shared.storage_deletes.jobs import PURGE
from shared.storage_deletes.model import DeleteState, StorageDelete

NOT_FOUND = code("storage_deletes.not_found", "No such delete")
NOT_STUCK = code("storage_deletes.not_stuck", "The delete is not stuck")

PURGE_LEASE = timedelta(minutes=2)
"""How long a worker has for deleting what it has claimed before others may: the hard time limit of a task."""

WRITING_PATIENCE = timedelta(hours=1)
"""How long an object may take to be written. Far above any request, task and storage time-out, or it could arrive after
its row has gone."""

BATCH = 500
"""Rows of one statement."""

MOST_ENQUEUED = 200
"""Messages for deletes that are owed at once; the sweep brings the rest."""

_deletes = table_of(StorageDelete)


@dataclass(frozen=True, slots=True)
class Unwanted:
    """An object that is to go, from `due` on; `held_bytes` is what it gives back to the quota then."""

    org_id: UUID
    owner_id: UUID
    backend: str
    key: str
    held_bytes: int
    due: datetime


def owe(session: Session, unwanted: Sequence[Unwanted]) -> None:
    """Have objects deleted: those that are due soon by a message, the others, and what is too much for the queue, by
    the sweep. In batches, whatever their number."""
    for begin in range(0, len(unwanted), BATCH):
        session.execute(_owing(unwanted[begin : begin + BATCH]))
    soonest = min((one.due for one in unwanted), default=None)
    at_once = dict.fromkeys((one.org_id, one.owner_id) for one in unwanted if one.due == soonest)
    for org_id, owner_id in list(at_once)[:MOST_ENQUEUED]:
        jobs.enqueue(session, PURGE, org_id=org_id, owner_id=owner_id)


def reserve(session: Session, places: Sequence[Unwanted]) -> None:
    """Name objects that are going to be written, so that they are deleted when they are due unless `keep` takes that
    back. Raises `Unavailable` when one of them is being deleted at this moment."""
    owing = _owing(places, unless_deleting=True)
    if len(session.scalars(owing).all()) < len(places):
        raise Unavailable(STORAGE_AWAY, "What was at this place is being deleted. Try again in a moment.")


def keep(session: Session, org_id: UUID, backend: str, keys: Sequence[str]) -> bool:
    """Take the delete of reserved objects back: another row names them now. False when it is too late."""
    reserved = (*_objects(org_id, backend, keys), _deletes.c.state == DeleteState.WAITING)
    kept = session.scalars(delete(_deletes).where(*reserved).returning(_deletes.c.id)).all()
    return len(kept) == len(keys)


def claim(session: Session, *, now: datetime, owner: tuple[UUID, UUID] | None, limit: int) -> Sequence[Row[Any]]:
    """Take up to `limit` deletes that are due, oldest first; of `owner` (organization and owner), or of everybody.
    Counts the try before it is made, so that one which kills its worker ends as `stuck` too.

    A message comes right after the row was written, so it may take one that the sweep still leaves to it.
    """
    column = _deletes.c
    due = column.next_attempt_at <= (now if owner is None else now + PUBLISH_GRACE)
    ready: ColumnElement[bool] = and_(column.state == DeleteState.WAITING, due)
    if owner is None:
        ready = or_(ready, and_(column.state == DeleteState.DELETING, due))
    else:
        ready = and_(tuple_(column.org_id, column.owner_id) == owner, ready)
    oldest = select(column.org_id, column.id).where(ready).order_by(column.next_attempt_at).limit(limit)
    taken = oldest.with_for_update(skip_locked=True).cte("taken")
    claiming = (
        update(_deletes)
        .where(column.org_id == taken.c.org_id, column.id == taken.c.id)
        .values(state=DeleteState.DELETING, attempts=column.attempts + 1, next_attempt_at=now + PURGE_LEASE)
    )
    return session.execute(claiming.returning(_deletes)).all()


def forget(session: Session, claimed: Iterable[Row[Any]]) -> Sequence[Row[Any]]:
    """The objects are gone, so the rows may go. Returns what went, for the quota."""
    gone = delete(_deletes).where(_still(claimed))
    return session.execute(gone.returning(_deletes)).all()


def mark_undeleted(
    session: Session, failed: Iterable[tuple[Row[Any], Unavailable]], settings: Settings, *, now: datetime
) -> int:
    """The storage has not deleted these. Tried again later; `stuck` when the tries are used up. Returns how many are
    stuck."""
    stuck = 0
    for row, refusal in failed:
        untried = refusal.code in UNTRIED
        values: dict[str, Any] = {
            "state": DeleteState.WAITING,
            "attempts": row.attempts - untried,
            "next_attempt_at": now + backoff(row.attempts, settings.storage_delete_retry_interval_seconds),
        }
        if row.attempts >= settings.storage_delete_max_attempts and not untried:
            values |= {"state": DeleteState.STUCK, "next_attempt_at": None}
            stuck += 1
        session.execute(update(_deletes).where(_still([row])).values(last_error=refusal.detail, **values))
    return stuck


def give_up_lost(session: Session, settings: Settings, *, now: datetime) -> int:
    """Mark as stuck what was claimed as often as is allowed, and whose worker has died every time. Returns how many."""
    column, lost = _deletes.c, _is_lost(settings, now)
    error = func.coalesce(column.last_error, "the worker died while deleting, every time")
    marking = update(_deletes).where(lost).values(state=DeleteState.STUCK, next_attempt_at=None, last_error=error)
    return len(session.scalars(marking.returning(column.id)).all())


def count_due(session: Reader, settings: Settings, *, now: datetime) -> dict[str, int]:
    """What the janitor would do, if the storage does as it is asked."""
    lost = _is_lost(settings, now)
    is_due = _deletes.c.state.in_([DeleteState.WAITING, DeleteState.DELETING]) & (_deletes.c.next_attempt_at <= now)
    counting = select(func.count().filter(~lost), func.count().filter(lost)).where(is_due)
    deleted, stuck = session.execute(counting).one()
    return {"deleted": deleted, "failed": 0, "stuck": stuck}


def _is_lost(settings: Settings, now: datetime) -> ColumnElement[bool]:
    """Claimed as often as is allowed, and the worker has died every time."""
    column = _deletes.c
    return and_(
        column.state == DeleteState.DELETING,
        column.next_attempt_at <= now,
        column.attempts >= settings.storage_delete_max_attempts,
    )


def try_again(session: Session, actor: Actor, delete_id: UUID, *, now: datetime) -> Row[Any]:
    """Try a stuck delete again, from the beginning. Raises `NotFound`, or `Conflict` when it is not stuck."""
    mine = (_deletes.c.org_id == actor.org_id, _deletes.c.id == delete_id)
    fresh = {"state": DeleteState.WAITING, "attempts": 0, "next_attempt_at": now + PUBLISH_GRACE}
    freeing = update(_deletes).where(*mine, _deletes.c.state == DeleteState.STUCK).values(fresh).returning(_deletes)
    row = session.execute(freeing).one_or_none()
    if row is None:
        found = session.execute(select(_deletes.c.state).where(*mine)).one_or_none()
        if found is None:
            raise NotFound(NOT_FOUND, "There is no such delete; perhaps it is done.")
        raise Conflict(NOT_STUCK, f"The delete is {found.state}: it is tried again without your help.")
    audit.record(session, actor, "storage_deletes.retry", delete_id, now=now)
    jobs.enqueue(session, PURGE, org_id=actor.org_id, owner_id=row.owner_id)
    return row


def list_deletes(session: Reader, actor: Actor, state: str | None, request: pages.PageRequest) -> pages.Page:
    """The organization's deletes, newest first; in `state`, or in any."""
    query = select(_deletes).where(_deletes.c.org_id == actor.org_id)
    query = query.where(_deletes.c.state == state) if state else query
    return pages.fetch_page(session, query, request, pages.by_id(_deletes.c.id))


def count_by_backend(session: Reader, *, now: datetime) -> Sequence[Row[Any]]:
    """For metrics: per backend and state, how many there are and since when the oldest is due, in seconds. What is
    only reserved is not counted."""
    column = _deletes.c
    due = case((column.state == DeleteState.STUCK, column.created_at), else_=column.next_attempt_at)
    oldest = func.extract("epoch", now - func.min(due)).label("oldest_seconds")
    counting = select(column.backend, column.state, func.count().label("number"), oldest)
    counting = counting.where(or_(column.state != DeleteState.WAITING, column.next_attempt_at <= now + PUBLISH_GRACE))
    return session.execute(counting.group_by(column.backend, column.state)).all()


def _owing(unwanted: Sequence[Unwanted], *, unless_deleting: bool = False) -> Any:
    rows = [
        {
            "org_id": one.org_id,
            "id": new_id(),
            "owner_id": one.owner_id,
            "backend": one.backend,
            "storage_key": one.key,
            "held_bytes": one.held_bytes,
            "state": DeleteState.WAITING,
            "created_at": func.now(),
            "next_attempt_at": one.due,
        }
        for one in unwanted
    ]
    owing = insert(_deletes).values(rows)
    # One that is being deleted stays so, and reserved by nobody; the try more makes that its worker does not forget it.
    is_deleting = _deletes.c.state == DeleteState.DELETING
    lease = case((is_deleting, _deletes.c.next_attempt_at))
    again = {
        "state": case((is_deleting, DeleteState.DELETING), else_=DeleteState.WAITING),
        "attempts": _deletes.c.attempts + case((is_deleting, 1), else_=0),
        "next_attempt_at": func.greatest(owing.excluded.next_attempt_at, lease),
        "held_bytes": _deletes.c.held_bytes + owing.excluded.held_bytes,
    }
    allowed = ~is_deleting if unless_deleting else None
    owing = owing.on_conflict_do_update(constraint="uq_storage_deletes_object", set_=again, where=allowed)
    return owing.returning(_deletes.c.id)


def _objects(org_id: UUID, backend: str, keys: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    column = _deletes.c
    return column.org_id == org_id, column.backend == backend, column.storage_key.in_(keys)


def _still(claimed: Iterable[Row[Any]]) -> ColumnElement[bool]:
    """Those of the claimed rows that nobody has claimed, or owed anew, since."""
    column = _deletes.c
    mine = [(row.org_id, row.id, row.attempts) for row in claimed]
    return and_(tuple_(column.org_id, column.id, column.attempts).in_(mine), column.state == DeleteState.DELETING)
