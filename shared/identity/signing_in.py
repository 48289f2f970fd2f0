"""Sign in, refresh, sign out, and what a session that is over means."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core.actor import Actor
from shared.core.database_errors import refusal_on
from shared.core.orm import Reader, table_of
from shared.core.permissions import Role
from shared.core.settings import Settings
from shared.identity.model import StaffSession, User, UserState
from shared.identity.tokens import (
    Unauthenticated,
    hash_token,
    issue_access_token,
    new_secret_token,
)
from shared.organizations.model import Organization

refusal_on("CW401", lambda: Unauthenticated("The session is over. Sign in again."))

_users, _organizations = table_of(User), table_of(Organization)

_NOTHING = text("SELECT 1")

WRONG = "The organization, e-mail address or password is wrong."


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client keeps. `expires_in` is the life of the access token in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - the scheme, RFC 6750


def find_account(session: Reader, *, email: str, org: str | None) -> Row[Any] | None:
    """The one account that `email` names, in organization `org` (slug) if given. None for none, or several."""
    accounts = (
        select(_users)
        .join(_organizations, _organizations.c.id == _users.c.org_id)
        .where(func.lower(_users.c.email) == func.lower(email.strip()), _users.c.state == UserState.ACTIVE)
        .limit(2)
    )
    if org is not None:
        accounts = accounts.where(_organizations.c.slug == org)
    found = session.execute(accounts).all()
    return found[0] if len(found) == 1 else None


def start_session(
    session: Session, settings: Settings, actor: Actor, *, checked_hash: str | None, now: datetime
) -> Tokens:
    """Open a session for the user who `actor` is, whose password was checked against `checked_hash`.

    Raises `Unauthenticated` when the password or the account has changed since: the check takes long, and a session
    opened with the old password after the reset that ended all others would live on.
    """
    assert actor.user_id is not None
    assert actor.role is not None
    unchanged = select(User.id).where(
        User.org_id == actor.org_id,
        User.id == actor.user_id,
        User.state == UserState.ACTIVE,
        User.password_hash.is_not_distinct_from(checked_hash),
    )
    if session.scalar(unchanged.with_for_update(read=True)) is None:
        raise Unauthenticated(WRONG)
    refresh_token = new_secret_token()
    row = StaffSession(
        org_id=actor.org_id,
        user_id=actor.user_id,
        refresh_hash=hash_token(refresh_token),
        created_at=now,
        idle_until=now + timedelta(minutes=settings.auth_session_ttl_minutes),
        ends_at=now + timedelta(minutes=settings.auth_refresh_token_ttl_minutes),
    )
    session.add(row)
    session.flush()
    audit.record(session, actor, "identity.sign_in", actor.user_id, now=now)
    return _tokens(settings, row, actor.role, refresh_token, now)


def refresh(session: Session, settings: Settings, org_id: UUID, refresh_token: str, *, now: datetime) -> Tokens:
    """Swap a refresh token for new tokens, under a row lock; the old one is dead. Raises `Unauthenticated`."""
    mine = select(StaffSession).where(
        StaffSession.org_id == org_id, StaffSession.refresh_hash == hash_token(refresh_token)
    )
    row = session.scalar(mine.with_for_update())
    user = session.get(User, (org_id, row.user_id)) if row else None
    if row is None or user is None or not _alive(row, now) or user.state != UserState.ACTIVE:
        raise Unauthenticated("The refresh token is used, expired or not ours. Sign in again.")
    successor = new_secret_token()
    row.refresh_hash = hash_token(successor)
    row.idle_until = now + timedelta(minutes=settings.auth_session_ttl_minutes)
    return _tokens(settings, row, Role(user.role), successor, now)


def sign_out(session: Session, actor: Actor, *, now: datetime) -> None:
    """End the actor's session; its tokens are refused from now on."""
    mine = (StaffSession.org_id == actor.org_id, StaffSession.id == actor.session_id, StaffSession.revoked_at.is_(None))
    session.execute(update(StaffSession).where(*mine).values(revoked_at=now))
    assert actor.user_id is not None
    audit.record(session, actor, "identity.sign_out", actor.user_id, now=now)


def check_session(session: Reader) -> None:
    """Nothing but the look at the session that precedes every first statement in `SignedIn`. Raises `Unauthenticated`
    (out of the block) when it is over."""
    session.execute(_NOTHING)


def get_user(session: Reader, actor: Actor) -> Row[Any]:
    """The signed-in user's own account."""
    mine = select(_users).where(_users.c.org_id == actor.org_id, _users.c.id == actor.user_id)
    user = session.execute(mine).one_or_none()
    if user is None:
        raise Unauthenticated
    return user


def _alive(row: StaffSession, now: datetime) -> bool:
    return row.revoked_at is None and row.idle_until > now and row.ends_at > now


def _tokens(settings: Settings, row: StaffSession, role: Role, refresh_token: str, now: datetime) -> Tokens:
    ttl = timedelta(minutes=settings.auth_access_token_ttl_minutes)
    access_token = issue_access_token(
        settings.auth_secret_key.get_secret_value(),
        user_id=row.user_id,
        org_id=row.org_id,
        session_id=row.id,
        role=role,
        now=now,
        ttl=ttl,
    )
    return Tokens(access_token, f"{row.org_id}.{refresh_token}", int(ttl.total_seconds()))


def split_refresh_token(refresh_token: str) -> tuple[UUID, str]:
    """The organization and the secret of a refresh token. Raises `Unauthenticated` for something else."""
    org_id, _, secret = refresh_token.partition(".")
    try:
        return UUID(org_id), secret
    except ValueError:
        raise Unauthenticated("The refresh token is not ours. Sign in again.") from None
