from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.core import jobs
from shared.core.actor import Actor
from shared.core.ids import new_id
from shared.core.later import send_later
from shared.core.orm import Reader, table_of
from shared.core.outbox import PUBLISH_GRACE
from shared.messages.jobs import SEND
from shared.messages.model import Message, MessageKind

_messages = table_of(Message)
_PROMISE_ONCE = (
    insert(_messages).on_conflict_do_nothing(constraint="uq_messages_org_id_dedupe_key").returning(_messages)
)

_WITHDRAW = """
    UPDATE messages
    SET state = CASE WHEN state IN ('queued', 'retrying') THEN 'suppressed' ELSE state END,
        not_after = CASE WHEN state IN ('queued', 'retrying') THEN not_after ELSE least(not_after, %(now)s) END,
        next_attempt_at = CASE state WHEN 'sending' THEN next_attempt_at END,
        last_error = CASE WHEN state IN ('queued', 'retrying') THEN %(reason)s ELSE last_error END,
        dedupe_key = dedupe_key || CASE WHEN state IN ('queued', 'retrying') THEN ':withdrawn:' || id ELSE '' END
    WHERE org_id = %(org_id)s AND resource_id = %(resource_id)s AND kind = %(kind)s AND state <> 'sent'
"""


@dataclass(frozen=True, slots=True)
class Promise:
    """One of many mails that are promised at once; its parts are those of `queue`."""

    actor: Actor
    kind: MessageKind
    recipient: str
    variables: dict[str, Any] = field(repr=False)
    dedupe_key: str
    resource_id: UUID | None = None
    locale: str | None = None
    not_after: datetime | None = None


def queue(
    session: Session,
    actor: Actor,
    kind: MessageKind,
    recipient: str,
    variables: dict[str, Any],
    *,
    dedupe_key: str,
    resource_id: UUID | None = None,
    locale: str | None = None,
    not_after: datetime | None = None,
    now: datetime,
) -> Row[Any] | None:
    """Promise a mail, in the transaction of the change that it tells about. The same `dedupe_key` promises it once:
    returns the message, None when it was promised before.

    `variables` are values, not words: an instant is ISO 8601 in UTC, an amount `{"amount", "currency"}`; they become
    words in the recipient's language when the mail is rendered. `resource_id` is what the mail is about, such as an
    order; `locale` is the language (None: the organization's); from `not_after` on it is not sent any more.
    """
    promise = Promise(actor, kind, recipient, variables, dedupe_key, resource_id, locale, not_after)
    promised = session.execute(_PROMISE_ONCE, _row(promise, now)).one_or_none()
    if promised is not None:
        jobs.enqueue(session, SEND, org_id=actor.org_id)
    return promised


def queue_many(session: Session, promises: Sequence[Promise], *, now: datetime) -> int:
    """Promise many mails, of several organizations, in one statement. Returns how many were not promised before.

    Always written in the order of their keys: two who promise the same wait for each other, and do not deadlock.
    """
    if not promises:
        return 0
    ordered = sorted(promises, key=lambda promise: (promise.actor.org_id, promise.dedupe_key))
    promised = session.execute(_PROMISE_ONCE, [_row(promise, now) for promise in ordered]).all()
    for org_id in dict.fromkeys(row.org_id for row in promised):
        jobs.enqueue(session, SEND, org_id=org_id)
    return len(promised)


def withdraw(
    session: Session, actor: Actor, resource_id: UUID, kind: MessageKind, reason: str, *, now: datetime
) -> None:
    """Take back the mails of this kind about something that have not gone out, with the next statement of `session`.
    `reason` is for people.

    They may be promised again under the same key: nobody has read them. One that a worker has in its hands at this
    moment may still arrive; if it does not, it is not tried again. Nor is one that is dead, or was kept from its
    recipient, replayed from now on.
    """
    values = {"org_id": actor.org_id, "resource_id": resource_id, "kind": str(kind), "reason": reason, "now": now}
    send_later(session, _WITHDRAW, values)


def about(session: Reader, actor: Actor, resource_id: UUID) -> Sequence[Row[Any]]:
    """The mails about something, such as an order, oldest first."""
    query = select(_messages).where(_messages.c.org_id == actor.org_id, _messages.c.resource_id == resource_id)
    return session.execute(query.order_by(_messages.c.id)).all()


def _row(promise: Promise, now: datetime) -> dict[str, Any]:
    return {
        "org_id": promise.actor.org_id,
        "id": new_id(),
        "kind": promise.kind,
        "recipient": promise.recipient,
        "variables": promise.variables,
        "dedupe_key": promise.dedupe_key,
        "resource_id": promise.resource_id,
        "request_id": promise.actor.request_id,
        "locale": promise.locale,
        "not_after": promise.not_after,
        "created_at": now,
        "next_attempt_at": now + PUBLISH_GRACE,
    }
