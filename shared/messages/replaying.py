"""Sending dead mails again: the same mail, from the beginning, with the same Message-ID.

A worker that still has an earlier claim of such a mail records nothing: it names the lease of its claim, and every
claim has another one (`sending.record`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, case, func, select, text, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core import jobs
from shared.core.actor import Actor
from shared.core.errors import Conflict, code
from shared.core.orm import table_of
from shared.core.outbox import PUBLISH_GRACE
from shared.messages.jobs import SEND
from shared.messages.ledger import not_found, within
from shared.messages.model import PASSWORD_GONE, Message, MessageState, SuppressionReason
from shared.messages.sending import SUPPRESSED_BY

NOT_DEAD = code("messages.not_dead", "The mail is not dead")
WITHDRAWN = code("messages.withdrawn", "The mail was taken back")
FORGOTTEN = code("messages.forgotten", "What the mail said is forgotten")
PASSWORD_LOST = code("messages.password_gone", "The mail had a password that is forgotten")
TOO_LATE = code("messages.too_late", "It is too late for the mail")
SUPPRESSED = code("messages.suppressed", "The address gets no such mails")

_DETAILS = {
    NOT_DEAD: "Only a mail that is dead, or was kept from an address that may get mails again, is sent again.",
    WITHDRAWN: "What it told is not so any more.",
    FORGOTTEN: "The person was erased, or the mail is so old that what it said was forgotten.",
    PASSWORD_LOST: "Its temporary password is not kept. Reset the password: that sends a new mail.",
    TOO_LATE: "What it tells is over: it was of use until a moment that has passed.",
    SUPPRESSED: "The address has bounced, or its owner wants no such mails.",
}
_REFUSALS = {obstacle: partial(Conflict, obstacle, detail) for obstacle, detail in _DETAILS.items()}

_messages = table_of(Message)
_message = _messages.c
_NOTHING = text("'{}'::jsonb")
_REPLAYED_FROM = (MessageState.DEAD, MessageState.SUPPRESSED)

IS_WITHDRAWN = and_(
    _message.state == MessageState.SUPPRESSED,
    func.coalesce(_message.last_error, "").not_in(sorted(SuppressionReason)),
)
"""Kept from its recipient for another reason than who that is: what it told is not so any more."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which mails of the organization to send again: those for which all that is given holds. None is any.

    `error_contains` is looked for in the last error, in any case. Without `message_ids`, dead ones are meant.
    """

    message_ids: Sequence[UUID] | None = None
    kind: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    error_contains: str | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many are sent again; how many cannot be, by the code of the reason; how many more could be."""

    replayed: int
    skipped: Mapping[str, int]
    remaining: int


def replay(session: Session, actor: Actor, message_id: UUID, *, now: datetime) -> Row[Any]:
    """Send one mail again. Its last error stays until it is sent. Raises `NotFound`, or `Conflict` with the reason."""
    mine = (_message.org_id == actor.org_id, _message.id == message_id)
    query = select(_message.state, _obstacle(now).label("obstacle")).where(*mine)
    found = session.execute(query.with_for_update(of=_messages)).one_or_none()
    if found is None:
        raise not_found()
    if found.obstacle is not None:
        raise _REFUSALS[found.obstacle](state=found.state)
    row = session.execute(_putting_back(actor, [message_id], now).returning(_messages)).one()
    audit.record(session, actor, "messages.replay", message_id, now=now, after={"kind": row.kind})
    jobs.enqueue(session, SEND, org_id=actor.org_id)
    return row


def replay_all(session: Session, actor: Actor, wanted: Wanted, *, limit: int, now: datetime) -> Replayed:
    """Send mails again, the oldest first and `limit` at most. Four statements, whatever their number.

    Raises `NotFound` when one of `message_ids` is not a mail of the organization; then nothing is sent again.
    """
    query = select(_message.id, _obstacle(now).label("obstacle")).where(*_matching(actor, wanted))
    if wanted.message_ids is None:
        query = query.where(_obstacle(now).is_(None)).limit(limit)
    else:
        _demand_all_known(session, actor, wanted.message_ids)
    found = session.execute(query.order_by(_message.id).with_for_update(of=_messages)).all()
    free = [row.id for row in found if row.obstacle is None]
    chosen = free[:limit]
    if chosen:
        session.execute(_putting_back(actor, chosen, now))
        audit.record(session, actor, "messages.replay_all", actor.org_id, now=now, after=_told(wanted, chosen))
        jobs.enqueue(session, SEND, org_id=actor.org_id)
    if wanted.message_ids is None:
        counts = _count_left(session, actor, wanted, now=now)
    else:
        counts = {**Counter(row.obstacle for row in found), None: len(free) - len(chosen)}
    skipped = {obstacle: number for obstacle, number in counts.items() if obstacle is not None}
    return Replayed(len(chosen), skipped, counts.get(None, 0))


def _obstacle(now: datetime) -> ColumnElement[str | None]:
    """The code of what keeps a row from being sent again, NULL when nothing does."""
    return case(
        (_message.state.not_in(_REPLAYED_FROM), NOT_DEAD),
        (IS_WITHDRAWN, WITHDRAWN),
        (_message.variables == _NOTHING, FORGOTTEN),
        (_message.variables.has_key(PASSWORD_GONE), PASSWORD_LOST),
        (_message.not_after <= now, TOO_LATE),
        (SUPPRESSED_BY.is_not(None), SUPPRESSED),
    )


def _putting_back(actor: Actor, message_ids: Sequence[UUID], now: datetime) -> Any:
    kept_from_them = _message.state == MessageState.SUPPRESSED
    return (
        update(_messages)
        .where(
            _message.org_id == actor.org_id, _message.id.in_(message_ids), _message.state.in_(sorted(_REPLAYED_FROM))
        )
        .values(
            state=MessageState.QUEUED,
            attempts=0,
            next_attempt_at=now + PUBLISH_GRACE,
            last_error=case((kept_from_them, None), else_=_message.last_error),
        )
    )


def _matching(actor: Actor, wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    yield _message.org_id == actor.org_id
    yield from within(wanted.created_from, wanted.created_to)
    if wanted.message_ids is None:
        yield _message.state == MessageState.DEAD
    else:
        yield _message.id.in_(wanted.message_ids)
    if wanted.kind:
        yield _message.kind == wanted.kind
    if wanted.error_contains:
        yield func.strpos(func.lower(_message.last_error), wanted.error_contains.lower()) > 0


def _demand_all_known(session: Session, actor: Actor, message_ids: Sequence[UUID]) -> None:
    known = select(_message.id).where(_message.org_id == actor.org_id, _message.id.in_(message_ids))
    if set(message_ids) - set(session.scalars(known)):
        raise not_found()


def _count_left(session: Session, actor: Actor, wanted: Wanted, *, now: datetime) -> dict[str | None, int]:
    """How many of the mails that were asked for are dead still, by what keeps them from being sent again."""
    left = select(_obstacle(now).label("obstacle")).where(*_matching(actor, wanted)).subquery()
    counting = select(left.c.obstacle, func.count()).group_by(left.c.obstacle)
    return {row[0]: row[1] for row in session.execute(counting)}


def _told(wanted: Wanted, chosen: Sequence[UUID]) -> dict[str, Any]:
    """For the auditor: which mails, and by what they were chosen. Errors name addresses, so no words of theirs."""
    given = ("message_ids", "kind", "created_from", "created_to", "error_contains")
    by = [name for name in given if getattr(wanted, name) is not None]
    return {"chosen_by": by, "message_ids": [str(each) for each in chosen]}
