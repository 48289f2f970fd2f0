from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.core import jobs
from shared.core.actor import Actor
from shared.core.ids import new_id
from shared.core.orm import Reader, table_of
from shared.core.outbox import PUBLISH_GRACE, backoff, claiming, lock_due
from shared.core.settings import Settings
from shared.messages.jobs import SEND
from shared.messages.model import FINISHED, SEALED_PASSWORD, UNFINISHED, Message, MessageKind, MessageState

_messages = table_of(Message)
_PROMISE_ONCE = (
    insert(_messages).on_conflict_do_nothing(constraint="uq_messages_org_id_dedupe_key").returning(_messages.c.id)
)

_CLAIM = claiming(_messages, waiting=MessageState.QUEUED, working=MessageState.SENDING)


def queue(
    session: Session,
    actor: Actor,
    kind: MessageKind,
    recipient: str,
    variables: dict[str, Any],
    *,
    dedupe_key: str,
    resource_id: UUID | None = None,
    now: datetime,
) -> None:
    """Promise a mail, in the transaction of the change that it tells about. The same `dedupe_key` promises it once.

    `resource_id` is what the mail is about, such as an order.
    """
    message_id = new_id()
    row = {
        "org_id": actor.org_id,
        "id": message_id,
        "kind": kind,
        "recipient": recipient,
        "variables": variables,
        "dedupe_key": dedupe_key,
        "resource_id": resource_id,
        "request_id": actor.request_id,
        "created_at": now,
        "next_attempt_at": now + PUBLISH_GRACE,
    }
    if session.scalar(_PROMISE_ONCE, row):
        jobs.enqueue(session, SEND, org_id=actor.org_id, message_id=message_id)


def about(session: Reader, actor: Actor, resource_id: UUID) -> Sequence[Row[Any]]:
    """The mails about something, such as an order, oldest first."""
    query = select(_messages).where(_messages.c.org_id == actor.org_id, _messages.c.resource_id == resource_id)
    return session.execute(query.order_by(_messages.c.id)).all()


def claim(session: Session, org_id: UUID, message_id: UUID, settings: Settings, *, now: datetime) -> Row[Any] | None:
    """Take the mail for sending, for the length of the lease. None when there is nothing to do (any more, or yet)."""
    lease = timedelta(seconds=settings.email_lease_seconds)
    mine = {"of_org": org_id, "of_row": message_id, "lease_until": now + lease}
    return session.execute(_CLAIM, mine).one_or_none()


def mark_sent(session: Session, claimed: Row[Any], *, now: datetime) -> MessageState:
    """The mail server took it."""
    return _record(session, claimed, state=MessageState.SENT, sent_at=now, next_attempt_at=None, last_error=None)


def mark_failed(session: Session, claimed: Row[Any], settings: Settings, error: str, *, now: datetime) -> MessageState:
    """It did not go out this time. Tried again later, until the tries are used up."""
    if claimed.attempts > settings.email_max_retries:
        return mark_dead(session, claimed, error)
    due = now + backoff(claimed.attempts, settings.email_retry_backoff_seconds)
    return _record(session, claimed, state=MessageState.RETRYING, next_attempt_at=due, last_error=error)


def mark_dead(session: Session, claimed: Row[Any], error: str) -> MessageState:
    """It will never go out as it is. The row stays, with the reason."""
    return _record(session, claimed, state=MessageState.DEAD, next_attempt_at=None, last_error=error)


def sweep(session: Session, settings: Settings, *, now: datetime, limit: int) -> dict[str, int]:
    """Enqueue mails whose message was lost, whose worker died, or whose retry is due. Returns counts."""
    counts = {"requeued": 0, "dead": 0}
    for row in lock_due(session, Message, UNFINISHED, now=now, limit=limit):
        if row.state == MessageState.SENDING and row.attempts > settings.email_max_retries:
            row.state, row.next_attempt_at = MessageState.DEAD, None
            row.variables = {name: value for name, value in row.variables.items() if name != SEALED_PASSWORD}
            row.last_error = "the worker died while sending, every time"
            counts["dead"] += 1
            continue
        row.state, row.next_attempt_at = MessageState.QUEUED, now + PUBLISH_GRACE
        jobs.enqueue(session, SEND, org_id=row.org_id, message_id=row.id)
        counts["requeued"] += 1
    return counts


def _record(session: Session, claimed: Row[Any], state: MessageState, **values: Any) -> MessageState:
    """Write the outcome of *this* claim: not over the one of a worker that took the row after our lease ran out."""
    mine = (
        Message.org_id == claimed.org_id,
        Message.id == claimed.id,
        Message.state == MessageState.SENDING,
        Message.attempts == claimed.attempts,
    )
    if state in FINISHED:
        values["variables"] = Message.variables.op("-")(SEALED_PASSWORD)
    session.execute(update(Message).where(*mine).values(state=state, **values))
    return state
