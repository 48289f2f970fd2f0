"""A photo in a worker's hands: decoded, written anew without what it carried, and only then shown."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core.actor import system
from shared.core.errors import Unavailable
from shared.core.orm import table_of
from shared.core.outbox import LONGEST_BACKOFF, PUBLISH_GRACE, backoff, claiming
from shared.core.settings import Settings
from shared.integrations.storage import Slot
from shared.order_photos import quota
from shared.order_photos import service as order_photos
from shared.order_photos.model import OrderPhoto, PhotoState
from shared.order_photos.uploading import key_of
from shared.organizations.model import Organization
from shared.storage_deletes import service as storage_deletes
from shared.storage_deletes.service import Unwanted

if TYPE_CHECKING:
    from shared.order_photos.encoding import Encoded

MOST_ATTEMPTS = 3
"""A file that has killed its worker as often is rejected."""

PROCESS_LEASE = timedelta(minutes=5)
"""How long a worker has for one photo: its task's hard time limit and more, for what it writes must have arrived before
anybody else acts."""

REJECTED_SHOWN = timedelta(days=1)
"""How long a rejected photo tells why."""

_photos = table_of(OrderPhoto)
_organizations = table_of(Organization)
_CLAIM = claiming(_photos, waiting=PhotoState.UPLOADED, working=PhotoState.PROCESSING)
_TIMEZONE = select(_organizations.c.timezone).where(_organizations.c.id == bindparam("org_id"))


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a photo: the picture's type, `size` in bytes, SHA-256, width and height in pixels, when it was
    taken, and the bytes of its thumbnail (0 where the storage makes it)."""

    mime: str
    size: int
    sha256: str
    width: int
    height: int
    taken_at: datetime | None
    thumbnail_size: int


def kept(made: "Encoded", zone: ZoneInfo, *, with_thumbnail: bool) -> Kept:
    """What `encoding` has made, with the moment it was taken: a camera that names no offset means the clocks of the
    company, `zone`."""
    taken_at = made.taken_at
    if taken_at is not None and taken_at.tzinfo is None:
        taken_at = taken_at.replace(tzinfo=zone)
    picture = made.picture
    thumbnail_size = made.thumbnail.size if with_thumbnail else 0
    return Kept(picture.mime, picture.size, picture.sha256, picture.width, picture.height, taken_at, thumbnail_size)


def claim(session: Session, org_id: UUID, photo_id: UUID, *, now: datetime) -> tuple[Row[Any], str] | None:
    """Take an uploaded photo, with the time zone of its company; None when there is nothing to do. Counts the try
    before it is made, so that a file which kills its worker is rejected in the end."""
    mine = {"of_org": org_id, "of_row": photo_id, "lease_until": now + PROCESS_LEASE}
    photo = session.execute(_CLAIM, mine).one_or_none()
    if photo is None:
        return None
    return photo, session.execute(_TIMEZONE, {"org_id": org_id}).scalar_one()


def path_of_kept(photo: Row[Any], extension: str) -> str:
    """Where the kept picture goes. Never over the upload, which must stay until the new one is named."""
    path = key_of(photo.org_id, photo.order_id, photo.id, extension)
    return path if path != photo.upload_key else key_of(photo.org_id, photo.order_id, photo.id, f"kept.{extension}")


def name_objects(
    session: Session, photo: Row[Any], picture: Slot, thumbnail: Slot | None, *, now: datetime
) -> Row[Any] | None:
    """Write the keys into the row before the objects are written. What an earlier try has written under other keys is
    handed to the queue of deletes. None when the photo is not ours any more."""
    keys = {"storage_key": picture.key, "thumbnail_key": thumbnail.key if thumbnail else None}
    named = update(_photos).where(*_claimed(photo)).values(keys).returning(_photos)
    mine = session.execute(named).one_or_none()
    if mine is not None:
        _owe(session, photo, {photo.storage_key, photo.thumbnail_key} - set(keys.values()), now=now)
    return mine


