"""Taking a person out of the rows that stay. One statement per table, whatever the number of rows."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, case, cast, delete, exists, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session

from shared.catalog.model import Service
from shared.clients import searching
from shared.clients.model import Client, ClientAddress, ClientExport, ClientExportState
from shared.core.actor import Actor
from shared.core.orm import table_of
from shared.exports.model import Export, ExportState
from shared.leads.model import Lead
from shared.leads.states import OPEN as OPEN_LEADS
from shared.leads.states import LeadState
from shared.messages.model import UNFINISHED, Message, MessageState, Suppression
from shared.orders.history import FREE_TEXTS
from shared.orders.model import Order, OrderHistory
from shared.privacy.person import Person
from shared.recurrences.model import Occurrence, Recurrence, RecurrenceState
from shared.time_entries.model import TimeEntry

ERASED = "Erased"
"""What stands where a name or a text was."""

_clients, _addresses, _copies = table_of(Client), table_of(ClientAddress), table_of(ClientExport)
_leads, _orders, _services = table_of(Lead), table_of(Order), table_of(Service)
_messages, _exports, _entries = table_of(Message), table_of(Export), table_of(TimeEntry)
_suppressions = table_of(Suppression)
_history = table_of(OrderHistory)
_recurrences, _occurrences = table_of(Recurrence), table_of(Occurrence)

_TERMS = ("address", "postal_code", "notes", "access_notes")
_LAST_WORDS = "The person was erased."


def scrub_clients(session: Session, actor: Actor, who: Person, *, now: datetime) -> None:
    """The clients themselves, their places, the words they are found by, and copies of what was held on them."""
    ids = who.client_ids
    empty = {"email": None, "phone": None, "notes": "", "access_notes": "", "marketing_consent_at": None}
    mine = (_clients.c.org_id == actor.org_id, _clients.c.id.in_(ids))
    session.execute(update(_clients).where(*mine).values(empty | {"name": ERASED, "erased_at": now, "updated_at": now}))
    session.execute(delete(_addresses).where(_addresses.c.org_id == actor.org_id, _addresses.c.client_id.in_(ids)))
    searching.forget_terms(session, actor, ids)
    unfinished = _copies.c.state.in_([ClientExportState.QUEUED, ClientExportState.COLLECTING])
    state = case(
        (unfinished, ClientExportState.DEAD),
        (_copies.c.state == ClientExportState.READY, ClientExportState.EXPIRED),
        else_=_copies.c.state,
    )
    copies = update(_copies).where(_copies.c.org_id == actor.org_id, _copies.c.client_id.in_(ids))
    session.execute(copies.values(state=state, bundle=None, next_attempt_at=None, last_error=_LAST_WORDS))


def scrub_leads(session: Session, actor: Actor, who: Person, *, now: datetime) -> None:
    """Leads; those that somebody still had to do something about are lost."""
    lead = _leads.c
    blank = dict.fromkeys(("address", "postal_code", "preferred_times", "notes"), "")
    gone = dict.fromkeys(("email", "phone", "referral_code", "lost_reason"))
    state = case((lead.state.in_(OPEN_LEADS), LeadState.LOST), else_=lead.state)
    values = blank | gone | {"name": ERASED, "inputs": {}, "utm": {}, "state": state}
    theirs = update(_leads).where(lead.org_id == actor.org_id, lead.id.in_(who.lead_ids))
    session.execute(theirs.values(**values, erased_at=now, updated_at=now))


def scrub_orders(session: Session, actor: Actor, who: Person, *, now: datetime) -> None:
    """Orders, which keep what they cost and when they were; and what workers wrote about the time they took."""
    order = _orders.c
    title = case((_is_name_of_service(actor, order.service_id, order.title), order.title), else_=ERASED)
    theirs = update(_orders).where(order.org_id == actor.org_id, order.client_id.in_(who.client_ids))
    blank = dict.fromkeys(("address", "postal_code", "notes", "access_notes"), "")
    session.execute(theirs.values(**blank, title=title, version=order.version + 1, updated_at=now))
    happened = (_history.c.org_id == actor.org_id, _history.c.order_id.in_(who.orders))
    kept = _history.c.details.op("-")(cast(list(FREE_TEXTS), ARRAY(Text)))
    session.execute(update(_history).where(*happened, _history.c.details != kept).values(details=kept))
    entry = _entries.c
    overrun = (entry.org_id == actor.org_id, entry.order_id.in_(who.orders), entry.overrun_reason.is_not(None))
    session.execute(update(_entries).where(*overrun).values(overrun_reason=ERASED))


def scrub_recurrences(session: Session, actor: Actor, who: Person, *, now: datetime) -> None:
    """Recurrences end, and forget what their orders took over."""
    terms, service_id = _recurrences.c.terms, _recurrences.c.service_id
    key = func.jsonb_object_keys(terms).column_valued("key")
    blanks = select(func.jsonb_object_agg(key, "")).where(key.in_(_TERMS)).scalar_subquery()
    is_plain = _is_name_of_service(actor, service_id, terms["title"].astext) | ~terms.has_key("title")
    title = case((is_plain, text("'{}'::jsonb")), else_=literal({"title": ERASED}, JSONB))
    scrubbed = terms.op("||")(func.coalesce(blanks, text("'{}'::jsonb"))).op("||")(title)
    mine = (_recurrences.c.org_id == actor.org_id, _recurrences.c.client_id.in_(who.client_ids))
    ended: dict[str, Any] = {"state": RecurrenceState.ENDED, "terms": scrubbed, "updated_at": now}
    session.execute(update(_recurrences).where(*mine).values(ended))
    dates = (_occurrences.c.org_id == actor.org_id, _occurrences.c.recurrence_id.in_(who.recurrences))
    session.execute(update(_occurrences).where(*dates).values(detail=""))


def scrub_outgoing(session: Session, actor: Actor, who: Person) -> None:
    """Mails, with what other servers have said of them, and events for other systems. What has not gone out yet never
    will."""
    message, export = _messages.c, _exports.c
    addresses = [*who.emails, *session.scalars(who.mail_addresses)]
    owed = message.state.in_(UNFINISHED)
    session.execute(
        update(_messages)
        .where(who.is_mail)
        .values(
            recipient=ERASED,
            variables={},
            state=case((owed, MessageState.DEAD), else_=message.state),
            next_attempt_at=None,
            last_error=case((owed, _LAST_WORDS), else_=None),
            provider_id=None,
            delivery_detail=None,
        )
    )
    # After the mails, which a reader who unsubscribes at this moment holds: what they write is there by now.
    at_theirs = (_suppressions.c.org_id == actor.org_id, _suppressions.c.email.in_(addresses))
    session.execute(delete(_suppressions).where(*at_theirs))
    is_over = export.state.in_([ExportState.DELIVERED, ExportState.DEAD])
    session.execute(
        update(_exports)
        .where(export.org_id == actor.org_id, who.is_about(export.resource_id))
        .values(
            payload={},
            state=case((is_over, export.state), else_=ExportState.DEAD),
            next_attempt_at=None,
            last_error=case((is_over, None), else_=_LAST_WORDS),
        )
    )


def _is_name_of_service(actor: Actor, service_id: ColumnElement[Any], title: ColumnElement[Any]) -> ColumnElement[bool]:
    """A title that the catalog gave says nothing about a person."""
    same = (_services.c.org_id == actor.org_id, _services.c.id == service_id, _services.c.name == title)
    return exists().where(*same)
