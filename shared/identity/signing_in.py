"""Sign in: from an address and a password to a session."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core.actor import Actor
from shared.core.mail_addresses import spelled
from shared.core.orm import Reader, table_of
from shared.core.settings import Settings
from shared.identity import accounts, mfa
from shared.identity.model import User, UserState
from shared.identity.sessions import Tokens, open_session
from shared.identity.tokens import Unauthenticated
from shared.organizations.model import Organization

_users, _organizations = table_of(User), table_of(Organization)
_NO_ADDRESS = ""

WRONG = "The organization, e-mail address or password is wrong."


def find_account(session: Reader, *, email: str, org: str | None) -> Row[Any] | None:
    """The one account that `email` names, in organization `org` (slug) if given. None for none, or several. Only when
    none is active it may be a deactivated one, which opens nothing, but of which the failures are told."""
    named = (
        select(_users)
        .join(_organizations, _organizations.c.id == _users.c.org_id)
        .where(func.lower(_users.c.email) == _spelled(email))
        .order_by(_users.c.state)
        .limit(2)
    )
    if org is not None:
        named = named.where(_organizations.c.slug == org)
    found = session.execute(named).all()
    return found[0] if len({account.state for account in found}) == len(found) > 0 else None


def start_session(
    session: Session,
    settings: Settings,
    actor: Actor,
    *,
    checked_hash: str | None,
    now: datetime,
    new_hash: str | None = None,
    proof: str | None = None,
    agent: str = "",
) -> Tokens:
    """Open a session for the user who `actor` is, whose password was checked against `checked_hash`.

    `proof` is the code of a second factor, `new_hash` the same password hashed with today's parameters, `agent` what
    the client calls itself. Raises `Unauthenticated` when the second factor is missing or wrong, when a temporary
    password is used up, and when the password or the account has changed since: the check takes long, and a session
    opened with the old password after the reset that ended all others would live on.
    """
    unchanged = select(User).where(
        User.org_id == actor.org_id,
        User.id == actor.user_id,
        User.state == UserState.ACTIVE,
        User.password_hash.is_not_distinct_from(checked_hash),
    )
    user = session.scalar(unchanged.with_for_update())
    if user is None:
        raise Unauthenticated(WRONG)
    if user.must_change_password:
        _use_temporary(user, now)
    second_factor = mfa.refuse_sign_in_without(session, settings, user, proof, now=now)
    user.password_hash = new_hash or user.password_hash
    user.last_sign_in_at = now
    tokens = open_session(session, settings, user, address=actor.address, agent=agent, now=now)
    after = {"second_factor": second_factor} if second_factor else None
    audit.record(session, actor, "identity.sign_in", user.id, now=now, after=after)
    return tokens


def record_failure(
    session: Session, claimed: Actor, why: str, *, blocked_until: datetime | None = None, now: datetime
) -> None:
    """Note in the audit log that somebody has failed to prove to be the user who `claimed` is; `why` is the error code,
    `blocked_until` how long nobody may try again for that. The entry is about the user, and not by them."""
    assert claimed.user_id is not None
    stranger = replace(claimed, user_id=None, role=None, session_id=None, label="stranger")
    after = {"why": why} | ({"blocked_until": blocked_until.isoformat()} if blocked_until else {})
    audit.record(session, stranger, "identity.sign_in_failed", claimed.user_id, now=now, after=after)


def own_account(session: Reader, actor: Actor) -> Row[Any]:
    """The signed-in user's own account, with `require_mfa` of the organization."""
    mine = (
        select(_users, _organizations.c.require_mfa)
        .join(_organizations, _organizations.c.id == _users.c.org_id)
        .where(_users.c.org_id == actor.org_id, _users.c.id == actor.user_id)
    )
    user = session.execute(mine).one_or_none()
    if user is None:
        raise Unauthenticated
    return user


def _spelled(email: str) -> str:
    try:
        return spelled(email).lower()
    except ValueError:
        return _NO_ADDRESS


def _use_temporary(user: User, now: datetime) -> None:
    """A temporary password is good for one sign-in. Said openly: only who knew it learns that it is over."""
    if user.temp_password_used_at is not None or user.temp_password_until is None or user.temp_password_until <= now:
        raise Unauthenticated(accounts.EXPIRED, accounts.TEMPORARY_OVER)
    user.temp_password_used_at = now
