from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.core import jobs
from shared.core.actor import Actor
from shared.core.ids import new_id
from shared.core.orm import Reader, table_of
from shared.core.outbox import PUBLISH_GRACE
from shared.messages.jobs import SEND
from shared.messages.model import Message, MessageKind

_messages = table_of(Message)
_PROMISE_ONCE = (
    insert(_messages).on_conflict_do_nothing(constraint="uq_messages_org_id_dedupe_key").returning(_messages.c.id)
)


def queue(
    session: Session,
    actor: Actor,
    kind: MessageKind,
    recipient: str,
    variables: dict[str, Any],
    *,
    dedupe_key: str,
    resource_id: UUID | None = None,
    not_after: datetime | None = None,
    now: datetime,
) -> UUID | None:
    """Promise a mail, in the transaction of the change that it tells about. The same `dedupe_key` promises it once:
    returns the message's id, None when it was promised before.

    `variables` are values, not words: an instant is ISO 8601 in UTC, an amount `{"amount", "currency"}`; they become
    words in the recipient's language when the mail is rendered. `resource_id` is what the mail is about, such as an
    order; from `not_after` on it is not sent any more.
    """
    row = {
        "org_id": actor.org_id,
        "id": new_id(),
        "kind": kind,
        "recipient": recipient,
        "variables": variables,
        "dedupe_key": dedupe_key,
        "resource_id": resource_id,
        "request_id": actor.request_id,
        "not_after": not_after,
        "created_at": now,
        "next_attempt_at": now + PUBLISH_GRACE,
    }
    promised: UUID | None = session.scalar(_PROMISE_ONCE, row)
    if promised is not None:
        jobs.enqueue(session, SEND, org_id=actor.org_id)
    return promised


def about(session: Reader, actor: Actor, resource_id: UUID) -> Sequence[Row[Any]]:
    """The mails about something, such as an order, oldest first."""
    query = select(_messages).where(_messages.c.org_id == actor.org_id, _messages.c.resource_id == resource_id)
    return session.execute(query.order_by(_messages.c.id)).all()
