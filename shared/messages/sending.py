"""A mail's way from `queued` to an end, as the worker walks it: claim, send outside any transaction, record.

One mail at a time: its try is counted before it is made, so one that kills its worker ends as dead and takes no other
along; and a worker that dies has one mail in its hands at most, which is the one that may arrive twice.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, bindparam, case, exists, func, literal, or_, select, tuple_, update
from sqlalchemy.orm import Session

from shared.core import jobs
from shared.core.errors import Unavailable
from shared.core.orm import table_of
from shared.core.outbox import PUBLISH_GRACE, backoff
from shared.core.settings import Settings
from shared.integrations.mail import UNTRIED
from shared.messages.jobs import SEND
from shared.messages.model import (
    FINISHED,
    OPTIONAL,
    SEALED_PASSWORD,
    UNFINISHED,
    Message,
    MessageState,
    Suppression,
    SuppressionReason,
)

_messages, _suppressions = table_of(Message), table_of(Suppression)
_OLDEST_QUEUED = (
    select(_messages.c.id)
    .where(_messages.c.org_id == bindparam("of_org"), _messages.c.state == MessageState.QUEUED)
    .order_by(_messages.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)
_SUPPRESSED_BY = (
    select(_suppressions.c.reason)
    .where(
        _suppressions.c.org_id == _messages.c.org_id,
        _suppressions.c.email == func.lower(_messages.c.recipient),
        or_(_suppressions.c.reason == SuppressionReason.BOUNCED, _messages.c.kind.in_(sorted(OPTIONAL))),
    )
    .order_by(_suppressions.c.reason)
    .limit(1)
    .correlate(_messages)
    .scalar_subquery()
)
_CLAIM = (
    update(_messages)
    .where(_messages.c.org_id == bindparam("of_org"), _messages.c.id == _OLDEST_QUEUED)
    .values(state=MessageState.SENDING, attempts=_messages.c.attempts + 1, next_attempt_at=bindparam("lease_until"))
    .returning(_messages, _SUPPRESSED_BY.label("suppressed_by"))
)
_SOME_QUEUED = select(
    exists().where(_messages.c.org_id == bindparam("of_org"), _messages.c.state == MessageState.QUEUED)
)


def claim_next(session: Session, org_id: UUID, settings: Settings, *, now: datetime) -> Row[Any] | None:
    """Take the organization's oldest queued mail for sending, for the length of the lease. None when there is none
    that nobody else takes. `suppressed_by` says why its recipient is not to get it, if so."""
    lease = timedelta(seconds=settings.email_lease_seconds)
    return session.execute(_CLAIM, {"of_org": org_id, "lease_until": now + lease}).one_or_none()


def ask_for_rest(session: Session, org_id: UUID) -> None:
    """Have the organization's queued mails, if there are any, sent by whoever is next: other organizations' first."""
    if session.scalar(_SOME_QUEUED, {"of_org": org_id}):
        jobs.enqueue(session, SEND, org_id=org_id)


def mark_sent(session: Session, claimed: Row[Any], provider_id: str | None, *, now: datetime) -> MessageState:
    """The mail server took it, and calls it `provider_id`."""
    sent = {"sent_at": now, "provider_id": provider_id, "next_attempt_at": None, "last_error": None}
    return _record(session, claimed, state=MessageState.SENT, **sent)


def mark_failed(
    session: Session, claimed: Row[Any], settings: Settings, refusal: Unavailable, *, now: datetime
) -> MessageState:
    """It did not go out this time. Tried again later, until the tries are used up; a mail that the server was not even
    offered has used up none."""
    asked_to_wait = timedelta(seconds=refusal.fields.get("retry_after", 0.0))
    if refusal.code in UNTRIED:
        wait = max(backoff(1, settings.email_circuit_recovery_seconds), asked_to_wait)
        spent = claimed.attempts - 1
    elif claimed.attempts > settings.email_max_retries:
        return mark_dead(session, claimed, refusal.detail)
    else:
        wait = max(backoff(claimed.attempts, settings.email_retry_backoff_seconds), asked_to_wait)
        spent = claimed.attempts
    later = {"attempts": spent, "next_attempt_at": now + wait, "last_error": refusal.detail}
    return _record(session, claimed, state=MessageState.RETRYING, **later)


def mark_dead(session: Session, claimed: Row[Any], error: str) -> MessageState:
    """It will never go out as it is. The row stays, with the reason."""
    return _record(session, claimed, state=MessageState.DEAD, next_attempt_at=None, last_error=error)


def mark_suppressed(session: Session, claimed: Row[Any]) -> MessageState:
    """Its recipient does not get such mails. The row stays, with the reason."""
    return _record(
        session, claimed, state=MessageState.SUPPRESSED, next_attempt_at=None, last_error=claimed.suppressed_by
    )


def sweep(
    session: Session, settings: Settings, *, org_id: UUID | None = None, now: datetime, limit: int
) -> dict[str, int]:
    """Enqueue mails whose message was lost, whose worker died, or whose retry is due; of one organization, or of all.
    Returns counts."""
    message = _messages.c
    key = tuple_(message.org_id, message.id)
    mine = (message.org_id == org_id,) if org_id else ()
    due = (
        select(message.org_id, message.id)
        .where(message.state.in_(sorted(UNFINISHED)), message.next_attempt_at <= now, *mine)
        .order_by(message.next_attempt_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    is_hopeless = and_(message.state == MessageState.SENDING, message.attempts > settings.email_max_retries)
    swept = session.execute(
        update(_messages)
        .where(key.in_(due))
        .values(
            state=case((is_hopeless, MessageState.DEAD), else_=MessageState.QUEUED),
            next_attempt_at=case((is_hopeless, None), else_=now + PUBLISH_GRACE),
            last_error=case((is_hopeless, "the worker died while sending, every time"), else_=message.last_error),
            variables=case((is_hopeless, message.variables.op("-")(SEALED_PASSWORD)), else_=message.variables),
        )
        .returning(message.org_id, message.state)
    ).all()
    requeued = [row.org_id for row in swept if row.state == MessageState.QUEUED]
    for owing in dict.fromkeys(requeued):
        jobs.enqueue(session, SEND, org_id=owing)
    return {"requeued": len(requeued), "dead": len(swept) - len(requeued)}


def _record(session: Session, claimed: Row[Any], state: MessageState, **values: Any) -> MessageState:
    """Write the outcome of *this* claim: not over the one of a worker that took the row after our lease ran out."""
    mine = (
        _messages.c.org_id == claimed.org_id,
        _messages.c.id == claimed.id,
        _messages.c.state == MessageState.SENDING,
        _messages.c.attempts == claimed.attempts,
        _messages.c.next_attempt_at == claimed.next_attempt_at,
    )
    if state in FINISHED:
        values["variables"] = _messages.c.variables.op("-")(literal(SEALED_PASSWORD))
    session.execute(update(_messages).where(*mine).values(state=state, **values))
    return state
