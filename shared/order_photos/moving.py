"""Photos on their way to another backend: asked for once, done by workers one by one, resumed whoever dies."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, select, tuple_, update
from sqlalchemy.orm import Session

from shared.core.errors import Refusal, Unavailable
from shared.core.orm import Reader, table_of
from shared.core.outbox import PUBLISH_GRACE, backoff
from shared.core.settings import Settings
from shared.integrations.storage import STORAGE_AWAY, UNTRIED, Slot
from shared.order_photos import quota
from shared.order_photos import service as order_photos
from shared.order_photos.model import OrderPhoto, PhotoState
from shared.storage_deletes import service as storage_deletes
from shared.storage_deletes.service import WRITING_PATIENCE, Unwanted

BATCH = 500
MOST_ATTEMPTS = 5
MOVE_LEASE = timedelta(minutes=5)
"""As `processing.PROCESS_LEASE`."""

Place = tuple[UUID, UUID]
"""Where a photo stands in the order of all: organization and identifier."""

_photos = table_of(OrderPhoto)


@dataclass(frozen=True, slots=True)
class Copies:
    """A photo at its new place: its keys there, SHA-256 and `size` in bytes of the picture as it was read, which is
    another one than was put where a storage is not exact."""

    picture_key: str
    thumbnail_key: str | None
    sha256: str
    size: int


def ask(
    session: Session, target: str, *, source: str | None, org_id: UUID | None, after: Place | None, now: datetime
) -> list[Place]:
    """Look at the next 500 photos `after` a place and ask for those to be moved to `target` that are not on their way
    there; those whose moving has failed before are asked for again. Returns the places of those it has asked for; when
    there are none, there are no more. The sweep takes it from here."""
    photo = _photos.c
    place = tuple_(photo.org_id, photo.id)
    elsewhere = [photo.state == PhotoState.STORED, photo.backend != target]
    elsewhere += [photo.backend == source] if source else []
    elsewhere += [photo.org_id == org_id] if org_id else []
    elsewhere += [place > after] if after else []
    unasked = photo.move_to.is_distinct_from(target) | photo.next_attempt_at.is_(None)
    found = select(photo.org_id, photo.id).where(*elsewhere, unasked).order_by(photo.org_id, photo.id)
    taken = found.limit(BATCH).with_for_update().cte("taken")
    asking = update(_photos).where(photo.org_id == taken.c.org_id, photo.id == taken.c.id)
    values = {"move_to": target, "attempts": 0, "next_attempt_at": now, "last_error": None}
    asked = session.execute(asking.values(values).returning(photo.org_id, photo.id))
    return sorted((row.org_id, row.id) for row in asked)


def call_back(session: Session, target: str, *, org_id: UUID | None) -> int:
    """Let photos that are at `target` stay there, though they were asked to go elsewhere. A copy that is being made is
    deleted again. Returns how many."""
    photo = _photos.c
    leaving = [photo.state == PhotoState.STORED, photo.backend == target, photo.move_to.is_not(None)]
    leaving += [photo.org_id == org_id] if org_id else []
    values = {"move_to": None, "attempts": 0, "next_attempt_at": None, "last_error": None}
    return len(session.scalars(update(_photos).where(*leaving).values(values).returning(photo.id)).all())


def claim(session: Session, org_id: UUID, photo_id: UUID, *, now: datetime) -> Row[Any] | None:
    """Take a photo that is to be moved; None when there is nothing to do, or somebody is at it."""
    photo = _photos.c
    wanted = (
        photo.org_id == org_id,
        photo.id == photo_id,
        photo.state == PhotoState.STORED,
        photo.move_to.is_not(None),
    )
    free = photo.next_attempt_at <= now + PUBLISH_GRACE
    values = {"attempts": photo.attempts + 1, "next_attempt_at": now + MOVE_LEASE}
    return session.execute(update(_photos).where(*wanted, free).values(values).returning(_photos)).one_or_none()


def name_copies(session: Session, photo: Row[Any], slots: list[Slot], *, now: datetime) -> bool:
    """Name the copies before they are written; they are deleted again unless `finish` keeps them. False when the photo
    is not ours any more: then its row may name these places itself, and nothing there may be deleted."""
    if session.scalar(select(_photos.c.id).where(*_claimed(photo)).with_for_update()) is None:
        return False
    due = now + WRITING_PATIENCE
    copies = [Unwanted(photo.org_id, photo.id, photo.move_to, slot.key, 0, due) for slot in slots]
    storage_deletes.reserve(session, copies)
    return True


def finish(session: Session, photo: Row[Any], copies: Copies, *, now: datetime) -> bool:
    """The copies are there and right: the row names them from now on, and the originals are deleted. False when the
    photo was removed, or the move took too long; then the copies are deleted."""
    values = {
        "backend": photo.move_to,
        "storage_key": copies.picture_key,
        "thumbnail_key": copies.thumbnail_key,
        "kept_sha256": copies.sha256,
        "size": copies.size,
        "move_to": None,
        "attempts": 0,
        "next_attempt_at": None,
        "last_error": None,
    }
    moved = update(_photos).where(*_claimed(photo)).values(values).returning(_photos.c.id)
    if not session.scalar(moved):
        return False
    keys = [key for key in (copies.picture_key, copies.thumbnail_key) if key]
    if not storage_deletes.keep(session, photo.org_id, photo.move_to, keys):
        raise Unavailable(STORAGE_AWAY, "The move took too long and is made again.")
    moved_bytes = {photo.backend: -photo.held_bytes, photo.move_to: photo.held_bytes}
    for backend, size in sorted(moved_bytes.items()):  # as `quota.release`, or the two could wait for each other
        quota.add(session, photo.org_id, backend, size)
    originals = order_photos.objects_of(photo)
    due = now + PUBLISH_GRACE
    storage_deletes.owe(session, [Unwanted(photo.org_id, photo.id, photo.backend, key, 0, due) for key in originals])
    return True


def postpone(session: Session, photo: Row[Any], settings: Settings, refusal: Refusal, *, now: datetime) -> None:
    """It did not work: tried again later, and given up after some tries, until somebody asks again."""
    untried = refusal.code in UNTRIED
    due = now + backoff(photo.attempts, settings.storage_delete_retry_interval_seconds)
    given_up = photo.attempts >= MOST_ATTEMPTS and not untried
    values = {"attempts": photo.attempts - untried, "next_attempt_at": None if given_up else due}
    session.execute(update(_photos).where(*_claimed(photo)).values(last_error=refusal.detail, **values))


def give_up_lost(session: Session, photo: Row[Any]) -> None:
    """Every worker that has moved it has died: left where it is, until somebody asks again."""
    error = photo.last_error or "the worker died while moving it, every time"
    session.execute(update(_photos).where(*_claimed(photo)).values(next_attempt_at=None, last_error=error))


def progress(session: Reader) -> list[Row[Any]]:
    """How many photos are at each backend, on their way to another, and given up on the way, with their bytes."""
    photo = _photos.c
    given_up = and_(photo.move_to.is_not(None), photo.next_attempt_at.is_(None))
    counting = select(
        photo.backend,
        photo.move_to,
        given_up.label("given_up"),
        func.count().label("photos"),
        func.sum(photo.size).label("bytes"),
    ).where(photo.state == PhotoState.STORED)
    counting = counting.group_by(photo.backend, photo.move_to, given_up)
    return list(session.execute(counting.order_by(photo.backend)))


def _claimed(photo: Row[Any]) -> tuple[Any, ...]:
    column = _photos.c
    return (
        column.org_id == photo.org_id,
        column.id == photo.id,
        column.state == PhotoState.STORED,
        column.move_to == photo.move_to,
        column.attempts == photo.attempts,
    )
