"""The moves of a lead, as `states.py` allows them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, or_, select, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.clients.model import Client
from shared.core.actor import Actor
from shared.core.errors import Conflict, code
from shared.core.orm import table_of
from shared.leads import references, rows
from shared.leads.states import ARROWS, LeadState, Move, allowed_from

WRONG_STATE = code("leads.wrong_state", "The lead's state does not allow this")

_client = table_of(Client).c


def contact(session: Session, actor: Actor, lead_id: UUID, *, now: datetime) -> Row[Any]:
    """Somebody has spoken to the person. Raises `NotFound`, or `Conflict` when that was so already."""
    lead = rows.lock(session, actor, lead_id)
    return _move(session, actor, lead, Move.CONTACT, {"contacted_at": now}, now=now)


def quote(session: Session, actor: Actor, lead_id: UUID, *, estimate_id: UUID, now: datetime) -> Row[Any]:
    """The person was told a price. Raises `NotFound`, `Invalid` for an unknown estimate, `Conflict` when it is over."""
    lead = rows.lock(session, actor, lead_id)
    references.check(session, actor, service_id=None, estimate_id=estimate_id)
    return _move(session, actor, lead, Move.QUOTE, {"estimate_id": estimate_id}, now=now)


def lose(session: Session, actor: Actor, lead_id: UUID, *, reason: str, now: datetime) -> Row[Any]:
    """Nothing comes of it. Raises `NotFound`, or `Conflict` when it is over already."""
    lead = rows.lock(session, actor, lead_id)
    return _move(session, actor, lead, Move.LOSE, {"lost_reason": reason}, now=now)


def win(session: Session, actor: Actor, lead_id: UUID, client_id: UUID, *, now: datetime) -> Row[Any]:
    """An order of the client came of it, in whatever state it was; a won lead keeps the client it has.

    Raises `NotFound`, or `Conflict` for an erased one.
    """
    lead = rows.lock(session, actor, lead_id)
    if lead.state == LeadState.WON:
        return lead
    return _move(session, actor, lead, Move.WIN, {"client_id": client_id, "lost_reason": None}, now=now)


def move_client(session: Session, actor: Actor, from_id: UUID, to_id: UUID, *, now: datetime) -> None:
    """Give the leads of one client to another, and those of nobody that have the address or number of the first: it is
    about to lose them, and nothing else would tell whose they are. The caller holds both clients, and writes the audit
    log."""
    lead = rows.leads.c
    first = (_client.org_id == actor.org_id, _client.id == from_id)
    email = select(func.lower(_client.email)).where(*first).scalar_subquery()
    phone = select(_client.phone).where(*first).scalar_subquery()
    same = or_(func.lower(lead.email) == email, lead.phone == phone)
    theirs = or_(lead.client_id == from_id, lead.client_id.is_(None) & same)
    moving = update(rows.leads).where(lead.org_id == actor.org_id, theirs)
    session.execute(moving.values(client_id=to_id, updated_at=now))


def _move(
    session: Session, actor: Actor, lead: Row[Any], move: Move, values: dict[str, Any], *, now: datetime
) -> Row[Any]:
    target = ARROWS[move].get(lead.state)
    if target is None:
        detail = f"A lead that is {lead.state} cannot be changed by {move}."
        raise Conflict(WRONG_STATE, detail, state=lead.state, allowed=allowed_from(lead.state))
    before, after = {"state": lead.state}, {"state": target}
    audit.record(session, actor, f"leads.{move}", lead.id, now=now, before=before, after=after)
    return rows.write(session, actor, lead.id, values | after, now=now)
