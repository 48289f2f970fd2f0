"""Making users, and the one-time links with which they set their password."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core.actor import Actor, system
from shared.core.database_errors import conflict_on
from shared.core.errors import Invalid, code
from shared.core.permissions import Role
from shared.identity.model import PasswordLink, StaffSession, User, UserState
from shared.identity.tokens import hash_token, new_secret_token

EMAIL_TAKEN = code("identity.email_taken", "A user with this e-mail address exists")
LINK_DEAD = code("identity.link_dead", "The link cannot be used")

LINK_LIFE = timedelta(hours=72)

conflict_on("uq_users_org_id_email", EMAIL_TAKEN, "This organization has a user with this e-mail address.")


def create_user(session: Session, actor: Actor, *, email: str, name: str, role: Role, now: datetime) -> User:
    """Add an account without a password. Raises `Conflict` when the organization has the address already."""
    user = User(org_id=actor.org_id, email=email.strip(), name=name, role=role, created_at=now)
    session.add(user)
    session.flush()
    audit.record(session, actor, "identity.create_user", user.id, now=now, after={"role": role})
    return user


def create_password_link(session: Session, actor: Actor, user: User, *, now: datetime) -> str:
    """A token with which `user` can set a password once, within 72 hours."""
    token = new_secret_token()
    session.add(
        PasswordLink(
            org_id=user.org_id,
            user_id=user.id,
            token_hash=hash_token(token),
            created_at=now,
            expires_at=now + LINK_LIFE,
        )
    )
    audit.record(session, actor, "identity.create_password_link", user.id, now=now)
    return f"{user.org_id}.{token}"


def org_of_link(token: str) -> UUID:
    """The organization that a password link belongs to. Raises `Invalid` for something that is no link."""
    try:
        return UUID(token.partition(".")[0])
    except ValueError:
        raise _dead_link() from None


def user_of_link(session: Session, token: str, *, now: datetime) -> User:
    """Who may set a password with `token`; locks the link until the end of the transaction. Raises `Invalid`."""
    mine = select(PasswordLink).where(
        PasswordLink.org_id == org_of_link(token), PasswordLink.token_hash == hash_token(token.partition(".")[2])
    )
    link = session.scalar(mine.with_for_update())
    user = session.get(User, (link.org_id, link.user_id)) if link else None
    if link is None or user is None or link.used_at or link.expires_at <= now or user.state != UserState.ACTIVE:
        raise _dead_link()
    return user


def set_password(session: Session, token: str, password_hash: str, *, request_id: str | None, now: datetime) -> None:
    """Use up the link, store the hash, and end every session of the user. Raises `Invalid` for a dead link."""
    user = user_of_link(session, token, now=now)
    user.password_hash = password_hash
    session.flush()  # first of all: a sign-in that is under way with the old password waits for it, and fails
    mine = (PasswordLink.org_id == user.org_id, PasswordLink.user_id == user.id, PasswordLink.used_at.is_(None))
    session.execute(update(PasswordLink).where(*mine).values(used_at=now))
    open_sessions = (
        StaffSession.org_id == user.org_id,
        StaffSession.user_id == user.id,
        StaffSession.revoked_at.is_(None),
    )
    session.execute(update(StaffSession).where(*open_sessions).values(revoked_at=now))
    audit.record(session, system(user.org_id, "password link", request_id), "identity.set_password", user.id, now=now)


def _dead_link() -> Invalid:
    return Invalid(LINK_DEAD, "The link has been used, has expired, or never existed. Ask for a new one.")
