from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.clients import finding, rows, searching
from shared.clients.model import Client
from shared.core import pages
from shared.core.actor import Actor
from shared.core.orm import Reader

NOT_FOUND = rows.NOT_FOUND
IS_ACTIVE = rows.IS_ACTIVE

hold, lock = rows.hold, rows.lock
matching = searching.matching
find_or_create = finding.find_or_create

_FOUND_BY = ("name", "email", "phone")


def create(
    session: Session,
    actor: Actor,
    *,
    name: str,
    email: str | None = None,
    phone: str | None = None,
    notes: str = "",
    access_notes: str = "",
    marketing_consent: bool = False,
    now: datetime,
) -> Client:
    """Add a client. `phone` is in E.164.

    Raises `Invalid` without e-mail address and phone, `Conflict` when one of them is known.
    """
    address = email and rows.spelled_address(email)
    rows.demand_reachable(address, phone)
    client = Client(
        org_id=actor.org_id,
        name=name,
        email=address,
        phone=phone,
        notes=notes,
        access_notes=access_notes,
        marketing_consent_at=now if marketing_consent else None,
        merged_into_id=None,
        erased_at=None,
        legal_hold_at=None,
        created_at=now,
        updated_at=now,
    )
    session.add(client)
    session.flush()
    searching.add_terms(session, actor, client)
    audit.record(session, actor, "clients.create", client.id, now=now)
    return client


def get(session: Reader, actor: Actor, client_id: UUID) -> Row[Any]:
    """One client's columns, also of one that was merged or erased. Raises `NotFound`."""
    found = session.execute(rows.ONE, {"org_id": actor.org_id, "client_id": client_id}).one_or_none()
    if found is None:
        raise rows.not_found()
    return found


def list_page(
    session: Reader,
    actor: Actor,
    request: pages.PageRequest,
    *,
    q: str | None = None,
    email: str | None = None,
    phone: str | None = None,
) -> pages.Page:
    """Clients, newest first, without those who were merged or erased. `q` is looked for as `matching` says."""
    client = rows.clients.c
    query = select(rows.clients).where(client.org_id == actor.org_id, IS_ACTIVE)
    if q is not None:
        query = query.where(client.id.in_(matching(actor, q)))
    if email is not None:
        address = rows.spelled_address(email).lower()
        query = query.where(client.id.in_(searching.with_address(actor, address)), func.lower(client.email) == address)
    if phone is not None:
        query = query.where(client.phone == phone)
    return pages.fetch_page(session, query, request, pages.by_id(client.id))


def change(
    session: Session,
    actor: Actor,
    client_id: UUID,
    *,
    marketing_consent: bool | None = None,
    now: datetime,
    **changes: Any,
) -> Row[Any]:
    """Change columns of a client; consent that was given keeps the time when it was given.

    Raises `NotFound`, `Invalid` when neither e-mail address nor phone would be left, `Conflict` when one of them is
    known or the client was merged or erased.
    """
    client = rows.lock(session, actor, client_id)
    if changes.get("email"):
        changes["email"] = rows.spelled_address(changes["email"])
    if marketing_consent is not None and marketing_consent != (client.marketing_consent_at is not None):
        changes["marketing_consent_at"] = now if marketing_consent else None
    changed = {name: value for name, value in changes.items() if value != getattr(client, name)}
    if not changed:
        return client
    rows.demand_reachable(changed.get("email", client.email), changed.get("phone", client.phone))
    after = rows.write(session, actor, client_id, changed | {"updated_at": now})
    if changed.keys() & set(_FOUND_BY):
        searching.forget_terms(session, actor, [client_id])
        searching.add_terms(session, actor, after)
    audit.record(session, actor, "clients.change", client_id, now=now, after={"fields": sorted(changed)})
    return after
