"""What became of mails after the provider took them, as its webhooks tell.

Events come in any order, any number of times, and in large batches. Of each mail the newest thing is kept that has been
told; what is not newer changes nothing. So a batch that comes twice has the effect of one, and an event that is played
back later does not bring back a suppression that staff has lifted meanwhile.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ARRAY, DateTime, Text, Uuid, and_, bindparam, cast, func, literal, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.core.ids import new_id
from shared.core.mail_addresses import spelled
from shared.core.orm import table_of
from shared.integrations.mail.events import Happening, MailEvent
from shared.messages.model import (
    SEALED_PASSWORD,
    Delivery,
    Message,
    MessageState,
    Suppression,
    SuppressionReason,
)

log = structlog.get_logger(__name__)

MOST_AHEAD = timedelta(minutes=5)
"""How far another clock may be ahead of ours. What claims to be from later would outdo all that really comes."""

TOLD_OF = (MessageState.SENDING, MessageState.RETRYING, MessageState.SENT)
"""And of one that is queued again after a try."""
UNSUBSCRIBED = "unsubscribed"
"""The `delivery_detail` of a mail whose reader wants no more of them."""

_RANKS = {
    each: rank for rank, each in enumerate(["deferred", "delivered", UNSUBSCRIBED, "dropped", "bounced", "complained"])
}
"""Which of two things of the same second came later; SendGrid tells no fractions."""

_messages, _suppressions = table_of(Message), table_of(Suppression)


def _arrays(name: str, **types: Any) -> Any:
    """Rows from one parameter for each column, whatever their number, so that the statement stays the same."""
    columns = [cast(bindparam(column), ARRAY(kind)) for column, kind in types.items()]
    return func.unnest(*columns).table_valued(*types, name=name).render_derived()


_told_of = _arrays("told_of", org_ids=Uuid(), ids=Uuid())
_LOCK = (
    select(
        _messages.c.org_id,
        _messages.c.id,
        _messages.c.recipient,
        func.lower(_messages.c.recipient).label("email"),
        _messages.c.delivery,
        _messages.c.delivery_at,
        _messages.c.delivery_detail,
    )
    .join(_told_of, (_messages.c.org_id == _told_of.c.org_ids) & (_messages.c.id == _told_of.c.ids))
    .where(
        or_(
            _messages.c.state.in_(TOLD_OF),
            and_(_messages.c.state == MessageState.QUEUED, _messages.c.attempts > 0),
        )
    )
    .order_by(_messages.c.org_id, _messages.c.id)  # the same for all, or two batches could wait for each other
    .with_for_update(of=_messages)
)
_new = _arrays(
    "new",
    org_ids=Uuid(),
    ids=Uuid(),
    deliveries=Text(),
    times=DateTime(timezone=True),
    details=Text(),
    provider_ids=Text(),
)
_RECORD = (
    update(_messages)
    .where(_messages.c.org_id == _new.c.org_ids, _messages.c.id == _new.c.ids)
    .values(
        delivery=_new.c.deliveries,
        delivery_at=_new.c.times,
        delivery_detail=_new.c.details,
        provider_id=func.coalesce(_messages.c.provider_id, _new.c.provider_ids),
        state=MessageState.SENT,
        sent_at=func.coalesce(_messages.c.sent_at, _new.c.times),
        next_attempt_at=null(),
        last_error=null(),
        variables=_messages.c.variables.op("-")(literal(SEALED_PASSWORD)),
    )
)
_unwanted = _arrays("unwanted", org_ids=Uuid(), ids=Uuid(), emails=Text(), reasons=Text(), details=Text())
_SUPPRESS = (
    insert(_suppressions)
    .from_select(
        ["org_id", "id", "email", "reason", "detail", "created_at"],
        select(_unwanted, cast(bindparam("at"), DateTime(timezone=True))),
    )
    .on_conflict_do_nothing(constraint="uq_mail_suppressions_org_id_email_reason")
)


@dataclass
class _Known:
    """What is known of one mail, and what its events add to it."""

    row: Any
    at: datetime | None
    delivery: str | None
    detail: str | None
    provider_id: str | None = None
    has_news: bool = False
    unwanted: dict[SuppressionReason, str | None] = field(default_factory=dict)


def record(session: Session, events: Iterable[MailEvent], *, now: datetime) -> dict[str, int]:
    """Keep what `events` tell of mails that are sent, or may be: whose worker died before it could write that down is
    sent by this, and not a second time. Writes down addresses that are to get no mail. Returns counts."""
    told = _by_message(events, now)
    if not told:
        return {"mails": 0, "suppressions": 0}
    org_ids, ids = [org_id for org_id, _ in told], [message_id for _, message_id in told]
    changed: list[_Known] = []
    for row in session.execute(_LOCK, {"org_ids": org_ids, "ids": ids}):
        known = _Known(row, row.delivery_at, row.delivery, row.delivery_detail)
        for event in sorted(told[row.org_id, row.id], key=_moment):
            _learn(known, event)
        if known.has_news:
            changed.append(known)
    if changed:
        _write(session, changed)
    unwanted = _suppress(session, changed, now)
    return {"mails": len(changed), "suppressions": unwanted}


def _by_message(events: Iterable[MailEvent], now: datetime) -> dict[tuple[UUID, UUID], list[MailEvent]]:
    found: dict[tuple[UUID, UUID], list[MailEvent]] = defaultdict(list)
    for event in events:
        if event.at > now + MOST_AHEAD:
            log.warning("messages.event_from_the_future", message_id=event.message_id, at=event.at.isoformat())
        else:
            found[event.org_id, event.message_id].append(event)
    return found


def _learn(known: _Known, event: MailEvent) -> None:
    """Take in one event, unless it is of somebody else, or not newer than what is known."""
    if _spelled(event.email) != _spelled(known.row.recipient):
        return
    if known.at is not None and _moment(event) <= (known.at, _rank(known.delivery, known.detail)):
        return
    known.has_news, known.at = True, event.at
    known.provider_id = known.provider_id or event.provider_id
    if event.what is Happening.UNSUBSCRIBED:
        # Who can unsubscribe has the mail.
        known.detail = UNSUBSCRIBED
        if known.delivery in {None, Delivery.DEFERRED}:
            known.delivery = Delivery.DELIVERED
    else:
        known.delivery, known.detail = Delivery(event.what), event.detail
    if (reason := _reason(event)) is not None:
        known.unwanted[reason] = event.detail


def _reason(event: MailEvent) -> SuppressionReason | None:
    if event.what is Happening.COMPLAINED:
        return SuppressionReason.COMPLAINED
    if event.what is Happening.UNSUBSCRIBED:
        return SuppressionReason.UNSUBSCRIBED
    return SuppressionReason.BOUNCED if event.is_bad_address else None


def _moment(event: MailEvent) -> tuple[datetime, int]:
    return event.at, _RANKS[event.what]


def _rank(delivery: str | None, detail: str | None) -> int:
    if detail == UNSUBSCRIBED:
        return _RANKS[UNSUBSCRIBED]
    return -1 if delivery is None else _RANKS[delivery]


def _write(session: Session, changed: Sequence[_Known]) -> None:
    columns = {
        "org_ids": [known.row.org_id for known in changed],
        "ids": [known.row.id for known in changed],
        "deliveries": [known.delivery for known in changed],
        "times": [known.at for known in changed],
        "details": [known.detail for known in changed],
        "provider_ids": [known.provider_id for known in changed],
    }
    session.execute(_RECORD, columns)


def _suppress(session: Session, changed: Sequence[_Known], now: datetime) -> int:
    """In the same order for all, or two batches could wait for each other."""
    unwanted = {
        (known.row.org_id, known.row.email, reason): detail
        for known in changed
        for reason, detail in known.unwanted.items()
    }
    if not unwanted:
        return 0
    ordered = sorted(unwanted)
    columns = {
        "org_ids": [org_id for org_id, _, _ in ordered],
        "ids": [new_id() for _ in ordered],
        "emails": [email for _, email, _ in ordered],
        "reasons": [reason for _, _, reason in ordered],
        "details": [unwanted[key] for key in ordered],
        "at": now,
    }
    return int(session.execute(_SUPPRESS, columns).rowcount)  # type: ignore[attr-defined]


def _spelled(address: str) -> str:
    """Lower case, the domain in ASCII, as it went over the wire."""
    try:
        return spelled(address).lower()
    except ValueError:
        return address.lower()
