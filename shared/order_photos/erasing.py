"""Photos of a person who is forgotten."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, delete
from sqlalchemy.orm import Session

from shared.core.actor import Actor
from shared.core.orm import table_of
from shared.order_photos import service as order_photos
from shared.order_photos.model import OrderPhoto

_photos = table_of(OrderPhoto)


def remove_all(session: Session, actor: Actor, orders: Select[tuple[UUID]], *, now: datetime) -> int:
    """Take all photos of these orders away from everyone at once; their objects are deleted by the `storage` queue.
    Returns how many. The caller writes the audit log.

    An upload that is under way will not be stored; its object may still arrive, so it is deleted when it must be there.
    """
    theirs = (_photos.c.org_id == actor.org_id, _photos.c.order_id.in_(orders))
    removed = session.execute(delete(_photos).where(*theirs).returning(_photos)).all()
    order_photos.owe_objects(session, removed, now=now)
    return len(removed)
