"""Forgetting a person (GDPR Art. 17), at once and for good."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Row, or_, select
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.clients import rows as clients
from shared.core import idempotency
from shared.core.actor import Actor
from shared.core.errors import Conflict, code
from shared.core.orm import table_of
from shared.csv_files import service as csv_files
from shared.order_photos import erasing as order_photos
from shared.orders.model import Order
from shared.orders.states import OCCUPYING
from shared.privacy import copies, person, scrubbing
from shared.privacy.person import Person

LEGAL_HOLD = code("privacy.legal_hold", "The client is under legal hold")
OPEN_ORDERS = code("privacy.open_orders", "The client has open orders")
MOST_NAMED = 50
"""Numbers of orders in a refusal."""

_orders = table_of(Order)


class ErasureReason(StrEnum):
    """Why, in the words of the law. Free text could name the person, in a log that nothing can be taken out of."""

    ASKED = "asked"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    NO_LONGER_NEEDED = "no_longer_needed"
    UNLAWFUL = "unlawful"
    LEGAL_DUTY = "legal_duty"


def erase(session: Session, actor: Actor, client_id: UUID, *, reason: ErasureReason, now: datetime) -> Row[Any]:
    """Forget a client, everybody who was merged into it, and their leads; money stays, without the person. Returns the
    client's columns. Again is harmless.

    Some twenty statements, one or two for each table that holds something on people, whatever the number of rows.
    Raises `NotFound`, or `Conflict` when the client was merged into another, is under legal hold or has open orders.
    """
    found = _lock(session, actor, client_id)
    client = found[client_id]
    if client.erased_at is not None:
        return client
    clients.demand_active(client)
    if any(row.legal_hold_at is not None for row in found.values()):
        raise Conflict(LEGAL_HOLD, "What is held on this client may be needed as proof. Release the hold first.")
    who = person.find(session, actor, client_id)
    _demand_no_open_orders(session, who)
    photos = order_photos.remove_all(session, actor, who.orders, now=now)
    scrubbing.scrub_orders(session, actor, who, now=now)
    scrubbing.scrub_recurrences(session, actor, who, now=now)
    scrubbing.scrub_leads(session, actor, who, now=now)
    scrubbing.scrub_clients(session, actor, who, now=now)
    _forget_what_was_told(session, actor, who, now=now)
    csv_files.forget_contents(session, actor)  # which of them tell of the person, nobody can tell
    done = {"reason": reason, "leads": len(who.lead_ids), "photos": photos}
    audit.record(session, actor, "clients.erase", client_id, now=now, after=done)
    return session.execute(clients.ONE, {"org_id": actor.org_id, "client_id": client_id}).one()


def _lock(session: Session, actor: Actor, client_id: UUID) -> dict[UUID, Row[Any]]:
    """The client, and who was merged into it, by identifier, in the order in which merging locks them. Nobody writes an
    order or a recurrence for them meanwhile: that takes hold of the client, too."""
    client = clients.clients.c
    mine = (client.org_id == actor.org_id, or_(client.id == client_id, client.merged_into_id == client_id))
    query = select(clients.clients).where(*mine).order_by(client.id).with_for_update()
    found = {row.id: row for row in session.execute(query)}
    if client_id not in found:
        raise clients.not_found()
    return found


def _forget_what_was_told(session: Session, actor: Actor, who: Person, *, now: datetime) -> None:
    """Mails, events and answers: after the rows that they tell of. Whoever changed one of those held it, so what they
    wrote about it is there by now; and nobody can change one any more before this transaction ends."""
    scrubbing.scrub_outgoing(session, actor, who)
    copies.forget_stripe_events(session, who)
    copies.forget_answers_of_systems(session, actor, now=now)
    known_by = [*who.emails, *who.phones]
    ids = [*who.client_ids, *who.lead_ids]
    idempotency.forget_answers(session, actor, ids=ids, orders=who.orders, known_by=known_by)


def _demand_no_open_orders(session: Session, who: Person) -> None:
    order = _orders.c
    is_open = (order.org_id == who.org_id, order.client_id.in_(who.client_ids), order.state.in_(OCCUPYING))
    query = select(order.number).where(*is_open).order_by(order.number).limit(MOST_NAMED)
    numbers = list(session.execute(query).scalars())
    if numbers:
        detail = "Work is still planned for this client. Cancel or complete these orders first."
        raise Conflict(OPEN_ORDERS, detail, orders=numbers)
