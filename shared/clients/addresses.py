"""The places where a client wants work done."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.clients import rows
from shared.clients import service as clients
from shared.clients.model import ClientAddress
from shared.core import pages
from shared.core.actor import Actor
from shared.core.errors import NotFound, code
from shared.core.ids import new_id
from shared.core.orm import Reader, table_of

NOT_FOUND = code("clients.address_not_found", "No such address")

_addresses = table_of(ClientAddress)
_address = _addresses.c


def create(
    session: Session,
    actor: Actor,
    client_id: UUID,
    *,
    label: str = "",
    address: str,
    postal_code: str = "",
    access_notes: str = "",
    now: datetime,
) -> Row[Any]:
    """Add a place. Raises `NotFound` for the client, `Conflict` for one that was merged or erased."""
    rows.lock(session, actor, client_id)
    values = {
        "org_id": actor.org_id,
        "id": new_id(),
        "client_id": client_id,
        "label": label,
        "address": address,
        "postal_code": postal_code,
        "access_notes": access_notes,
        "created_at": now,
        "updated_at": now,
    }
    added = session.execute(insert(_addresses).values(values).returning(_addresses)).one()
    _record(session, actor, "clients.add_address", added, now=now)
    return added


def list_page(session: Reader, actor: Actor, client_id: UUID, request: pages.PageRequest) -> pages.Page:
    """The client's places, the last added first. Raises `NotFound` for the client."""
    clients.get(session, actor, client_id)
    query = select(_addresses).where(_address.org_id == actor.org_id, _address.client_id == client_id)
    return pages.fetch_page(session, query, request, pages.by_id(_address.id))


def change(
    session: Session, actor: Actor, client_id: UUID, address_id: UUID, *, now: datetime, **changes: Any
) -> Row[Any]:
    """Change columns of a place. Raises `NotFound` for it or the client."""
    found = _lock(session, actor, client_id, address_id)
    changed = {name: value for name, value in changes.items() if value != getattr(found, name)}
    if not changed:
        return found
    changing = update(_addresses).where(*_mine(actor, client_id, address_id)).values(**changed, updated_at=now)
    after = session.execute(changing.returning(_addresses)).one()
    _record(session, actor, "clients.change_address", after, sorted(changed), now=now)
    return after


def remove(session: Session, actor: Actor, client_id: UUID, address_id: UUID, *, now: datetime) -> None:
    """Forget a place; orders keep their own copy of where they are. Raises `NotFound` for it or the client."""
    found = _lock(session, actor, client_id, address_id)
    session.execute(delete(_addresses).where(*_mine(actor, client_id, address_id)))
    _record(session, actor, "clients.remove_address", found, now=now)


def _mine(actor: Actor, client_id: UUID, address_id: UUID) -> tuple[Any, ...]:
    return _address.org_id == actor.org_id, _address.client_id == client_id, _address.id == address_id


def _lock(session: Session, actor: Actor, client_id: UUID, address_id: UUID) -> Row[Any]:
    query = select(_addresses).where(*_mine(actor, client_id, address_id)).with_for_update()
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound(NOT_FOUND, "This client has no such address.")
    return found


def _record(
    session: Session, actor: Actor, action: str, address: Row[Any], fields: list[str] | None = None, *, now: datetime
) -> None:
    after = {"client_address_id": str(address.id)} | ({"fields": fields} if fields else {})
    audit.record(session, actor, action, address.client_id, now=now, after=after)
