"""From a lead to an order: the person becomes a client, the lead is won."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from shared.clients.finding import find_or_create
from shared.core.actor import Actor
from shared.core.errors import Conflict, code, invalid_field
from shared.core.money import Money
from shared.leads import service as leads
from shared.leads.moving import WRONG_STATE
from shared.leads.rows import lock
from shared.leads.states import LeadState, allowed_from
from shared.orders.placing import place
from shared.orders.terms import NewOrder

NO_ADDRESS = code("orders.no_address", "There is no address")


@dataclass(frozen=True, slots=True)
class Conversion:
    """What the lead does not say; the rest is taken from it."""

    scheduled_start: datetime
    scheduled_end: datetime | None = None
    estimate_id: UUID | None = None
    total: Money | None = None
    title: str | None = None
    address: str | None = None
    team_id: UUID | None = None
    worker_ids: list[UUID] = field(default_factory=list)


def convert(session: Session, actor: Actor, lead_id: UUID, wanted: Conversion, *, now: datetime) -> Row[Any]:
    """Place the order that a lead has asked for, for the client with its address or number, who is made if need be.

    Raises `NotFound`, `Conflict` when the lead is won already, and what `place` raises.
    """
    known = leads.get(session, actor, lead_id)
    if known.state == LeadState.WON:
        raise _won()
    client = find_or_create(session, actor, name=known.name, email=known.email, phone=known.phone, now=now)
    lead = lock(session, actor, lead_id)  # behind the client: see `placing`
    if lead.state == LeadState.WON:
        raise _won()
    if not (wanted.address or lead.address):
        raise invalid_field("/address", NO_ADDRESS, "The lead has no address: where is the work?")
    order = NewOrder(
        client_id=client.id,
        address=wanted.address or lead.address,
        postal_code=lead.postal_code,
        notes=lead.notes,
        scheduled_start=wanted.scheduled_start,
        scheduled_end=wanted.scheduled_end,
        estimate_id=wanted.estimate_id or (lead.estimate_id if wanted.total is None else None),
        total=wanted.total,
        title=wanted.title,
        team_id=wanted.team_id,
        worker_ids=wanted.worker_ids,
        lead_id=lead_id,
    )
    return place(session, actor, order, now=now)


def _won() -> Conflict:
    allowed = allowed_from(LeadState.WON)
    return Conflict(WRONG_STATE, "The lead is won already.", state=LeadState.WON, allowed=allowed)
