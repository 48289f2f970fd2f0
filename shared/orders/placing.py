"""Placing an order: agree on the terms, take the next number and the team's time, in two statements."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.core.actor import Actor
from shared.core.database_errors import refusal_for_conflict
from shared.core.ids import new_id
from shared.core.later import send_later
from shared.core.orm import table_of
from shared.leads import moving as leads
from shared.messages.model import MessageKind
from shared.orders import mails
from shared.orders.assigning import send_workers
from shared.orders.history import remember
from shared.orders.model import Order, OrderNumber, OrderSource
from shared.orders.service import COLUMNS, queue_for_calendar
from shared.orders.states import OrderState
from shared.orders.terms import NewOrder, Terms, agree

FIRST_NUMBER = 1001

_orders, _numbers = table_of(Order), table_of(OrderNumber)

_counted = (
    postgresql.insert(_numbers)
    .values(org_id=bindparam("org_id"), last_number=FIRST_NUMBER)
    .on_conflict_do_update(index_elements=["org_id"], set_={"last_number": _numbers.c.last_number + 1})
    .returning(_numbers.c.last_number)
    .cte("counted")
)
_given = [column for column in _orders.columns if column.name != "number"]
_PLACE = (
    insert(_orders)
    .from_select(
        ["number", *(column.name for column in _given)],
        select(_counted.c.last_number, *(bindparam(column.name, type_=column.type) for column in _given)),
    )
    .returning(*COLUMNS)
)
"""Counts and inserts in one statement, so that the number is held as short as can be."""

_HOLD_CLIENT = "SELECT FROM clients WHERE org_id = %(org_id)s AND id = %(client_id)s FOR KEY SHARE"
_HOLD_LEAD = "SELECT FROM leads WHERE org_id = %(org_id)s AND id = %(lead_id)s FOR UPDATE"


def place(session: Session, actor: Actor, wanted: NewOrder, *, now: datetime) -> Row[Any]:
    """Write down a new order, `pending`, and take its team's and its workers' time.

    Raises `Invalid` for bad times, prices and unknown identifiers, `Conflict` (`orders.slot_taken`) when somebody's
    time is taken. An order that needs a deposit is held until that is paid, or the hold runs out.
    """
    _hold(session, actor, wanted)
    terms = agree(session, actor, wanted, now=now)
    queue_for_calendar(session, actor.org_id)
    order = session.execute(_PLACE, _values(actor.org_id, wanted, terms, now)).one()
    if wanted.worker_ids:
        until = terms.scheduled_end + terms.buffer
        send_workers(session, actor, order, wanted.worker_ids, blocked_until=until)
    if wanted.lead_id is not None:
        leads.win(session, actor, wanted.lead_id, wanted.client_id, now=now)
    remember(session, actor, order, "place", {"number": order.number}, now=now)
    if wanted.source is OrderSource.PUBLIC:
        mails.tell_client(session, actor, order, terms.around, kind=MessageKind.ORDER_PENDING, now=now)
    return order


def _hold(session: Session, actor: Actor, wanted: NewOrder) -> None:
    """Keep the client from being merged or erased, and the lead for this order, in front of the look-up of the terms.

    Everybody takes locks in this order, or they would wait for each other: client, recurrence, lead, the calendar's
    queue. Who merges or erases a client holds it first, too; an order's own row may come before the queue.
    """
    send_later(session, _HOLD_CLIENT, {"org_id": actor.org_id, "client_id": wanted.client_id})
    if wanted.lead_id is not None:
        send_later(session, _HOLD_LEAD, {"org_id": actor.org_id, "lead_id": wanted.lead_id})


@contextmanager
def attempt(session: Session) -> Iterator[None]:
    """A part of the transaction that may fail alone: what it has written is undone, the rest stands.

    Raises `Conflict` for a constraint that a feature has named.
    """
    try:
        with session.begin_nested():
            yield
    except IntegrityError as error:
        raise refusal_for_conflict(error) or error from error


def _values(org_id: UUID, wanted: NewOrder, terms: Terms, now: datetime) -> dict[str, Any]:
    return {
        "org_id": org_id,
        "id": new_id(),
        "client_id": wanted.client_id,
        "state": OrderState.PENDING,
        "source": wanted.source,
        "title": terms.title,
        "address": wanted.address,
        "postal_code": wanted.postal_code,
        "notes": wanted.notes,
        "access_notes": wanted.access_notes,
        "scheduled_start": wanted.scheduled_start,
        "scheduled_end": terms.scheduled_end,
        "blocked_until": terms.scheduled_end + terms.buffer,
        "service_id": terms.around.service_id,
        "is_heavy": terms.is_heavy,
        "estimate_id": wanted.estimate_id,
        "team_id": wanted.team_id,
        "lead_id": wanted.lead_id,
        "recurrence_id": wanted.recurrence_id,
        "occurrence_on": wanted.occurrence_on,
        "lines": terms.lines,
        "total_amount": terms.total.amount,
        "paid_amount": 0,
        "currency": terms.total.currency,
        "deposit_amount": terms.deposit.amount,
        "deposit_reasons": terms.deposit.reasons,
        "hold_until": now + terms.hold if terms.deposit.amount else None,
        "started_at": None,
        "ended_at": None,
        "cancellation_fee_amount": 0,
        "refund_due_amount": 0,
        "photo_consent": wanted.photo_consent,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
