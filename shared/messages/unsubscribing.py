"""What a reader decides by the link in an `OPTIONAL` mail (`unsubscribe_links.py`): no more of them, or some again.

It holds for the address that the mail went to, in the organization that sent it. Both decisions may be repeated.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, delete, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core.actor import Actor
from shared.core.ids import new_id
from shared.core.orm import Reader, table_of
from shared.messages.model import Message, Suppression, SuppressionReason
from shared.organizations.model import Organization

SAID_BY_READERS = (SuppressionReason.COMPLAINED, SuppressionReason.UNSUBSCRIBED)

_messages, _suppressions, _organizations = table_of(Message), table_of(Suppression), table_of(Organization)
_ABOUT: Select[Any] = (
    select(
        _messages.c.recipient,
        _messages.c.locale,
        _organizations.c.name,
        _organizations.c.mail_sender_name,
        _organizations.c.locale.label("organization_locale"),
        _organizations.c.brand_color,
    )
    .select_from(_organizations)
    .outerjoin(_messages, (_messages.c.org_id == _organizations.c.id) & (_messages.c.id == bindparam("message_id")))
    .where(_organizations.c.id == bindparam("org_id"))
)


def find(session: Reader, org_id: UUID, message_id: UUID) -> Row[Any] | None:
    """What a page says about the mail and its sender; None when the organization is gone."""
    return session.execute(_ABOUT, {"org_id": org_id, "message_id": message_id}).one_or_none()


def is_reachable(recipient: str | None) -> bool:
    """Whether there is somebody to write to: the mail may be gone, or its reader forgotten."""
    return recipient is not None and "@" in recipient


def is_out(session: Reader, org_id: UUID, recipient: str) -> bool:
    """Whether whoever reads at `recipient` has said that they want no more."""
    return bool(session.execute(select(exists().where(*_said(org_id, recipient)))).scalar_one())


def unsubscribe(session: Session, actor: Actor, message_id: UUID, *, now: datetime) -> None:
    """Send no more `OPTIONAL` mail to whom the mail went to, if they are known still."""
    recipient = _lock_recipient(session, actor, message_id)
    if recipient is None:
        return
    row = {
        "org_id": actor.org_id,
        "id": new_id(),
        "email": recipient.lower(),
        "reason": SuppressionReason.UNSUBSCRIBED,
        "created_at": now,
    }
    adding = insert(_suppressions).on_conflict_do_nothing(constraint="uq_mail_suppressions_org_id_email_reason")
    added: UUID | None = session.scalar(adding.returning(_suppressions.c.id), row)
    if added is not None:
        after = {"reason": str(SuppressionReason.UNSUBSCRIBED), "message_id": str(message_id)}
        audit.record(session, actor, "mail_suppressions.add", added, now=now, after=after)


def resubscribe(session: Session, actor: Actor, message_id: UUID, *, now: datetime) -> None:
    """Take back what the reader has said before; an address that does not exist stays suppressed."""
    recipient = _lock_recipient(session, actor, message_id)
    if recipient is None:
        return
    undone = delete(_suppressions).where(*_said(actor.org_id, recipient))
    for gone in session.execute(undone.returning(_suppressions.c.id, _suppressions.c.reason)).all():
        before = {"reason": gone.reason, "message_id": str(message_id)}
        audit.record(session, actor, "mail_suppressions.remove", gone.id, now=now, before=before)


def _lock_recipient(session: Session, actor: Actor, message_id: UUID) -> str | None:
    """Whom the mail went to. Held, so that nobody is forgotten (`shared/privacy`) while their address is written."""
    mine = (_messages.c.org_id == actor.org_id, _messages.c.id == message_id)
    recipient: str | None = session.scalar(select(_messages.c.recipient).where(*mine).with_for_update(read=True))
    return recipient if is_reachable(recipient) else None


def _said(org_id: UUID, recipient: str) -> tuple[Any, ...]:
    column = _suppressions.c
    return column.org_id == org_id, column.email == recipient.lower(), column.reason.in_(SAID_BY_READERS)
