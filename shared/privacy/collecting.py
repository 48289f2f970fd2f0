"""A copy of everything that is held on a person, as one JSON document."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Column, ColumnElement, Select, Table, select, union_all

from shared.audit.model import AuditEntry
from shared.catalog.model import Estimate
from shared.checklists.model import ChecklistItem
from shared.clients.model import Client, ClientAddress
from shared.core.actor import Actor
from shared.core.orm import Base, Reader, table_of
from shared.exports.model import Export
from shared.leads.model import Lead
from shared.messages.model import Message, Suppression
from shared.messages.telling import without_secrets
from shared.order_photos.model import OrderPhoto, PhotoState
from shared.orders.model import Order, OrderHistory
from shared.payments.model import Payment
from shared.privacy import person
from shared.privacy.person import Person
from shared.recurrences.model import Recurrence
from shared.time_entries.model import TimeEntry

FORMAT = 1
"""Of the document; counts up when a reader of it would have to change."""
MOST_ROWS = 10_000
"""Of one kind, the oldest first; the document says which kinds are cut."""

_INTERNAL = {
    "org_id",
    "captcha",
    "attempts",
    "next_attempt_at",
    "last_error",
    "dedupe_key",
    "request_id",
    "legal_hold_at",  # what the company may need in a dispute with the person
}
_MAIL = ("id", "kind", "recipient", "locale", "variables", "state", "created_at", "sent_at")
_DELIVERY = ("delivery", "delivery_at", "delivery_detail")
_PHOTO = ("id", "order_id", "phase", "caption", "consent_override", "mime", "size", "taken_at", "created_at")
_EVENT = ("id", "event", "resource_id", "payload", "state", "created_at", "delivered_at")
_TIMES = ("order_id", "started_at", "finished_at")
_AUDIT = ("action", "resource_id", "before", "after", "created_at")

_orders, _leads, _estimates = table_of(Order), table_of(Lead), table_of(Estimate)


def collect(session: Reader, actor: Actor, client_id: UUID, *, now: datetime) -> dict[str, Any]:
    """Everything that is held on the client, times in RFC 3339, money in minor units; without what opens something: the
    copy is handed to the person by others."""
    found = person.find(session, actor, client_id)
    sections: dict[str, list[dict[str, Any]]] = {}
    cut: list[str] = []
    for name, query in _sections(found):
        rows = session.execute(query.limit(MOST_ROWS + 1)).mappings().all()
        if len(rows) > MOST_ROWS:
            cut.append(name)
        sections[name] = [dict(row) for row in rows[:MOST_ROWS]]
    for mail in sections["messages"]:
        mail["variables"] = without_secrets(mail["variables"])
    document = {"format": FORMAT, "collected_at": now, "client_id": client_id, "cut": cut} | sections
    plain: dict[str, Any] = orjson.loads(orjson.dumps(document, option=orjson.OPT_UTC_Z))
    return plain


def _sections(found: Person) -> Iterator[tuple[str, Select[Any]]]:
    """Each part of the document, and the query that fills it."""
    orders = found.orders
    yield "clients", _rows(Client, found, lambda c: c.id.in_(found.client_ids))
    yield "addresses", _rows(ClientAddress, found, lambda c: c.client_id.in_(found.client_ids))
    yield "leads", _rows(Lead, found, lambda c: c.id.in_(found.lead_ids))
    yield "estimates", _rows(Estimate, found, lambda c: c.id.in_(_estimate_ids(found)))
    yield "orders", _rows(Order, found, lambda c: c.id.in_(orders))
    yield "order_history", _rows(OrderHistory, found, lambda c: c.order_id.in_(orders))
    yield "recurrences", _rows(Recurrence, found, lambda c: c.client_id.in_(found.client_ids))
    yield "checklist_items", _rows(ChecklistItem, found, lambda c: c.order_id.in_(orders))
    yield "time_entries", _rows(TimeEntry, found, lambda c: c.order_id.in_(orders), _TIMES)
    stored = [PhotoState.STORED]
    yield "photos", _rows(OrderPhoto, found, lambda c: c.order_id.in_(orders) & c.state.in_(stored), _PHOTO)
    yield "payments", _rows(Payment, found, lambda c: c.order_id.in_(orders))
    yield "messages", _rows(Message, found, lambda _: found.is_mail, _MAIL + _DELIVERY)
    yield "mail_suppressions", _rows(Suppression, found, lambda _: found.is_suppression)
    yield "exports", _rows(Export, found, lambda c: found.is_about(c.resource_id), _EVENT)
    yield "audit", _rows(AuditEntry, found, lambda c: found.is_about(c.resource_id), _AUDIT)


def _rows(model: type[Base], found: Person, theirs: Any, names: tuple[str, ...] | None = None) -> Select[Any]:
    """The rows of `model` for which `theirs` holds, with these columns or all that are not the system's own."""
    table: Table = table_of(model)
    shown: list[Column[Any]] = [
        column for column in table.columns if (column.name in names if names else column.name not in _INTERNAL)
    ]
    is_theirs: ColumnElement[bool] = theirs(table.c)
    return select(*shown).where(table.c.org_id == found.org_id, is_theirs).order_by(table.c.id)


def _estimate_ids(found: Person) -> Any:
    ordered = select(_orders.c.estimate_id).where(_orders.c.org_id == found.org_id, _orders.c.id.in_(found.orders))
    asked = select(_leads.c.estimate_id).where(_leads.c.org_id == found.org_id, _leads.c.id.in_(found.lead_ids))
    return union_all(ordered, asked)
