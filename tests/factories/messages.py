"""Mails, promised through the domain."""

from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from shared.core.transaction import transaction
from shared.messages import service as messages
from shared.messages.examples import EXAMPLES
from shared.messages.model import Message, MessageKind, Suppression
from tests.factories.organizations import Company

_numbers = count(1)
VARIABLES = EXAMPLES[MessageKind.ORDER_CONFIRMED][""]
"""Of the mail that most tests send."""


def example(kind: str) -> dict[str, Any]:
    """Good variables for a mail of `kind`."""
    return next(iter(EXAMPLES[MessageKind(kind)].values()))


def make_message(company: Company, *, to: str | None = None, kind: str = "order_confirmed", **variables: Any) -> UUID:
    """A queued mail; its job is enqueued, as it is with a real one."""
    key = f"test:{next(_numbers)}"
    with transaction(company.scope) as session:
        messages.queue(
            session,
            company.owner,
            MessageKind(kind),
            to or company.client_email,
            example(kind) | variables,
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
