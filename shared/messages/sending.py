"""A mail's way from `queued` to an end, as the worker walks it: claim, send outside any transaction, record.

One mail at a time: its try is counted before it is made, so one that kills its worker ends as dead and takes no other
along; and a worker that dies has one mail in its hands at most, which is the one that may arrive twice.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, case, exists, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from shared.core import jobs
from shared.core.errors import Unavailable
from shared.core.orm import Reader, table_of
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
_OLDEST_QUEUED = (
    select(_messages.c.id)
    .where(_messages.c.org_id == bindparam("of_org"), _messages.c.state == MessageState.QUEUED)
    .order_by(_messages.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)
SUPPRESSED_BY = suppressions.keeping(func.lower(_messages.c.recipient))
"""Why the recipient of a row of `messages` is not to get it; NULL when nothing keeps it."""


def _claiming_the(row: Select[Any]) -> ReturningUpdate[Any]:
    return (
        update(_messages)
        .where(_messages.c.org_id == bindparam("of_org"), _messages.c.id == row.scalar_subquery())
        .values(state=MessageState.SENDING, attempts=_messages.c.attempts + 1, next_attempt_at=bindparam("lease_until"))
        .returning(_messages, SUPPRESSED_BY.label("suppressed_by"))
    )


_WITHOUT_PASSWORD = case(
    (
        _messages.c.variables.has_key(SEALED_PASSWORD),
        _messages.c.variables.op("-")(SEALED_PASSWORD).op("||")(literal({PASSWORD_GONE: True}, JSONB)),
    ),
    else_=_messages.c.variables,
)
_RECORD = (
    update(_messages)
    .where(
        _messages.c.org_id == bindparam("of_org"),
        _messages.c.id == bindparam("claimed_id"),
        _messages.c.state == MessageState.SENDING,
        _messages.c.attempts == bindparam("claimed_attempts"),
        _messages.c.next_attempt_at == bindparam("claimed_until"),
    )
    .values(
        state=bindparam("new_state"),
        attempts=bindparam("new_attempts"),
        next_attempt_at=bindparam("new_next_attempt_at"),
        last_error=bindparam("new_last_error"),
        sent_at=bindparam("new_sent_at"),
        provider_id=bindparam("new_provider_id"),
        variables=case((bindparam("is_finished"), _WITHOUT_PASSWORD), else_=_messages.c.variables),
    )
)
_CLAIM = _claiming_the(_OLDEST_QUEUED)
_recorded = _RECORD.returning(_messages.c.id).cte("recorded")
# Counted, so that Postgres records first: who waits for the lock of one mail must not hold that of another, which the
# other side (an erasure, a key that is changed) may want next.
_RECORD_AND_CLAIM = _claiming_the(
    _OLDEST_QUEUED.where(select(func.count()).select_from(_recorded).scalar_subquery() >= 0)
)
_SOME_QUEUED = select(
    exists().where(_messages.c.org_id == bindparam("of_org"), _messages.c.state == MessageState.QUEUED)
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a try came to: what the row is to say of it."""

    state: MessageState
    attempts: int
    next_attempt_at: datetime | None = None
    last_error: str | None = None
    sent_at: datetime | None = None
    provider_id: str | None = None


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
    return session.execute(_CLAIM, _claiming(org_id, settings, now)).one_or_none()


def record(session: Session, claimed: Row[Any], outcome: Outcome) -> None:
    """Write the outcome of *this* claim: not over the one of a worker that took the row after our lease ran out."""
    session.execute(_RECORD, {"of_org": claimed.org_id} | _recording(claimed, outcome))


def record_and_claim(
    session: Session, claimed: Row[Any], outcome: Outcome, settings: Settings, *, now: datetime
) -> Row[Any] | None:
    """`record`, and `claim` the next, in one statement."""
    values = _recording(claimed, outcome) | _claiming(claimed.org_id, settings, now)
    return session.execute(_RECORD_AND_CLAIM, values).one_or_none()


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
        .where(key.in_(due))
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


def _claiming(org_id: UUID, settings: Settings, now: datetime) -> dict[str, Any]:
    return {"of_org": org_id, "lease_until": now + timedelta(seconds=settings.email_lease_seconds)}


def _recording(claimed: Row[Any], outcome: Outcome) -> dict[str, Any]:
    return {
        "claimed_id": claimed.id,
        "claimed_attempts": claimed.attempts,
        "claimed_until": claimed.next_attempt_at,
        "is_finished": outcome.state in FINISHED,
        "new_state": outcome.state,
        "new_attempts": outcome.attempts,
        "new_next_attempt_at": outcome.next_attempt_at,
        "new_last_error": outcome.last_error,
        "new_sent_at": outcome.sent_at,
        "new_provider_id": outcome.provider_id,
    }
