"""The client behind an e-mail address or a phone number that somebody gave: a booking, or a lead that orders."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.clients import rows, searching
from shared.core.actor import Actor
from shared.core.database_errors import DATABASE_BUSY
from shared.core.errors import Unavailable
from shared.core.ids import new_id

_TRIES = 3
"""Another transaction may add, merge or erase the same client in between, hardly ever twice."""

_client = rows.clients.c


def find_or_create(
    session: Session, actor: Actor, *, name: str, email: str | None, phone: str | None, now: datetime
) -> Row[Any]:
    """The active client with this e-mail address, or else with this phone number (E.164), or else a new one. Held, so
    that it is neither merged nor erased before the transaction ends.

    A client who is there is left as it is, gaps as well: whoever knows a phone number could otherwise have the mails
    about its owner sent to themselves. Raises `Invalid` without e-mail address and phone.
    """
    address = email and rows.spelled_address(email)
    rows.demand_reachable(address, phone)
    for _ in range(_TRIES):
        found = _find(session, actor, address, phone) or _add(session, actor, name, address, phone, now=now)
        if found is not None:
            return found
    raise Unavailable(DATABASE_BUSY, "The database gave up waiting. Try again in a moment.")


def _find(session: Session, actor: Actor, email: str | None, phone: str | None) -> Row[Any] | None:
    by_email, by_phone = searching.with_address(actor, email or ""), _client.phone == (phone or "")
    is_address = func.lower(_client.email) == (email or "").lower()
    found = union_all(by_email, select(_client.id).where(_client.org_id == actor.org_id, by_phone))
    query = (
        select(rows.clients)
        .where(
            _client.org_id == actor.org_id,
            _client.id.in_(found),
            is_address | by_phone,
            rows.IS_ACTIVE,
        )
        .order_by(func.coalesce(is_address, False).desc())
        .limit(1)
        .with_for_update(key_share=True, read=True)
    )
    return session.execute(query).one_or_none()


def _add(
    session: Session, actor: Actor, name: str, email: str | None, phone: str | None, *, now: datetime
) -> Row[Any] | None:
    """The new client; None when somebody else has added one with the address or the number in the meantime."""
    values = {
        "org_id": actor.org_id,
        "id": new_id(),
        "name": name,
        "email": email,
        "phone": phone,
        "created_at": now,
        "updated_at": now,
    }
    adding = insert(rows.clients).values(values).on_conflict_do_nothing().returning(rows.clients)
    client = session.execute(adding).one_or_none()
    if client is not None:
        searching.add_terms(session, actor, client)
        audit.record(session, actor, "clients.create", client.id, now=now)
    return client
