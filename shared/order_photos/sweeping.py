"""What a crash, a lost message or a slow storage has left of photos: healed, in batches."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, select, update
from sqlalchemy.orm import Session

from shared.core import jobs
from shared.core.orm import Reader, table_of
from shared.core.outbox import PUBLISH_GRACE
from shared.order_photos import moving, processing
from shared.order_photos import service as order_photos
from shared.order_photos.jobs import MOVE, PROCESS
from shared.order_photos.model import OrderPhoto, PhotoState
from shared.order_photos.rules import UNDECODABLE

BATCH = 50

_photos = table_of(OrderPhoto)


def sweep(session: Session, *, now: datetime) -> dict[str, int]:
    """Take up to 50 photos whose time has come, oldest first: give up uploads that never ended, bring back those whose
    message or worker was lost, reject what kills its worker, or no longer move it, forget what was rejected. Returns
    counts."""
    due = select(_photos).where(_photos.c.next_attempt_at <= now).order_by(_photos.c.next_attempt_at).limit(BATCH)
    counts = {"given_up": 0, "requeued": 0, "rejected": 0, "forgotten": 0}
    for photo in session.execute(due.with_for_update(skip_locked=True)).all():
        counts[_heal(session, photo, now=now)] += 1
    return counts


def give_up_uploads(session: Session, *, now: datetime, limit: int) -> int:
    """Give up to `limit` uploads up that never ended, oldest first. Returns how many."""
    due = select(_photos).where(*_is_abandoned(now)).order_by(_photos.c.next_attempt_at).limit(limit)
    photos = session.execute(due.with_for_update(skip_locked=True)).all()
    for photo in photos:
        _heal(session, photo, now=now)
    return len(photos)


def count_abandoned(session: Reader, *, now: datetime) -> int:
    """How many uploads `give_up_uploads` would give up."""
    return int(session.scalar(select(func.count()).select_from(_photos).where(*_is_abandoned(now))) or 0)


def _is_abandoned(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return _photos.c.state == PhotoState.UPLOADING, _photos.c.next_attempt_at <= now


def _heal(session: Session, photo: Row[Any], *, now: datetime) -> str:
    """Do what one photo needs. Returns under which name it is counted."""
    if photo.state in {PhotoState.UPLOADING, PhotoState.REJECTED}:
        session.execute(delete(_photos).where(_photos.c.org_id == photo.org_id, _photos.c.id == photo.id))
        order_photos.owe_now(session, photo, now=now)
        return "given_up" if photo.state == PhotoState.UPLOADING else "forgotten"
    if photo.state == PhotoState.PROCESSING and photo.attempts >= processing.MOST_ATTEMPTS:
        processing.reject(session, photo, UNDECODABLE, now=now)
        return "rejected"
    if photo.state == PhotoState.STORED and photo.attempts >= moving.MOST_ATTEMPTS:
        moving.give_up_lost(session, photo)
        return "given_up"
    values: dict[str, Any] = {"next_attempt_at": now + PUBLISH_GRACE}
    job = MOVE
    if photo.state != PhotoState.STORED:
        job, values["state"] = PROCESS, PhotoState.UPLOADED
    session.execute(update(_photos).where(_photos.c.org_id == photo.org_id, _photos.c.id == photo.id).values(values))
    jobs.enqueue(session, job, org_id=photo.org_id, photo_id=photo.id)
    return "requeued"
