from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, select, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core import jobs
from shared.core.actor import Actor
from shared.core.database_errors import conflict_on
from shared.core.errors import Conflict, NotFound, code
from shared.core.ids import new_id
from shared.core.orm import Reader, table_of
from shared.core.outbox import PUBLISH_GRACE, backoff, claiming, lock_due
from shared.core.settings import Settings
from shared.order_photos.images import Upload
from shared.order_photos.jobs import PURGE
from shared.order_photos.model import OrderPhoto, PhotoPhase, PhotoState
from shared.orders import service as orders

NOT_FOUND = code("order_photos.not_found", "No such photo")
DUPLICATE = code("order_photos.duplicate", "This photo is already attached to the order")
CONSENT_REQUIRED = code("order_photos.consent_required", "The client has not agreed to photos")
UPLOAD_EXPIRED = code("order_photos.upload_expired", "The upload took too long")

ALREADY_ATTACHED = "The same file is already attached to this order."
conflict_on("uq_order_photos_content", DUPLICATE, ALREADY_ATTACHED)

_photos = table_of(OrderPhoto)
_SAME_FILE = select(_photos.c.id).where(
    _photos.c.org_id == bindparam("org_id"),
    _photos.c.order_id == bindparam("order_id"),
    _photos.c.sha256 == bindparam("sha256"),
    _photos.c.state == PhotoState.STORED,
)

_CLAIM = claiming(_photos, waiting=PhotoState.DELETING, working=PhotoState.PURGING)

PURGE_LEASE = timedelta(minutes=2)
"""How long a worker has for deleting one object before the sweep gives it to another: the hard time limit of a task."""

UPLOAD_PATIENCE = timedelta(hours=1)
"""After this an upload is given up. Far above any request and storage time-out, or an object could arrive after its row
has gone."""


def reserve(
    session: Session,
    actor: Actor,
    order_id: UUID,
    upload: Upload,
    backend: str,
    *,
    phase: PhotoPhase,
    caption: str,
    consent_override: str | None,
    now: datetime,
) -> OrderPhoto:
    """Write the row that names the object to come. Raises `NotFound` for the order, `Conflict` for a file that is there
    already or a missing consent (dispatch may override that with a reason, which is audited)."""
    order = orders.get(session, actor, order_id)
    if not (order.photo_consent or consent_override):
        raise Conflict(CONSENT_REQUIRED, "The client has not agreed to photos. Give a reason to upload all the same.")
    if session.scalar(_SAME_FILE, {"org_id": actor.org_id, "order_id": order_id, "sha256": upload.sha256}):
        raise Conflict(DUPLICATE, ALREADY_ATTACHED)  # spares the upload; `mark_stored` decides races
    photo_id = new_id()
    photo = OrderPhoto(
        org_id=actor.org_id,
        id=photo_id,
        order_id=order_id,
        phase=phase,
        caption=caption,
        mime=upload.mime,
        size=upload.size,
        sha256=upload.sha256,
        backend=backend,
        storage_key=f"orders/{actor.org_id}/{order_id}/{photo_id}.{upload.extension}",
        created_at=now,
        next_attempt_at=now + UPLOAD_PATIENCE,
    )
    session.add(photo)
    session.flush()
    noted = {"order_id": str(order_id), "phase": phase} | (
        {"consent_override": consent_override} if consent_override else {}
    )
    audit.record(session, actor, "order_photos.upload", photo_id, now=now, after=noted)
    return photo


def mark_stored(session: Session, actor: Actor, photo_id: UUID) -> OrderPhoto:
    """The object is in the storage. Raises `Conflict` when the same file was attached, or the upload given up, in the
    meantime."""
    mine = (OrderPhoto.org_id == actor.org_id, OrderPhoto.id == photo_id, OrderPhoto.state == PhotoState.UPLOADING)
    stored = update(OrderPhoto).where(*mine).values(state=PhotoState.STORED, next_attempt_at=None)
    photo: OrderPhoto | None = session.scalar(stored.returning(OrderPhoto))
    if photo is None:
        raise Conflict(UPLOAD_EXPIRED, "The upload took too long and was given up. Send it again.")
    return photo


def give_up(session: Session, actor: Actor, photo_id: UUID, *, now: datetime) -> None:
    """The object could not be stored: purge what may be there, now rather than in an hour."""
    mine = (OrderPhoto.org_id == actor.org_id, OrderPhoto.id == photo_id, OrderPhoto.state == PhotoState.UPLOADING)
    given_up = update(OrderPhoto).where(*mine).values(state=PhotoState.DELETING, next_attempt_at=now + PUBLISH_GRACE)
    if session.scalar(given_up.returning(OrderPhoto.id)):
        jobs.enqueue(session, PURGE, org_id=actor.org_id, photo_id=photo_id)


