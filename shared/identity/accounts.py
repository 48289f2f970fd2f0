"""Making users, and the three ways in which an account gets a password: a one-time link, a temporary password from an
administrator, and the change by its owner."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core.actor import Actor
from shared.core.database_errors import conflict_on
from shared.core.errors import Conflict, Invalid, code, invalid_field
from shared.core.mail_addresses import spelled
from shared.core.permissions import Role
from shared.identity import sessions
from shared.identity.model import PasswordLink, User, UserState
from shared.identity.tokens import Unauthenticated, hash_token, new_secret_token

EMAIL_TAKEN = code("identity.email_taken", "A user with this e-mail address exists")
BAD_EMAIL = code("identity.bad_email", "This is not an e-mail address")
PASSWORD_WRONG = code("identity.password_wrong", "The current password is wrong")
TEMPORARY_OVER = code("identity.temp_password_over", "The temporary password is used or expired")
LINK_DEAD = code("identity.link_dead", "The link cannot be used")

LINK_LIFE = timedelta(hours=72)
TEMPORARY_LIFE = timedelta(hours=72)
EXPIRED = "The temporary password is used or expired. Ask for a new one."

conflict_on("uq_users_org_id_email", EMAIL_TAKEN, "This organization has a user with this e-mail address.")


def create_user(session: Session, actor: Actor, *, email: str, name: str, role: Role, now: datetime) -> User:
    """Add an account without a password.

    Raises `Invalid` for something that is no e-mail address, `Conflict` when the organization has it already.
    """
    try:
        address = spelled(email)
    except ValueError as error:
        raise invalid_field("/email", BAD_EMAIL, f"{email!r} {error}.") from None
    # None for what an answer shows: a new object has no value for what it was not given.
    never = {"totp_confirmed_at": None, "last_sign_in_at": None}
    user = User(org_id=actor.org_id, email=address, name=name, role=role, created_at=now, **never)
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
    """Who may set a password with `token`; locked until the end of the transaction. Raises `Invalid`."""
    mine = (PasswordLink.org_id == org_of_link(token), PasswordLink.token_hash == hash_token(token.partition(".")[2]))
    holder = select(PasswordLink.user_id).where(*mine).scalar_subquery()
    # The user and not the link: an administrator's reset locks users first, and the two could wait for each other.
    user = session.scalar(select(User).where(User.org_id == org_of_link(token), User.id == holder).with_for_update())
    link = session.scalar(select(PasswordLink).where(*mine))
    if link is None or user is None or link.used_at or link.expires_at <= now or user.state != UserState.ACTIVE:
        raise _dead_link()
    return user


def set_password(session: Session, holder: Actor, token: str, password_hash: str, *, now: datetime) -> None:
    """Use up the link of its `holder`, store the hash, and end every session of the user. Raises `Invalid` for a dead
    link."""
    user = user_of_link(session, token, now=now)
    _replace_password(session, holder, user, password_hash, now=now)
    audit.record(session, holder, "identity.set_password", user.id, now=now)


def change_password(session: Session, actor: Actor, *, checked_hash: str | None, new_hash: str, now: datetime) -> None:
    """The actor's own choice, after the current password was checked against `checked_hash`. Ends every session of
    theirs but this one. Raises `Conflict` when the password has changed since the check."""
    user = lock_own(session, actor)
    if user.password_hash != checked_hash:
        raise Conflict(PASSWORD_WRONG, "The password was changed a moment ago.")
    if user.temp_password_until is not None and user.temp_password_until <= now:
        raise Unauthenticated(EXPIRED, TEMPORARY_OVER)
    _replace_password(session, actor, user, new_hash, now=now, but=actor.session_id)
    audit.record(session, actor, "identity.change_password", user.id, now=now)


def give_temporary_password(session: Session, actor: Actor, user: User, password_hash: str, *, now: datetime) -> None:
    """Let `user` in once, within 72 hours, to choose a password. Ends every session of theirs; links are dead."""
    _replace_password(session, actor, user, password_hash, now=now)
    user.must_change_password = True
    user.temp_password_until = now + TEMPORARY_LIFE


def lock_own(session: Session, actor: Actor) -> User:
    """The actor's own account, locked until the end of the transaction."""
    mine = select(User).where(User.org_id == actor.org_id, User.id == actor.user_id)
    return session.scalars(mine.with_for_update()).one()


def _replace_password(
    session: Session, actor: Actor, user: User, password_hash: str, *, now: datetime, but: UUID | None = None
) -> None:
    user.password_hash = password_hash
    user.must_change_password = False
    user.temp_password_until = user.temp_password_used_at = None
    session.flush()  # first of all: a sign-in that is under way with the old password waits for it, and fails
    mine = (PasswordLink.org_id == user.org_id, PasswordLink.user_id == user.id, PasswordLink.used_at.is_(None))
    session.execute(update(PasswordLink).where(*mine).values(used_at=now))
    sessions.end_all(session, actor, user.id, now=now, but=but)


def _dead_link() -> Invalid:
    return Invalid(LINK_DEAD, "The link has been used, has expired, or never existed. Ask for a new one.")
