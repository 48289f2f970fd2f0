"""Two clients who turn out to be one. What other features keep about them is moved by the caller, in the same
transaction."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.clients import holding, rows, searching
from shared.clients.model import ClientAddress
from shared.core.actor import Actor
from shared.core.errors import Conflict, code, invalid_field
from shared.core.orm import table_of

WITH_ITSELF = code("clients.merge_with_itself", "A client cannot be merged into itself")
UNKNOWN = code("clients.unknown_client", "No such client")

_addresses = table_of(ClientAddress)


def lock_both(session: Session, actor: Actor, client_id: UUID, other_id: UUID) -> tuple[Row[Any], Row[Any]]:
    """The one that stays and the one that disappears, held until the end. Always locked in the order of their
    identifiers, so that two merges that cross each other wait and do not deadlock.

    Raises `NotFound`, `Invalid` for an unknown other one, `Conflict` when they are the same or one of them was merged
    or erased before.
    """
    holding.wait_for_removals(session, actor)  # one may be under hold: then what belongs to the other is, too
    client = rows.clients.c
    query = select(rows.clients).where(client.org_id == actor.org_id, client.id.in_([client_id, other_id]))
    found = {row.id: row for row in session.execute(query.order_by(client.id).with_for_update())}
    if client_id not in found:
        raise rows.not_found()
    if other_id not in found:
        raise invalid_field("/client_id", UNKNOWN, "This organization has no such client.")
    if client_id == other_id:
        raise Conflict(WITH_ITSELF, "Name another client than the one that stays.")
    for row in found.values():
        rows.demand_active(row)
    return found[client_id], found[other_id]


def merge(session: Session, actor: Actor, kept: Row[Any], gone: Row[Any], *, now: datetime) -> Row[Any]:
    """Let `gone` become part of `kept`; both come from `lock_both`. Returns the one that stays.

    What is known about `kept` is kept, its gaps are filled, and what would be lost is written into its notes. Consent
    to marketing is not taken over: it was given for the other address. A legal hold is.
    """
    org_id = actor.org_id
    client = rows.clients.c
    rows.write(session, actor, gone.id, _emptied(kept, now))
    into_gone = update(rows.clients).where(client.org_id == org_id, client.merged_into_id == gone.id)
    session.execute(into_gone.values(merged_into_id=kept.id))
    theirs = update(_addresses).where(_addresses.c.org_id == org_id, _addresses.c.client_id == gone.id)
    session.execute(theirs.values(client_id=kept.id))
    after = rows.write(session, actor, kept.id, _joined(kept, gone) | {"updated_at": now})
    searching.forget_terms(session, actor, [kept.id, gone.id])
    searching.add_terms(session, actor, after)
    audit.record(session, actor, "clients.merge", kept.id, now=now, after={"merged_client_id": str(gone.id)})
    audit.record(session, actor, "clients.merge", gone.id, now=now, after={"merged_into_id": str(kept.id)})
    return after


def _emptied(kept: Row[Any], now: datetime) -> dict[str, Any]:
    empty = {"email": None, "phone": None, "notes": "", "access_notes": "", "marketing_consent_at": None}
    return empty | {"merged_into_id": kept.id, "updated_at": now}


def _joined(kept: Row[Any], gone: Row[Any]) -> dict[str, Any]:
    """The columns of `kept` that say more afterwards."""
    lost = [gone.name] if gone.name != kept.name else []
    lost += [old for new, old in ((kept.email, gone.email), (kept.phone, gone.phone)) if new and old]
    also = f"Also known as: {', '.join(lost)}." if lost else ""
    return {
        "legal_hold_at": holding.joined(kept, gone),
        "email": kept.email or gone.email,
        "phone": kept.phone or gone.phone,
        "notes": "\n\n".join(filter(None, (kept.notes, gone.notes, also))),
        "access_notes": "\n\n".join(filter(None, (kept.access_notes, gone.access_notes))),
    }