def list_for_order(session: Reader, actor: Actor, order_id: UUID) -> Sequence[Row[Any]]:
    """The stored photos of an order, oldest first. Raises `NotFound` for the order."""
    orders.get(session, actor, order_id)
    query = select(_photos).where(
        _photos.c.org_id == actor.org_id, _photos.c.order_id == order_id, _photos.c.state == PhotoState.STORED
    )
    return session.execute(query.order_by(_photos.c.id)).all()


def get(session: Reader, org_id: UUID, photo_id: UUID, *, order_id: UUID | None = None) -> Row[Any]:
    """A stored photo. Raises `NotFound`, also for one that is being deleted or belongs to another order."""
    photo = _find(session, org_id, photo_id)
    if photo is None or photo.state != PhotoState.STORED or order_id not in (None, photo.order_id):
        raise NotFound(NOT_FOUND, "There is no such photo.")
    return photo


def remove(session: Session, actor: Actor, order_id: UUID, photo_id: UUID, *, now: datetime) -> None:
    """Take the photo away from everyone at once; its object is deleted by the `storage` queue. Raises `NotFound`."""
    mine = (
        OrderPhoto.org_id == actor.org_id,
        OrderPhoto.id == photo_id,
        OrderPhoto.order_id == order_id,
        OrderPhoto.state == PhotoState.STORED,
    )
    removed = update(OrderPhoto).where(*mine).values(state=PhotoState.DELETING, next_attempt_at=now + PUBLISH_GRACE)
    if session.scalar(removed.returning(OrderPhoto.id)) is None:
        raise NotFound(NOT_FOUND, "There is no such photo.")
    audit.record(session, actor, "order_photos.remove", photo_id, now=now, before={"order_id": str(order_id)})
    jobs.enqueue(session, PURGE, org_id=actor.org_id, photo_id=photo_id)


def claim_for_purge(session: Session, org_id: UUID, photo_id: UUID, *, now: datetime) -> Row[Any] | None:
    """Take the photo for deleting its object; None when there is nothing to do. Counts the try before it is made, so
    that one which kills its worker ends as `stuck` too."""
    mine = {"of_org": org_id, "of_row": photo_id, "lease_until": now + PURGE_LEASE}
    return session.execute(_CLAIM, mine).one_or_none()


def forget(session: Session, org_id: UUID, photo_id: UUID) -> None:
    """The object is gone, so the row may go."""
    mine = (OrderPhoto.org_id == org_id, OrderPhoto.id == photo_id, OrderPhoto.state == PhotoState.PURGING)
    session.execute(delete(OrderPhoto).where(*mine))


def mark_undeleted(session: Session, photo: Row[Any], settings: Settings, error: str, *, now: datetime) -> None:
    """The storage did not delete the object. Tried again later; `stuck` when the tries are used up."""
    due = now + backoff(photo.attempts, settings.storage_delete_retry_interval_seconds)
    stuck = photo.attempts >= settings.storage_delete_max_attempts
    outcome = {"state": PhotoState.STUCK, "next_attempt_at": None} if stuck else {"next_attempt_at": due}
    mine = (
        OrderPhoto.org_id == photo.org_id,
        OrderPhoto.id == photo.id,
        OrderPhoto.state == PhotoState.PURGING,
        OrderPhoto.attempts == photo.attempts,
    )
    session.execute(update(OrderPhoto).where(*mine).values(last_error=error, **outcome))


def sweep(session: Session, settings: Settings, *, now: datetime) -> dict[str, int]:
    """Give up uploads that never ended, and enqueue deletes whose message or worker was lost. Returns counts."""
    counts = {"given_up": 0, "requeued": 0, "stuck": 0}
    owed = {PhotoState.UPLOADING, PhotoState.DELETING, PhotoState.PURGING}
    for photo in lock_due(session, OrderPhoto, owed, now=now, limit=settings.storage_delete_batch_size):
        if photo.state == PhotoState.PURGING and photo.attempts >= settings.storage_delete_max_attempts:
            photo.state, photo.next_attempt_at = PhotoState.STUCK, None
            photo.last_error = photo.last_error or "the worker died while deleting, every time"
            counts["stuck"] += 1
            continue
        counts["given_up" if photo.state == PhotoState.UPLOADING else "requeued"] += 1
        photo.state, photo.next_attempt_at = PhotoState.DELETING, now + PUBLISH_GRACE
        jobs.enqueue(session, PURGE, org_id=photo.org_id, photo_id=photo.id)
    return counts


def _find(session: Reader, org_id: UUID, photo_id: UUID) -> Row[Any] | None:
    mine = select(_photos).where(_photos.c.org_id == org_id, _photos.c.id == photo_id)
    return session.execute(mine).one_or_none()