def finish(session: Session, photo: Row[Any], kept: Kept, *, now: datetime) -> bool:
    """The objects are there: show the photo, and have the upload deleted. False when it was removed, or taken over by
    another worker, in the meantime; then what was written is deleted again, unless the photo is kept there."""
    held = kept.size + kept.thumbnail_size
    values = {
        "state": PhotoState.STORED,
        "mime": kept.mime,
        "size": kept.size,
        "kept_sha256": kept.sha256,
        "width": kept.width,
        "height": kept.height,
        "taken_at": kept.taken_at,
        "upload_key": None,
        "held_bytes": held,
        "attempts": 0,
        "next_attempt_at": None,
        "last_error": None,
    }
    finished = update(_photos).where(*_claimed(photo)).values(values).returning(_photos.c.id)
    if session.scalar(finished) is None:
        _owe(session, photo, {photo.storage_key, photo.thumbnail_key} - _named_by_now(session, photo), now=now)
        return False
    quota.add(session, photo.org_id, photo.backend, held - photo.held_bytes)
    _owe(session, photo, {photo.upload_key}, now=now)
    return True


def reject(session: Session, photo: Row[Any], code: str, *, now: datetime) -> None:
    """The file is no photo after all: nothing of it is kept, and the row tells for a day why."""
    mine = session.execute(select(_photos).where(*_claimed(photo)).with_for_update()).one_or_none()
    if mine is None:
        return
    values = {
        "state": PhotoState.REJECTED,
        "rejection": code,
        "upload_key": None,
        "storage_key": None,
        "thumbnail_key": None,
        "held_bytes": 0,
        "next_attempt_at": now + REJECTED_SHOWN,
    }
    session.execute(update(_photos).where(*_claimed(photo)).values(values))
    order_photos.owe_now(session, mine, now=now)  # as the row is by now: this try may have named objects
    actor = system(photo.org_id, "order_photos.process")
    audit.record(session, actor, "order_photos.reject", photo.id, now=now, after={"code": code})


def postpone(
    session: Session, photo: Row[Any], settings: Settings, refusal: Unavailable, *, counted: bool, now: datetime
) -> None:
    """The storage is away: tried again later. Not `counted`: as often as it takes, for the file is not to blame; the
    longer it has taken, the longer is the wait, up to an hour."""
    wait = backoff(photo.attempts, settings.storage_delete_retry_interval_seconds)
    if not counted:
        wait = max(wait, min((now - photo.created_at) / 4, LONGEST_BACKOFF))
    values = {
        "state": PhotoState.UPLOADED,
        "attempts": photo.attempts if counted else photo.attempts - 1,
        "next_attempt_at": now + wait,
        "last_error": refusal.detail,
    }
    session.execute(update(_photos).where(*_claimed(photo)).values(values))


def _named_by_now(session: Session, photo: Row[Any]) -> set[str | None]:
    """The keys that the photo's row names at the same backend, whoever has it."""
    column = _photos.c
    there = (column.org_id == photo.org_id, column.id == photo.id, column.backend == photo.backend)
    return set(session.execute(select(column.storage_key, column.thumbnail_key).where(*there)).one_or_none() or ())


def _owe(session: Session, photo: Row[Any], keys: set[str | None], *, now: datetime) -> None:
    """Have objects deleted that hold nothing of the quota."""
    due = now + PUBLISH_GRACE
    unwanted = [Unwanted(photo.org_id, photo.id, photo.backend, key, 0, due) for key in sorted(filter(None, keys))]
    storage_deletes.owe(session, unwanted)


def _claimed(photo: Row[Any]) -> tuple[Any, ...]:
    """Still claimed by who has claimed it then."""
    column = _photos.c
    return (
        column.org_id == photo.org_id,
        column.id == photo.id,
        column.state == PhotoState.PROCESSING,
        column.attempts == photo.attempts,
    )
