"""Booking by a client: they choose a time that is offered, and any team that is free takes it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from shared.catalog import estimates
from shared.clients.finding import find_or_create
from shared.core.actor import Actor
from shared.core.errors import Conflict
from shared.orders import slots
from shared.orders.assigning import SLOT_TAKEN
from shared.orders.model import OrderSource
from shared.orders.placing import attempt, place
from shared.orders.terms import NewOrder, check_estimate


@dataclass(frozen=True, slots=True)
class Booking:
    """What a client sends: the estimate they accept, the time, who and where they are."""

    estimate_id: UUID
    scheduled_start: datetime
    name: str
    email: str | None
    phone: str | None
    address: str
    postal_code: str = ""
    notes: str = ""
    access_notes: str = ""
    photo_consent: bool = False


def book(session: Session, actor: Actor, booking: Booking, *, now: datetime) -> Row[Any]:
    """Place the order with a team that offers this start, and with workers of it who are free, so that they are not
    sent elsewhere. Without a postal code only teams that work everywhere are asked. Somebody who books at the same
    moment may take the first team's time; then the next free team is tried.

    Raises `Invalid` for an estimate that is unknown, expired or for visits that come back, `Conflict`
    (`orders.slot_taken`) when no team is free.
    """
    start, area = booking.scheduled_start, booking.postal_code
    crews = slots.free_teams(session, actor, start=start, estimate_id=booking.estimate_id, postal_code=area, now=now)
    client = find_or_create(session, actor, name=booking.name, email=booking.email, phone=booking.phone, now=now)
    wanted = NewOrder(
        client_id=client.id,
        address=booking.address,
        scheduled_start=start,
        estimate_id=booking.estimate_id,
        notes=booking.notes,
        access_notes=booking.access_notes,
        postal_code=booking.postal_code,
        photo_consent=booking.photo_consent,
        source=OrderSource.PUBLIC,
    )
    for crew in crews:
        try:
            with attempt(session):
                sent = replace(wanted, team_id=crew.team_id, worker_ids=crew.worker_ids)
                return place(session, actor, sent, now=now)
        except Conflict as refusal:
            if refusal.code != SLOT_TAKEN:
                raise
    check_estimate(estimates.find(session, actor, booking.estimate_id), now=now)  # rather than offer it other times
    raise Conflict(SLOT_TAKEN, "Nobody is free at that time.")
