"""A mail's way from `queued` to an end, as the worker walks it: claim, send outside any transaction, record.

One mail at a time: its try is counted before it is made, so one that kills its worker ends as dead and takes no other
along; and a worker that dies has one mail in its hands at most, which is the one that may arrive twice.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Text, and_, bindparam, case, exists, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from shared.core import jobs, outbox_queue
from shared.core.errors import Unavailable
from shared.core.orm import Reader, asked_once, table_of
from shared.core.outbox import PUBLISH_GRACE, backoff
from shared.core.settings import Settings
from shared.integrations.mail import UNTRIED
from shared.messages import suppressions
from shared.messages.jobs import GO_ON, SEND
from shared.messages.model import (
    FINISHED,
    PASSWORD_GONE,
    SEALED_PASSWORD,
    UNFINISHED,
    Message,
    MessageState,
)

_messages = table_of(Message)
_WITHOUT_PASSWORD = case(
    (
        _messages.c.variables.has_key(SEALED_PASSWORD),
        _messages.c.variables.op("-")(SEALED_PASSWORD).op("||")(literal({PASSWORD_GONE: True}, JSONB)),
    ),
    else_=_messages.c.variables,
)
_IS_QUEUED = _messages.c.state == MessageState.QUEUED
_SOME_QUEUED = select(exists().where(_messages.c.org_id == bindparam("of_org"), _IS_QUEUED))
SUPPRESSED_BY = suppressions.keeping(func.lower(_messages.c.recipient))
"""Why the recipient of a row of `messages` is not to get it; NULL when nothing keeps it."""


@dataclass(frozen=True, slots=True)
class Outcome(outbox_queue.Outcome):
    """What a try came to: what the row of the mail is to say."""

    sent_at: datetime | None = None
    provider_id: str | None = None


_IS_OVER = bindparam("new_state", type_=Text()).in_(sorted(FINISHED))
_QUEUE = outbox_queue.OutboxQueue(
    _messages,
    waiting=[_IS_QUEUED],
    order_by=_messages.c.id,
    working=MessageState.SENDING,
    returning=[_messages, SUPPRESSED_BY.label("suppressed_by")],
    outcome=Outcome,
    also={"variables": case((_IS_OVER, _WITHOUT_PASSWORD), else_=_messages.c.variables)},
)


def sent(claimed: Row[Any], provider_id: str | None, *, now: datetime) -> Outcome:
    """The mail server took it, and calls it `provider_id`."""
    return Outcome(MessageState.SENT, claimed.attempts, sent_at=now, provider_id=provider_id)


def failed(claimed: Row[Any], settings: Settings, refusal: Unavailable, *, now: datetime) -> Outcome:
    """It did not go out this time. Tried again later, until the tries are used up; a mail that the server was not even
    offered has used up none."""
    asked_to_wait = timedelta(seconds=refusal.fields.get("retry_after", 0.0))
    if refusal.code in UNTRIED:
        wait, spent = backoff(1, settings.email_circuit_recovery_seconds), claimed.attempts - 1
    elif claimed.attempts > settings.email_max_retries:
        return dead(claimed, refusal.detail)
    else:
        wait, spent = backoff(claimed.attempts, settings.email_retry_backoff_seconds), claimed.attempts
    return Outcome(MessageState.RETRYING, spent, now + max(wait, asked_to_wait), refusal.detail)


def dead(claimed: Row[Any], error: str) -> Outcome:
    """It will never go out as it is. The row stays, with the reason."""
    return Outcome(MessageState.DEAD, claimed.attempts, last_error=error)


def suppressed(claimed: Row[Any]) -> Outcome:
    """Its recipient does not get such mails. The row stays, with the reason."""
    return Outcome(MessageState.SUPPRESSED, claimed.attempts, last_error=claimed.suppressed_by)


def claim(session: Session, org_id: UUID, settings: Settings, *, now: datetime) -> Row[Any] | None:
    """Take the organization's oldest queued mail for sending, for the length of the lease. None when there is none
    that nobody else takes. `suppressed_by` says why its recipient is not to get it, if so."""
    return _QUEUE.claim(session, org_id, lease_until=_lease_until(now, settings))


record = _QUEUE.record


def record_and_claim(
    session: Session, claimed: Row[Any], outcome: Outcome, settings: Settings, *, now: datetime
) -> Row[Any] | None:
    """`record`, and `claim` the next, in one statement."""
    return _QUEUE.record_and_claim(session, claimed, outcome, lease_until=_lease_until(now, settings))


def ask_for_rest(session: Session, org_id: UUID) -> bool:
    """Have the organization's queued mails, if there are any, sent by whoever is next: other organizations' first.
    Returns whether there are."""
    is_left = bool(session.scalar(_SOME_QUEUED, {"of_org": org_id}))
    if is_left:
        jobs.enqueue(session, GO_ON, org_id=org_id)
    return is_left


def sweep(session: Session, settings: Settings, *, now: datetime, limit: int) -> dict[str, int]:
    """Enqueue mails whose message was lost, whose worker died, or whose retry is due. Returns counts."""
    message = _messages.c
    key = tuple_(message.org_id, message.id)
    due = (
        select(message.org_id, message.id)
        .where(*_is_late(now))
        .order_by(message.next_attempt_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    is_hopeless = _is_hopeless(settings)
    swept = session.execute(
        update(_messages)
        .where(key.in_(asked_once(due)))
        .values(
            state=case((is_hopeless, MessageState.DEAD), else_=MessageState.QUEUED),
            next_attempt_at=case((is_hopeless, None), else_=now + PUBLISH_GRACE),
            last_error=case((is_hopeless, "the worker died while sending, every time"), else_=message.last_error),
            variables=case((is_hopeless, _WITHOUT_PASSWORD), else_=message.variables),
        )
        .returning(message.org_id, message.state)
    ).all()
    requeued = [row.org_id for row in swept if row.state == MessageState.QUEUED]
    for owing in dict.fromkeys(requeued):
        jobs.enqueue(session, SEND, org_id=owing)
    return {"requeued": len(requeued), "dead": len(swept) - len(requeued)}


def count_late(session: Reader, settings: Settings, *, now: datetime) -> dict[str, int]:
    """What `sweep` would do with all of them."""
    hopeless, all_late = func.count().filter(_is_hopeless(settings)), func.count()
    found = session.execute(select(all_late - hopeless, hopeless).where(*_is_late(now))).one()
    return {"requeued": found[0], "dead": found[1]}


def _is_late(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return _messages.c.state.in_(sorted(UNFINISHED)), _messages.c.next_attempt_at <= now


def _is_hopeless(settings: Settings) -> ColumnElement[bool]:
    """The worker has died while sending, every time."""
    return and_(_messages.c.state == MessageState.SENDING, _messages.c.attempts > settings.email_max_retries)


def _lease_until(now: datetime, settings: Settings) -> datetime:
    return now + timedelta(seconds=settings.email_lease_seconds)
