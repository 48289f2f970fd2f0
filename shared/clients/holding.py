"""Legal hold: while somebody may need what is held on a client as proof, nothing of it is removed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.clients import rows
from shared.core.actor import Actor
from shared.core.locks import queue_up

LOCK = "legal_hold"
"""Whoever removes things shares this lock of the organization: when a hold is placed, nothing is on its way out."""


def place(session: Session, actor: Actor, client_id: UUID, *, now: datetime) -> Row[Any]:
    """Keep what is held on the client, also when its time is over. Again is harmless: the first time stays.

    Raises `NotFound`, or `Conflict` for one that was merged or erased.
    """
    wait_for_removals(session, actor)
    client = rows.lock(session, actor, client_id)
    if client.legal_hold_at is not None:
        return client
    audit.record(session, actor, "clients.hold", client_id, now=now)
    return rows.write(session, actor, client_id, {"legal_hold_at": now, "updated_at": now})


def release(session: Session, actor: Actor, client_id: UUID, *, now: datetime) -> Row[Any]:
    """Let time go on for the client, and for everybody who was merged into it. Again is harmless.

    Raises `NotFound`, or `Conflict` for one that was merged or erased.
    """
    client = rows.lock(session, actor, client_id)
    column = rows.clients.c
    merged = (column.org_id == actor.org_id, column.merged_into_id == client_id, column.legal_hold_at.is_not(None))
    others = session.scalars(update(rows.clients).where(*merged).values(legal_hold_at=None).returning(column.id)).all()
    if client.legal_hold_at is None and not others:
        return client
    audit.record(session, actor, "clients.release", client_id, now=now)
    return rows.write(session, actor, client_id, {"legal_hold_at": None, "updated_at": now})


def joined(kept: Row[Any], gone: Row[Any]) -> datetime | None:
    """Since when two clients who become one are under hold: the first time of either."""
    return min((row.legal_hold_at for row in (kept, gone) if row.legal_hold_at is not None), default=None)


def wait_for_removals(session: Session, actor: Actor) -> None:
    """Let who is removing something of the organization end first, and nobody begin before this transaction ends."""
    queue_up(session, LOCK, actor.org_id)
