"""A mail that was sent before, as a new one: to the address that its recipient has now."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, literal, select, text
from sqlalchemy.orm import Session

from shared.core.actor import Actor
from shared.core.errors import Conflict, code
from shared.core.orm import table_of
from shared.messages import service as messages
from shared.messages import suppressions
from shared.messages.model import OPTIONAL, UNFINISHED, Message, MessageKind, MessageState, SuppressionReason
from shared.messages.replaying import IS_WITHDRAWN, SUPPRESSED, TOO_LATE

NOTHING_TO_RESEND = code("messages.nothing_to_resend", "There is no mail to send again")
ON_ITS_WAY = code("messages.on_its_way", "The last mail is still on its way")
JUST_SENT = code("messages.just_sent", "The mail was sent again a moment ago")

PAUSE = timedelta(minutes=1)
"""Between two copies of a mail to one address, or a mailbox could be filled by pressing a button."""
_AGAIN = "again:"

_messages = table_of(Message)
_message = _messages.c


def resend_last(
    session: Session,
    actor: Actor,
    resource_id: UUID,
    recipient: str,
    *,
    kinds: Iterable[str],
    no_reminder_from: datetime,
    now: datetime,
) -> Row[Any]:
    """Send the last mail of `kinds` about something again, as a new mail to `recipient`: the same kind, language and
    variables, so it says what was so then. One that is optional, such as a reminder, only before `no_reminder_from`,
    and only if that is the time which it tells.

    One that was taken back is passed over. Raises `Conflict` when there is none whose words are still known, when it is
    on its way, too late, or was sent again a moment ago, or when the address gets no such mails.
    """
    last = _last(session, actor, resource_id, recipient, kinds)
    not_after = no_reminder_from if last.kind in OPTIONAL else last.not_after
    _demand_useful(last, not_after, now)
    _demand_pause(last, recipient, now)
    # Of two who ask at once, one sends: what was sent again is the last mail from then on.
    made = messages.queue(
        session,
        actor,
        MessageKind(last.kind),
        recipient,
        last.variables,
        dedupe_key=f"{_AGAIN}{last.id}",
        resource_id=resource_id,
        locale=last.locale,
        not_after=not_after,
        now=now,
    )
    if made is None:
        raise _on_its_way(MessageState.QUEUED)
    return made


def _last(session: Session, actor: Actor, resource_id: UUID, recipient: str, kinds: Iterable[str]) -> Row[Any]:
    """The last mail about it, with `suppressed_by`: why `recipient` does not get such mails."""
    mine = (_message.org_id == actor.org_id, _message.resource_id == resource_id, _message.kind.in_(sorted(kinds)))
    query = select(_messages, suppressions.keeping(literal(recipient.lower())).label("suppressed_by")).where(*mine)
    is_known = (_message.variables != text("'{}'::jsonb"), ~IS_WITHDRAWN)
    last = session.execute(query.where(*is_known).order_by(_message.id.desc()).limit(1)).one_or_none()
    if last is None:
        raise Conflict(NOTHING_TO_RESEND, "No mail was written about this, or what it said is forgotten.")
    return last


def _demand_useful(last: Row[Any], not_after: datetime | None, now: datetime) -> None:
    if last.state in UNFINISHED:
        raise _on_its_way(last.state)
    tells_another_time = last.kind in OPTIONAL and last.not_after not in {None, not_after}
    if tells_another_time or (not_after is not None and not_after <= now):
        raise Conflict(TOO_LATE, "What the mail tells is over.", not_after=not_after)
    if last.suppressed_by is not None:
        detail = "Mail to this address has come back: give the client another one, or lift that."
        if last.suppressed_by != SuppressionReason.BOUNCED:
            detail = "Whoever reads at this address wants no such mail."
        raise Conflict(SUPPRESSED, detail, reason=last.suppressed_by)


def _demand_pause(last: Row[Any], recipient: str, now: datetime) -> None:
    is_copy = last.state == MessageState.SENT and last.dedupe_key.startswith(_AGAIN)
    again_at = last.created_at + PAUSE
    if is_copy and last.recipient.lower() == recipient.lower() and now < again_at:
        raise Conflict(JUST_SENT, "Give it a minute to arrive.", again_at=again_at)


def _on_its_way(state: str) -> Conflict:
    return Conflict(ON_ITS_WAY, f"The last mail about this is {state}. Wait for its end.", state=state)
