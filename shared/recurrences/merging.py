"""Recurrences of two clients who turn out to be one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from shared.core.actor import Actor
from shared.core.orm import table_of
from shared.recurrences.model import Recurrence

_recurrences = table_of(Recurrence)


def move_client(session: Session, actor: Actor, from_id: UUID, to_id: UUID, *, now: datetime) -> None:
    """Give the recurrences of one client to another. The caller holds both clients, and writes the audit log."""
    theirs = update(_recurrences).where(_recurrences.c.org_id == actor.org_id, _recurrences.c.client_id == from_id)
    session.execute(theirs.values(client_id=to_id, updated_at=now))
