from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.clients.model import Client
from shared.core import pages
from shared.core.actor import Actor
from shared.core.database_errors import conflict_on
from shared.core.errors import NotFound, code
from shared.core.orm import Reader, table_of

NOT_FOUND = code("clients.not_found", "No such client")
EMAIL_TAKEN = code("clients.email_taken", "A client with this e-mail address exists")

conflict_on("uq_clients_org_id_email", EMAIL_TAKEN, "This organization has a client with this e-mail address.")


_clients = table_of(Client)
_ONE = select(_clients).where(_clients.c.org_id == bindparam("org_id"), _clients.c.id == bindparam("client_id"))


def create(session: Session, actor: Actor, *, name: str, email: str, phone: str | None = None, now: datetime) -> Client:
    """Add a client. Raises `Conflict` when the e-mail address is known."""
    client = Client(org_id=actor.org_id, name=name, email=email, phone=phone, created_at=now)
    session.add(client)
    session.flush()
    audit.record(session, actor, "clients.create", client.id, now=now)
    return client


def get(session: Reader, actor: Actor, client_id: UUID) -> Row[Any]:
    """One client's columns. Raises `NotFound`."""
    found = session.execute(_ONE, {"org_id": actor.org_id, "client_id": client_id}).one_or_none()
    if found is None:
        raise NotFound(NOT_FOUND, "There is no such client.")
    return found


def list_page(session: Reader, actor: Actor, request: pages.PageRequest) -> pages.Page:
    """Clients, newest first."""
    query = select(_clients).where(_clients.c.org_id == actor.org_id)
    return pages.fetch_page(session, query, request, pages.by_id(_clients.c.id))
