"""Rows of clients, as every file of this feature takes hold of them."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.orm import Session

from shared.clients.model import Client
from shared.core.actor import Actor
from shared.core.database_errors import conflict_on
from shared.core.errors import Conflict, NotFound, code, invalid_field
from shared.core.mail_addresses import spelled
from shared.core.orm import table_of

NOT_FOUND = code("clients.not_found", "No such client")
EMAIL_TAKEN = code("clients.email_taken", "A client with this e-mail address exists")
PHONE_TAKEN = code("clients.phone_taken", "A client with this phone number exists")
BAD_EMAIL = code("clients.bad_email", "This is not an e-mail address")
UNREACHABLE = code("clients.unreachable", "A client needs an e-mail address or a phone number")
MERGED = code("clients.merged", "The client was merged into another")
ERASED = code("clients.erased", "The client was erased")

conflict_on("uq_clients_org_id_email", EMAIL_TAKEN, "This organization has a client with this e-mail address.")
conflict_on("uq_clients_org_id_phone", PHONE_TAKEN, "This organization has a client with this phone number.")

clients = table_of(Client)
ONE = select(clients).where(clients.c.org_id == bindparam("org_id"), clients.c.id == bindparam("client_id"))
IS_ACTIVE = clients.c.merged_into_id.is_(None) & clients.c.erased_at.is_(None)
"""Neither merged nor erased: who can be worked for."""


def not_found() -> NotFound:
    return NotFound(NOT_FOUND, "There is no such client.")


def hold(session: Session, actor: Actor, client_id: UUID) -> Row[Any] | None:
    """The columns of a client for whom work can be written down; None for one that is unknown, merged or erased.

    Neither can happen to the client before the transaction ends; other changes can.
    """
    query = ONE.where(IS_ACTIVE).with_for_update(key_share=True, read=True)
    return session.execute(query, {"org_id": actor.org_id, "client_id": client_id}).one_or_none()


def lock(session: Session, actor: Actor, client_id: UUID) -> Row[Any]:
    """The client's columns, held for a change. Raises `NotFound`, or `Conflict` for one that was merged or erased."""
    query = ONE.with_for_update(key_share=True)
    client = session.execute(query, {"org_id": actor.org_id, "client_id": client_id}).one_or_none()
    if client is None:
        raise not_found()
    demand_active(client)
    return client


def demand_active(client: Row[Any]) -> None:
    """Raise `Conflict` for a client that was merged, with the one that it is part of now, or erased."""
    if client.erased_at is not None:
        raise Conflict(ERASED, "This client was erased and cannot be changed any more.")
    if client.merged_into_id is not None:
        detail = "This client was merged into another one. Use that one."
        raise Conflict(MERGED, detail, merged_into_id=str(client.merged_into_id))


def write(session: Session, actor: Actor, client_id: UUID, values: dict[str, Any]) -> Row[Any]:
    """Set columns of a client that the caller holds; its columns afterwards."""
    mine = (clients.c.org_id == actor.org_id, clients.c.id == client_id)
    return session.execute(update(clients).where(*mine).values(values).returning(clients)).one()


def spelled_address(email: str) -> str:
    """The e-mail address in its one spelling. Raises `Invalid`."""
    try:
        return spelled(email)
    except ValueError as error:
        raise invalid_field("/email", BAD_EMAIL, f"{email!r} {error}.") from None


def demand_reachable(email: str | None, phone: str | None) -> None:
    """Raise `Invalid` for a client whom nobody could reach."""
    if not (email or phone):
        raise invalid_field("/email", UNREACHABLE, "Give an e-mail address or a phone number, or both.")
