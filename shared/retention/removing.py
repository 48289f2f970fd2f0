"""How rows of each kind go, where that is more than a DELETE. All in the caller's transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, case, delete, func, null, select, update
from sqlalchemy.orm import Session

from shared.audit.model import AuditEntry
from shared.core.orm import table_of
from shared.identity.model import StaffSession, UsedRefreshToken
from shared.leads.model import Lead
from shared.messages.model import FINISHED, Message, MessageState
from shared.order_photos import service as order_photos
from shared.order_photos.model import OrderPhoto
from shared.privacy.scrubbing import ERASED
from shared.retention.categories import NOTHING_SAID, Category

MOST_TOKENS = 2000
"""Used tokens in one transaction. A session that was refreshed for months has thousands."""

Condition = Sequence[ColumnElement[bool]]
Remove = Callable[[Session, Condition, datetime], int | None]

_audit, _leads, _messages = table_of(AuditEntry), table_of(Lead), table_of(Message)
_photos, _sessions, _tokens = table_of(OrderPhoto), table_of(StaffSession), table_of(UsedRefreshToken)


def remove(session: Session, category: Category, where: Condition, *, now: datetime) -> int | None:
    """Forget the rows of `category` for which all of `where` holds. Returns how many; None when there is so much that
    hangs on them that they go the next time."""
    if category.name in _REMOVERS:
        return _REMOVERS[category.name](session, where, now)
    gone = delete(category.table).where(*where).returning(category.table.c.id)
    return len(session.execute(gone).all())


def _scrub_messages(session: Session, where: Condition, _: datetime) -> int:
    message = _messages.c
    kept_error = case((message.state == MessageState.SUPPRESSED, message.last_error), else_=null())
    forgotten = {"variables": NOTHING_SAID, "last_error": kept_error, "delivery_detail": None}
    return len(session.execute(update(_messages).where(*where).values(forgotten).returning(message.id)).all())


def _remove_leads(session: Session, where: Condition, _: datetime) -> int:
    """Whose request it was goes with it, also where its mails have been sent to."""
    gone = session.execute(delete(_leads).where(*where).returning(_leads.c.org_id, _leads.c.id)).all()
    if gone:
        message = _messages.c
        about = (message.org_id == gone[0].org_id, message.resource_id.in_([row.id for row in gone]))
        finished = message.state.in_(sorted(FINISHED))
        session.execute(update(_messages).where(*about, finished).values(recipient=ERASED))
    return len(gone)


def _remove_photos(session: Session, where: Condition, now: datetime) -> int:
    removed = session.execute(delete(_photos).where(*where).returning(_photos)).all()
    order_photos.owe_objects(session, removed, now=now)
    return len(removed)


def _remove_sessions(session: Session, where: Condition, _: datetime) -> int | None:
    token = _tokens.c
    over = select(_sessions.c.org_id, _sessions.c.id).where(*where).subquery()
    of_them = select(token.org_id, token.id).join(
        over, (token.org_id == over.c.org_id) & (token.session_id == over.c.id)
    )
    some = of_them.limit(MOST_TOKENS).subquery()
    used = delete(_tokens).where(token.org_id == some.c.org_id, token.id == some.c.id).returning(token.id)
    if len(session.execute(used).all()) == MOST_TOKENS:
        return None
    return len(session.execute(delete(_sessions).where(*where).returning(_sessions.c.id)).all())


def _remove_audit_entries(session: Session, where: Condition, _: datetime) -> int:
    """Nobody may delete entries; the database lends a function that deletes those that are older than a year, of the
    transaction's organization only (migration 0027)."""
    old: ScalarSelect[Any] = select(_audit.c.id).where(*where).scalar_subquery()
    return session.scalar(select(func.forget_audit_entries(func.array(old)))) or 0


_REMOVERS: dict[str, Remove] = {
    "messages": _scrub_messages,
    "leads": _remove_leads,
    "photos": _remove_photos,
    "sessions": _remove_sessions,
    "audit_entries": _remove_audit_entries,
}
