"""Mails, promised through the domain."""

from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import update

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


def make_message(
    company: Company,
    *,
    to: str | None = None,
    kind: str = "order_confirmed",
    about: UUID | None = None,
    **variables: Any,
) -> UUID:
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
            resource_id=about,
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


def change_message(company: Company, message_id: UUID, **values: Any) -> UUID:
    """Change columns of a mail, as a worker or time would."""
    with transaction(company.scope) as session:
        mine = (Message.org_id == company.org_id, Message.id == message_id)
        session.execute(update(Message).where(*mine).values(**values))
    return message_id


def make_dead(company: Company, *, error: str = "550 no such user", **kwargs: Any) -> UUID:
    """A mail that was given up."""
    ended = {"state": "dead", "attempts": 6, "next_attempt_at": None, "last_error": error}
    return change_message(company, make_message(company, **kwargs), **ended)


def make_sent(company: Company, **kwargs: Any) -> UUID:
    """A mail that the server took at the first try."""
    ended = {"state": "sent", "attempts": 1, "next_attempt_at": None, "sent_at": datetime.now(UTC)}
    return change_message(company, make_message(company, **kwargs), **ended)
