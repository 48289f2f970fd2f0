from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, delete, exists, or_, select
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core.actor import Actor
from shared.core.errors import NotFound, code
from shared.core.orm import Reader, table_of
from shared.core.outbox import PUBLISH_GRACE
from shared.core.permissions import Role
from shared.crews.model import Worker
from shared.order_photos.model import SHOWN, OrderPhoto, PhotoState
from shared.orders import service as orders
from shared.orders.model import OrderWorker
from shared.storage_deletes import service as storage_deletes
from shared.storage_deletes.service import Unwanted

NOT_FOUND = code("order_photos.not_found", "No such photo")

_photos = table_of(OrderPhoto)
_workers = table_of(Worker)
_assigned = table_of(OrderWorker)


def order_of(session: Reader, actor: Actor, order_id: UUID) -> Row[Any]:
    """The order whose photos `actor` wants to see or add to. Raises `NotFound`, for a worker also when neither they nor
    their team is assigned to it."""
    order = orders.get(session, actor, order_id)
    if actor.role == Role.WORKER and not session.scalar(_sent_there(actor, order)):
        raise NotFound(orders.NOT_FOUND, "There is no such order.")
    return order


def _sent_there(actor: Actor, order: Row[Any]) -> Any:
    worker = _workers.c
    sent = exists().where(
        _assigned.c.org_id == worker.org_id, _assigned.c.worker_id == worker.id, _assigned.c.order_id == order.id
    )
    me = (worker.org_id == actor.org_id, worker.user_id == actor.user_id, worker.is_active)
    in_team = and_(worker.team_id.is_not(None), worker.team_id == order.team_id)  # none is no team in common
    return select(exists(select(worker.id).where(*me, or_(sent, in_team))))


def list_for_order(session: Reader, actor: Actor, order_id: UUID) -> Sequence[Row[Any]]:
    """The photos of an order, oldest first, with those on their way. Raises `NotFound` for the order."""
    order_of(session, actor, order_id)
    query = select(_photos).where(
        _photos.c.org_id == actor.org_id, _photos.c.order_id == order_id, _photos.c.state.in_(SHOWN)
    )
    return session.execute(query.order_by(_photos.c.id)).all()


def get(session: Reader, actor: Actor, order_id: UUID, photo_id: UUID) -> Row[Any]:
    """A photo of an order, also one on its way or rejected. Raises `NotFound`."""
    order_of(session, actor, order_id)
    photo = find(session, actor.org_id, photo_id)
    if photo is None or photo.order_id != order_id or photo.state not in SHOWN:
        raise _not_found()
    return photo


def get_stored(session: Reader, org_id: UUID, photo_id: UUID) -> Row[Any]:
    """A photo whose file can be opened. Raises `NotFound`."""
    photo = find(session, org_id, photo_id)
    if photo is None or photo.state != PhotoState.STORED:
        raise _not_found()
    return photo


def find(session: Reader, org_id: UUID, photo_id: UUID) -> Row[Any] | None:
    """One photo's columns in whatever state, or None."""
    mine = select(_photos).where(_photos.c.org_id == org_id, _photos.c.id == photo_id)
    return session.execute(mine).one_or_none()


def remove(session: Session, actor: Actor, order_id: UUID, photo_id: UUID, *, now: datetime) -> None:
    """Take the photo away from everyone at once; its objects are deleted by the `storage` queue. Raises `NotFound`."""
    photo = _photos.c
    mine = (photo.org_id == actor.org_id, photo.id == photo_id, photo.order_id == order_id, photo.state.in_(SHOWN))
    removed = session.execute(delete(_photos).where(*mine).returning(_photos)).one_or_none()
    if removed is None:
        raise _not_found()
    audit.record(session, actor, "order_photos.remove", photo_id, now=now, before={"order_id": str(order_id)})
    owe_objects(session, [removed], now=now)


def owe_objects(session: Session, photos: Iterable[Row[Any]], *, now: datetime) -> None:
    """Hand the objects of photos that are no more to the queue of deletes. What somebody may still be writing, who has
    reserved or claimed the photo, is deleted when it must be there."""
    unwanted = []
    for photo in photos:
        busy = photo.state in {PhotoState.UPLOADING, PhotoState.PROCESSING}
        due = max(now, photo.next_attempt_at) if busy else now
        unwanted += [
            Unwanted(photo.org_id, photo.id, photo.backend, key, held, due + PUBLISH_GRACE)
            for key, held in objects_of(photo).items()
        ]
    storage_deletes.owe(session, unwanted)


def owe_now(session: Session, photo: Row[Any], *, now: datetime) -> None:
    """The same for a photo that nobody is writing at any more: its objects go at once."""
    due = now + PUBLISH_GRACE
    held = objects_of(photo).items()
    unwanted = [Unwanted(photo.org_id, photo.id, photo.backend, key, size, due) for key, size in held]
    storage_deletes.owe(session, unwanted)


def objects_of(photo: Row[Any]) -> Mapping[str, int]:
    """The keys of a photo's objects; what the photo holds of the quota is said of the first."""
    keys = [key for key in (photo.upload_key, photo.storage_key, photo.thumbnail_key) if key]
    return {key: photo.held_bytes if key == keys[0] else 0 for key in keys}


def _not_found() -> NotFound:
    return NotFound(NOT_FOUND, "There is no such photo.")
