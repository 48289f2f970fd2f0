"""Mails, promised through the domain."""

from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from shared.core.transaction import transaction
from shared.messages import service as messages
from shared.messages.model import Message, MessageKind, Suppression
from tests.factories.organizations import Company

_numbers = count(1)
VARIABLES = {
    "client_name": "Anna Berg",
    "number": 1001,
    "title": "Spring cleaning",
    "address": "12 Elm Street, Calgary",
    "starts": "Tuesday, 24 November 2026, 09:00",
    "total": "129.00 CAD",
    "deposit": "32.25 CAD",
    "hold_until": "Monday, 23 November 2026, 10:30",
    "name": "Dan Dispatcher",
    "email": "dan@staff.test",
    "role": "dispatcher",
    "slug": "bright-and-tidy",
    "until": "Friday, 27 November 2026, 09:00",
}


def make_message(company: Company, *, to: str | None = None, kind: str = "order_confirmed", **variables: Any) -> UUID:
    """A queued mail; its job is enqueued, as it is with a real one."""
    key = f"test:{next(_numbers)}"
    with transaction(company.scope) as session:
        messages.queue(
            session,
            company.owner,
            MessageKind(kind),
            to or company.client_email,
            VARIABLES | variables,
            dedupe_key=key,
            now=datetime.now(UTC),
        )
        return session.query(Message).filter_by(org_id=company.org_id, dedupe_key=key).one().id


def make_suppression(company: Company, email: str, reason: str = "bounced", **more: Any) -> UUID:
    """An address that the company no longer writes to."""
    with transaction(company.scope) as session:
        made = Suppression(org_id=company.org_id, email=email, reason=reason, created_at=datetime.now(UTC), **more)
        session.add(made)
        session.flush()
        return made.id
