"""Rows of leads, as every file of this feature takes hold of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.orm import Session

from shared.core.actor import Actor
from shared.core.errors import Conflict, NotFound, code
from shared.core.orm import table_of
from shared.leads.model import Lead

NOT_FOUND = code("leads.not_found", "No such lead")
ERASED = code("leads.erased", "The lead was erased")

leads = table_of(Lead)
ONE = select(leads).where(leads.c.org_id == bindparam("org_id"), leads.c.id == bindparam("lead_id"))


def not_found() -> NotFound:
    return NotFound(NOT_FOUND, "There is no such lead.")


def lock(session: Session, actor: Actor, lead_id: UUID) -> Row[Any]:
    """One lead's columns, held until the end. Raises `NotFound`, or `Conflict` for an erased one."""
    query = ONE.with_for_update()
    lead = session.execute(query, {"org_id": actor.org_id, "lead_id": lead_id}).one_or_none()
    if lead is None:
        raise not_found()
    if lead.erased_at is not None:
        raise Conflict(ERASED, "This lead was erased and cannot be changed any more.")
    return lead


def write(session: Session, actor: Actor, lead_id: UUID, values: dict[str, Any], *, now: datetime) -> Row[Any]:
    """Set columns of a lead that the caller holds; its columns afterwards."""
    mine = (leads.c.org_id == actor.org_id, leads.c.id == lead_id)
    return session.execute(update(leads).where(*mine).values(**values, updated_at=now).returning(leads)).one()
