"""Orders of two clients who turn out to be one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from shared.core.actor import Actor
from shared.core.orm import table_of
from shared.orders.model import Order

_orders = table_of(Order)


def move_client(session: Session, actor: Actor, from_id: UUID, to_id: UUID, *, now: datetime) -> None:
    """Give the orders of one client to another. The caller holds both clients, and writes the audit log."""
    theirs = update(_orders).where(_orders.c.org_id == actor.org_id, _orders.c.client_id == from_id)
    session.execute(theirs.values(client_id=to_id, version=_orders.c.version + 1, updated_at=now))
