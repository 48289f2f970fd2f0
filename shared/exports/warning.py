"""Telling staff that events were given up: once a day at most, and only when there are more than they know of."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, or_, select, update
from sqlalchemy.orm import Session

from shared.core.actor import Actor, system
from shared.core.orm import Reader, table_of
from shared.core.permissions import Role
from shared.exports import endpoints
from shared.exports.auto_replaying import LABEL
from shared.exports.model import Export, ExportState, WebhookEndpoint
from shared.exports.telling import without_secrets
from shared.identity.model import User, UserState
from shared.messages import service as messages
from shared.messages.model import MessageKind

APART = timedelta(days=1)
LONGEST_ERROR = 200

_exports, _endpoints, _users = table_of(Export), table_of(WebhookEndpoint), table_of(User)
_export, _endpoint = _exports.c, _endpoints.c
_GIVEN_UP = (_export.state == ExportState.DEAD, _export.dead_at.is_not(None))
"""Not what was dropped because its person was erased: nobody can mend that."""


def find_changed(session: Reader, *, now: datetime, limit: int) -> list[UUID]:
    """Organizations that have more dead events than at the last warning and may be warned again, or fewer: from there
    it may grow. Needs no organization's scope; in one, that one is meant."""
    piles = select(_export.org_id, func.count().label("dead")).where(*_GIVEN_UP).group_by(_export.org_id).subquery()
    dead = func.coalesce(piles.c.dead, 0)
    known = func.coalesce(_endpoint.warned_dead, 0)
    may_warn = or_(_endpoint.warned_at.is_(None), _endpoint.warned_at <= now - APART)
    both = piles.join(_endpoints, _endpoint.org_id == piles.c.org_id, full=True)
    org_id = func.coalesce(piles.c.org_id, _endpoint.org_id)
    changed = or_((dead > known) & may_warn, dead < known)
    return list(session.execute(select(org_id).select_from(both).where(changed).limit(limit)).scalars())


def warn(session: Session, org_id: UUID, *, now: datetime) -> int:
    """Mail the active owners and admins of an organization if its pile of dead events has grown. Returns 1 if so.

    Whoever comes second finds that it is done: the endpoint's row is locked.
    """
    actor = system(org_id, LABEL)
    endpoint = endpoints.lock(session, actor, now=now)
    dead = session.scalar(select(func.count()).where(_export.org_id == org_id, *_GIVEN_UP)) or 0
    if dead > endpoint.warned_dead and (endpoint.warned_at is None or endpoint.warned_at <= now - APART):
        _mail(session, actor, endpoint, dead, now)
        _remember(session, org_id, warned_dead=dead, warned_at=now)
        return 1
    if dead < endpoint.warned_dead:
        _remember(session, org_id, warned_dead=dead)
    return 0


def _mail(session: Session, actor: Actor, endpoint: Row[Any], dead: int, now: datetime) -> None:
    staff = (_users.c.role.in_([Role.OWNER, Role.ADMIN]), _users.c.state == UserState.ACTIVE)
    people = session.execute(select(_users.c.id, _users.c.email).where(_users.c.org_id == actor.org_id, *staff)).all()
    variables = _told(endpoint, dead)
    promises = [
        messages.Promise(
            actor, MessageKind.OPERATOR_ALERT, person.email, variables, f"dead_exports:{now:%Y-%m-%d}:{person.id}"
        )
        for person in people
    ]
    messages.queue_many(session, promises, now=now)


def _told(endpoint: Row[Any], dead: int) -> dict[str, Any]:
    events = "1 event" if dead == 1 else f"{dead} events"
    facts = [["given up", str(dead)], ["of these new", str(dead - endpoint.warned_dead)]]
    if endpoint.last_error:
        facts.append(["last error", (without_secrets(endpoint.last_error) or "")[:LONGEST_ERROR]])
    return {
        "title": f"{events} for other systems could not be delivered",
        "text": "Your webhook endpoint did not take them, however often they were sent. When it is mended, replay them:"
        " GET and POST /v1/admin/export-dead-letter.",
        "facts": facts,
        "url": None,
    }


def _remember(session: Session, org_id: UUID, **values: Any) -> None:
    session.execute(update(_endpoints).where(_endpoint.org_id == org_id).values(**values))
