"""Photos of a person who is forgotten."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, update
from sqlalchemy.orm import Session

from shared.core import jobs
from shared.core.actor import Actor
from shared.core.orm import table_of
from shared.core.outbox import PUBLISH_GRACE
from shared.order_photos.jobs import PURGE
from shared.order_photos.model import OrderPhoto, PhotoState
from shared.order_photos.service import UPLOAD_PATIENCE

MOST_ENQUEUED = 200
"""Deletes that are asked for at once; the sweep brings the rest, in batches."""

_photos = table_of(OrderPhoto)


def remove_all(session: Session, actor: Actor, orders: Select[tuple[UUID]], *, now: datetime) -> int:
    """Take all photos of these orders away from everyone at once; their objects are deleted by the `storage` queue.
    Returns how many. The caller writes the audit log.

    An upload that is under way will not be stored; its object may still arrive, so it is deleted when it must be there.
    """
    photo = _photos.c
    theirs = (photo.org_id == actor.org_id, photo.order_id.in_(orders))
    due = {PhotoState.STORED: now + PUBLISH_GRACE, PhotoState.UPLOADING: now + UPLOAD_PATIENCE}
    removed: list[UUID] = []
    for state, at in due.items():
        removing = update(_photos).where(*theirs, photo.state == state)
        removing = removing.values(state=PhotoState.DELETING, next_attempt_at=at)
        gone = list(session.execute(removing.returning(photo.id)).scalars())
        removed += gone
        for photo_id in gone[:MOST_ENQUEUED] if state == PhotoState.STORED else ():
            jobs.enqueue(session, PURGE, org_id=actor.org_id, photo_id=photo_id)
    session.execute(update(_photos).where(*theirs).values(caption=""))
    return len(removed)
