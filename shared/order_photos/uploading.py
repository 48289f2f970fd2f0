"""A photo on its way in: reserved before its file is written, handed to a worker when it is there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.clients import rows as clients
from shared.core import jobs
from shared.core.actor import Actor
from shared.core.database_errors import conflict_on
from shared.core.errors import Conflict, code
from shared.core.ids import new_id
from shared.core.orm import table_of
from shared.core.outbox import PUBLISH_GRACE
from shared.core.permissions import Permission
from shared.integrations.storage import Slot
from shared.order_photos import quota
from shared.order_photos import service as order_photos
from shared.order_photos.jobs import PROCESS
from shared.order_photos.model import ATTACHED, OrderPhoto, PhotoPhase, PhotoState
from shared.storage_deletes.service import WRITING_PATIENCE

DUPLICATE = code("order_photos.duplicate", "This photo is already attached to the order")
CONSENT_REQUIRED = code("order_photos.consent_required", "The client has not agreed to photos")
TOO_MANY = code("order_photos.too_many", "The order has as many photos as an order may have")
UPLOAD_EXPIRED = code("order_photos.upload_expired", "The upload took too long")

MOST_PHOTOS = 500
"""Of one order: they are listed in one answer, each with two signed links."""

ALREADY_ATTACHED = "The same file is already attached to this order."
conflict_on("uq_order_photos_content", DUPLICATE, ALREADY_ATTACHED)

_photos = table_of(OrderPhoto)
_ATTACHED = select(_photos.c.id).where(
    _photos.c.org_id == bindparam("org_id"),
    _photos.c.order_id == bindparam("order_id"),
    _photos.c.state.in_(ATTACHED),
)
_SAME_AND_ALL = select(
    _ATTACHED.where(_photos.c.sha256 == bindparam("sha256")).scalar_subquery().label("same"),
    select(func.count()).select_from(_ATTACHED.subquery()).scalar_subquery().label("number"),
)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has been looked at, and the photo it is to become: its type by content, `size` in bytes, the SHA-256
    of its content."""

    photo_id: UUID
    mime: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller says about a photo."""

    phase: PhotoPhase
    caption: str = ""
    consent_override: str | None = None


def key_of(org_id: UUID, order_id: UUID, photo_id: UUID, ending: str) -> str:
    """Where an object is kept: identifiers only, nothing that a stranger has typed."""
    return f"orders/{org_id}/{order_id}/{photo_id}.{ending}"


def reserve(
    session: Session,
    actor: Actor,
    order_id: UUID,
    upload: Upload,
    wanted: Wanted,
    *,
    place: tuple[str, Slot],
    limit: int,
    now: datetime,
) -> None:
    """Write the row that names the object to come, at `place` (backend and slot), and count its bytes.

    Raises `NotFound` for the order; `Conflict` for a client who was erased, for a file that is there already
    (`photo_id` says which), for a missing consent (dispatch may override that with a reason), for one photo too many,
    and when the quota of `limit` bytes is used up.
    """
    order = order_photos.order_of(session, actor, order_id)
    _demand_not_erased(session, actor, order.client_id)
    may_override = wanted.consent_override and actor.may(Permission.ORDER_PHOTOS_WRITE)
    if not (order.photo_consent or may_override):
        raise Conflict(CONSENT_REQUIRED, "The client has not agreed to photos. Dispatch may give a reason to add one.")
    there = {"org_id": actor.org_id, "order_id": order_id, "sha256": upload.sha256}
    found = session.execute(_SAME_AND_ALL, there).one()
    if found.same:
        raise Conflict(DUPLICATE, ALREADY_ATTACHED, photo_id=str(found.same))  # `mark_uploaded` decides races
    if found.number >= MOST_PHOTOS:
        raise Conflict(TOO_MANY, f"An order has at most {MOST_PHOTOS} photos.")
    backend, slot = place
    quota.take(session, actor.org_id, backend, upload.size, limit=limit)
    photo = OrderPhoto(
        org_id=actor.org_id,
        id=upload.photo_id,
        order_id=order_id,
        phase=wanted.phase,
        caption=wanted.caption,
        consent_override=None if order.photo_consent else wanted.consent_override,
        mime=upload.mime,
        size=upload.size,
        sha256=upload.sha256,
        backend=backend,
        upload_key=slot.key,
        held_bytes=upload.size,
        created_at=now,
        next_attempt_at=now + WRITING_PATIENCE,
    )
    session.add(photo)
    session.flush()
    noted = {"order_id": str(order_id), "phase": wanted.phase, "consent_overridden": not order.photo_consent}
    audit.record(session, actor, "order_photos.upload", upload.photo_id, now=now, after=noted)


def mark_uploaded(session: Session, actor: Actor, photo_id: UUID, *, now: datetime) -> Row[Any]:
    """The object is in the storage; a worker takes it from here. Raises `Conflict` when the same file was attached, or
    the upload given up, in the meantime."""
    values = {"state": PhotoState.UPLOADED, "next_attempt_at": now + PUBLISH_GRACE}
    uploaded = update(_photos).where(*_mine(actor, photo_id)).values(values).returning(_photos)
    photo = session.execute(uploaded).one_or_none()
    if photo is None:
        raise Conflict(UPLOAD_EXPIRED, "The upload took too long and was given up. Send it again.")
    jobs.enqueue(session, PROCESS, org_id=actor.org_id, photo_id=photo_id)
    return photo


def give_up(session: Session, actor: Actor, photo_id: UUID, *, now: datetime) -> None:
    """The object could not be stored: delete what may be there, now rather than in an hour. The caller has stopped
    writing it."""
    given_up = session.execute(delete(_photos).where(*_mine(actor, photo_id)).returning(_photos)).one_or_none()
    if given_up is not None:
        order_photos.owe_now(session, given_up, now=now)


def new_photo_id() -> UUID:
    """The identifier of a photo to come, of which its keys are made."""
    return new_id()


def _demand_not_erased(session: Session, actor: Actor, client_id: UUID) -> None:
    """Hold the client until the photo is written down: who erases them meanwhile waits, and finds it."""
    mine = {"org_id": actor.org_id, "client_id": client_id}
    client = session.execute(clients.ONE.with_for_update(key_share=True, read=True), mine).one()
    if client.erased_at is not None:
        raise Conflict(clients.ERASED, "The client was erased. Nothing is added to their orders.")


def _mine(actor: Actor, photo_id: UUID) -> tuple[Any, ...]:
    photo = _photos.c
    return photo.org_id == actor.org_id, photo.id == photo_id, photo.state == PhotoState.UPLOADING
