"""Refresh tokens: good for one refresh.

The same one again within ten seconds is a client that has lost the answer, and gets the same successor. Later, or when
the successor has been used as well, it is a copy in somebody else's hands, and the session ends for both.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core.actor import Actor
from shared.core.permissions import Role
from shared.core.settings import Settings
from shared.identity.model import StaffSession, UsedRefreshToken, User, UserState
from shared.identity.sessions import Tokens, tokens_of
from shared.identity.tokens import Unauthenticated, hash_token, successor_of

REPEAT_WITHIN = timedelta(seconds=10)

_REFUSED = "The refresh token is used, expired or not ours. Sign in again."


def split(refresh_token: str) -> tuple[UUID, str]:
    """Organization and secret of a refresh token as clients hold it. Raises `Unauthenticated` for anything else."""
    org_id, _, secret = refresh_token.partition(".")
    try:
        return UUID(org_id), secret
    except ValueError:
        raise Unauthenticated(_REFUSED) from None


def refresh(
    session: Session, settings: Settings, client: Actor, token: str, *, now: datetime
) -> Tokens | Unauthenticated:
    """Swap a refresh token for new tokens, under a row lock. The `client` names the organization and the address.

    Returns the refusal and does not raise it, because what a refused token has brought about must be committed: one
    that was used before ends its session.
    """
    presented = hash_token(token)
    row = _lock(session, client, StaffSession.refresh_hash == presented)
    if row is not None:
        if not _lives(row, now):
            return Unauthenticated(_REFUSED)
        successor = successor_of(settings.auth_secrets[0], token)
        row.refresh_hash = hash_token(successor)
        session.add(UsedRefreshToken(org_id=row.org_id, session_id=row.id, token_hash=presented, used_at=now))
    else:
        mine = (UsedRefreshToken.org_id == client.org_id, UsedRefreshToken.token_hash == presented)
        used = session.scalar(select(UsedRefreshToken).where(*mine))
        if used is None:
            return Unauthenticated(_REFUSED)
        row = _lock(session, client, StaffSession.id == used.session_id)
        assert row is not None, "the foreign key says so"
        repeated = _answered_with(settings, row, token) if now - used.used_at <= REPEAT_WITHIN else None
        if repeated is None:
            _end_stolen(session, client, row, now=now)
            return Unauthenticated(_REFUSED)
        successor = repeated
    user = session.get_one(User, (row.org_id, row.user_id))
    if not _lives(row, now) or user.state != UserState.ACTIVE:
        return Unauthenticated(_REFUSED)
    row.idle_until = now + timedelta(minutes=settings.auth_session_ttl_minutes)
    row.last_used_at, row.address = now, client.address
    return tokens_of(settings, row, Role(user.role), successor, now=now)


def _lives(row: StaffSession, now: datetime) -> bool:
    return row.revoked_at is None and row.idle_until > now and row.ends_at > now


def _lock(session: Session, client: Actor, which: object) -> StaffSession | None:
    mine = select(StaffSession).where(StaffSession.org_id == client.org_id, which)  # type: ignore[arg-type]
    return session.scalar(mine.with_for_update())


def _answered_with(settings: Settings, row: StaffSession, token: str) -> str | None:
    """The successor that `token` was swapped for, if that is the session's current one: by the key of now, or by the
    one of a moment ago while they are being rotated."""
    candidates = [successor_of(key, token) for key in settings.auth_secrets]
    return next((each for each in candidates if hash_token(each) == row.refresh_hash), None)


def _end_stolen(session: Session, client: Actor, row: StaffSession, *, now: datetime) -> None:
    """Two hold the same session, and neither can be trusted."""
    if _lives(row, now):
        row.revoked_at = now
        audit.record(
            session, client, "identity.refresh_reused", row.user_id, now=now, after={"session_id": str(row.id)}
        )
