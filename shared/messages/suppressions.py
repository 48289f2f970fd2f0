"""Addresses that an organization no longer writes to, as its staff see them. `sending.claim` keeps to them.

A bounced one may be lifted by staff, who know that the mailbox works again. What a reader has said stays until the
reader takes it back (`unsubscribing.py`).
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, delete, or_, select
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core import pages
from shared.core.actor import Actor
from shared.core.errors import Conflict, NotFound, code
from shared.core.orm import Reader, table_of
from shared.messages.model import OPTIONAL, Message, Suppression, SuppressionReason

NOT_FOUND = code("mail_suppressions.not_found", "No such suppression")
NOT_LIFTABLE = code("mail_suppressions.not_liftable", "Only the reader may take this back")

_messages, _suppressions = table_of(Message), table_of(Suppression)
_ALL = select(*(column for column in _suppressions.columns if column.name != "org_id"))


def keeping(address: ColumnElement[str]) -> ScalarSelect[str]:
    """Why `address` (in lower case) is not to get a row of `messages`, for a statement on these; NULL when nothing is
    against it. A bounce keeps everything from it, what a reader has said keeps `OPTIONAL` mail."""
    column = _suppressions.c
    keeps = or_(column.reason == SuppressionReason.BOUNCED, _messages.c.kind.in_(sorted(OPTIONAL)))
    found = select(column.reason).where(column.org_id == _messages.c.org_id, column.email == address, keeps)
    return found.order_by(column.reason).limit(1).correlate(_messages).scalar_subquery()


def list_page(
    session: Reader,
    actor: Actor,
    request: pages.PageRequest,
    *,
    reason: SuppressionReason | None = None,
    email: str | None = None,
) -> pages.Page:
    """Suppressions, the newest first; those of `email` in any case."""
    column = _suppressions.c
    query = _ALL.where(column.org_id == actor.org_id)
    if reason:
        query = query.where(column.reason == reason)
    if email:
        query = query.where(column.email == email.lower())
    return pages.fetch_page(session, query, request, pages.by_id(column.id))


def lift(session: Session, actor: Actor, suppression_id: UUID, *, now: datetime) -> None:
    """Write to a bounced address again. Raises `NotFound`, or `Conflict` when its reader wants no mail."""
    mine = (_suppressions.c.org_id == actor.org_id, _suppressions.c.id == suppression_id)
    found = session.execute(select(_suppressions.c.reason).where(*mine).with_for_update()).one_or_none()
    if found is None:
        raise NotFound(NOT_FOUND, "There is no such suppression.")
    if found.reason != SuppressionReason.BOUNCED:
        detail = (
            "Whoever reads at this address wants no such mail. Only they can take that back, by the link in a mail."
        )
        raise Conflict(NOT_LIFTABLE, detail, reason=found.reason)
    session.execute(delete(_suppressions).where(*mine))
    audit.record(
        session, actor, "mail_suppressions.lift", suppression_id, now=now, before={"reason": str(found.reason)}
    )
