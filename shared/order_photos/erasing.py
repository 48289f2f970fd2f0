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

MOST_ENQUEUED = 200
"""Deletes that are asked for at once; the sweep brings the rest, in batches."""

_photos = table_of(OrderPhoto)


def remove_all(session: Session, actor: Actor, orders: Select[tuple[UUID]], *, now: datetime) -> int:
    """Take all photos of these orders away from everyone at once, uploads that are under way included; their objects
    are deleted by the `storage` queue. Returns how many. The caller writes the audit log."""
    photo = _photos.c
    theirs = (photo.org_id == actor.org_id, photo.order_id.in_(orders))
    visible = photo.state.in_([PhotoState.STORED, PhotoState.UPLOADING])
    removing = (
        update(_photos).where(*theirs, visible).values(state=PhotoState.DELETING, next_attempt_at=now + PUBLISH_GRACE)
    )
    removed = list(session.execute(removing.returning(photo.id)).scalars())
    for photo_id in removed[:MOST_ENQUEUED]:
        jobs.enqueue(session, PURGE, org_id=actor.org_id, photo_id=photo_id)
    session.execute(update(_photos).where(*theirs).values(caption=""))
    return len(removed)
