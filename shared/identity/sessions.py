"""Sessions: opened, listed, ended, and what the database says of one that is over or owes something."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select, text, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core import pages
from shared.core.actor import Actor
from shared.core.database_errors import refusal_on
from shared.core.errors import Forbidden, NotFound, code
from shared.core.orm import Reader, table_of
from shared.core.permissions import Role
from shared.core.settings import Settings
from shared.identity.mfa import MFA_ENROLMENT_REQUIRED
from shared.identity.model import StaffSession, User
from shared.identity.tokens import Unauthenticated, hash_token, issue_access_token, new_secret_token

PASSWORD_CHANGE_REQUIRED = code("identity.password_change_required", "Change your temporary password first")
NO_SESSION = code("identity.no_such_session", "No such session")


def _over() -> Unauthenticated:
    return Unauthenticated("The session is over. Sign in again.")


# What `check_session` in the database raises (migrations/versions/0009_people.py).
refusal_on("CW401", _over)
refusal_on("CWPWD", lambda: Forbidden(PASSWORD_CHANGE_REQUIRED, "POST /v1/auth/change-password is the way on."))
refusal_on("CWMFA", lambda: Forbidden(MFA_ENROLMENT_REQUIRED, "Your organization asks for one: POST /v1/auth/mfa."))

_sessions = table_of(StaffSession)
_NOTHING = text("SELECT 1")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client keeps. `expires_in` is the life of the access token in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - the scheme, RFC 6750


def open_session(
    session: Session, settings: Settings, user: User, *, address: str | None, agent: str, now: datetime
) -> Tokens:
    """A new session of `user`, whose client has this address and calls itself `agent`."""
    refresh_token = new_secret_token()
    row = StaffSession(
        org_id=user.org_id,
        user_id=user.id,
        refresh_hash=hash_token(refresh_token),
        created_at=now,
        idle_until=now + timedelta(minutes=settings.auth_session_ttl_minutes),
        ends_at=now + timedelta(minutes=settings.auth_refresh_token_ttl_minutes),
        address=address,
        user_agent=agent,
        last_used_at=now,
    )
    session.add(row)
    session.flush()
    return tokens_of(settings, row, Role(user.role), refresh_token, now=now)


def sign_out(session: Session, actor: Actor, *, now: datetime) -> None:
    """End the actor's session; its tokens are refused from now on."""
    assert actor.user_id is not None
    assert actor.session_id is not None
    _end(session, actor, StaffSession.id == actor.session_id, now)
    audit.record(session, actor, "identity.sign_out", actor.user_id, now=now)


def list_page(session: Reader, actor: Actor, request: pages.PageRequest, *, now: datetime) -> pages.Page:
    """The actor's own sessions that live, newest first."""
    mine = select(_sessions).where(
        _sessions.c.org_id == actor.org_id,
        _sessions.c.user_id == actor.user_id,
        _sessions.c.revoked_at.is_(None),
        _sessions.c.idle_until > now,
        _sessions.c.ends_at > now,
    )
    return pages.fetch_page(session, mine, request, pages.by_id(_sessions.c.id))


def end_own(session: Session, actor: Actor, session_id: UUID, *, now: datetime) -> None:
    """End one of the actor's own sessions, the current one included. Raises `NotFound`."""
    if not _end(session, actor, StaffSession.id == session_id, now, StaffSession.user_id == actor.user_id):
        raise NotFound(NO_SESSION, "You have no such session, or it has ended.")
    audit.record(session, actor, "identity.end_session", session_id, now=now)


def end_all(session: Session, actor: Actor, user_id: UUID, *, now: datetime, but: UUID | None = None) -> int:
    """End every session of a user, except for `but`. Returns how many."""
    return _end(session, actor, StaffSession.user_id == user_id, now, StaffSession.id.is_distinct_from(but))


def check_session(session: Reader) -> None:
    """Nothing but the look at the session that precedes every first statement in `SignedIn`. Raises `Unauthenticated`
    (out of the block) when it is over."""
    session.execute(_NOTHING)


def refuse_ended(session: Session, actor: Actor) -> None:
    """Look at the actor's session and role once more: for work that has waited since the look that precedes it, and
    that gives lasting power. Raises `Unauthenticated`."""
    if actor.session_id is None:
        return
    lives = select(_sessions.c.id).where(
        _sessions.c.org_id == actor.org_id, _sessions.c.id == actor.session_id, _sessions.c.revoked_at.is_(None)
    )
    same_role = select(User.id).where(User.org_id == actor.org_id, User.id == actor.user_id, User.role == actor.role)
    if not session.scalar(select(and_(lives.exists(), same_role.exists()))):
        raise _over()


def tokens_of(settings: Settings, row: StaffSession, role: Role, refresh_token: str, *, now: datetime) -> Tokens:
    """Tokens for the session of `row`: a new access token beside the refresh token that it now has."""
    ttl = timedelta(minutes=settings.auth_access_token_ttl_minutes)
    access_token = issue_access_token(
        settings.auth_secrets[0],
        user_id=row.user_id,
        org_id=row.org_id,
        session_id=row.id,
        role=role,
        now=now,
        ttl=ttl,
    )
    return Tokens(access_token, f"{row.org_id}.{refresh_token}", int(ttl.total_seconds()))


def _end(session: Session, actor: Actor, which: Any, now: datetime, *more: Any) -> int:
    mine = (StaffSession.org_id == actor.org_id, which, *more, StaffSession.revoked_at.is_(None))
    ended = session.execute(update(StaffSession).where(*mine).values(revoked_at=now).returning(StaffSession.id))
    return len(ended.all())
