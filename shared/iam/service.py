from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core import pages
from shared.core.actor import Actor
from shared.core.errors import Conflict, Forbidden, NotFound, code
from shared.core.locks import queue_up
from shared.core.orm import Reader, table_of
from shared.core.permissions import Permission, Role
from shared.core.settings import Settings
from shared.iam import mails
from shared.identity import accounts, mfa, passwords, sessions
from shared.identity.model import User, UserState
from shared.messages.model import MessageKind

NOT_FOUND = code("iam.user_not_found", "No such user")
OWNER_PROTECTED = code("iam.owner_protected", "Only an owner may do this to an owner")
LAST_OWNER = code("iam.last_owner", "The organization needs an active owner")
NOT_YOURSELF = code("iam.not_yourself", "You cannot do this to yourself")
DEACTIVATED = code("iam.deactivated", "The account is deactivated")

_users = table_of(User)
_ACTIVE, _DEACTIVATED = {"state": UserState.ACTIVE}, {"state": UserState.DEACTIVATED}


@dataclass(frozen=True, slots=True)
class Temporary:
    """A temporary password and its hash, made before the transaction because hashing takes long."""

    password: str = field(repr=False)
    password_hash: str = field(repr=False)

    @staticmethod
    def new() -> "Temporary":
        """Whoever calls has a turn at hashing."""
        password = passwords.new_temporary()
        return Temporary(password, passwords.hash_password(password))


def list_page(
    session: Reader,
    actor: Actor,
    request: pages.PageRequest,
    *,
    roles: list[Role] | None = None,
    states: list[UserState] | None = None,
) -> pages.Page:
    """The people of the organization, newest first."""
    query = select(_users).where(_users.c.org_id == actor.org_id)
    if roles:
        query = query.where(_users.c.role.in_(roles))
    if states:
        query = query.where(_users.c.state.in_(states))
    return pages.fetch_page(session, query, request, pages.by_id(_users.c.id))


def get(session: Reader, actor: Actor, user_id: UUID) -> Row[Any]:
    """One person's columns. Raises `NotFound`."""
    mine = select(_users).where(_users.c.org_id == actor.org_id, _users.c.id == user_id)
    found = session.execute(mine).one_or_none()
    if found is None:
        raise NotFound(NOT_FOUND, "There is no such user.")
    return found


def invite(
    session: Session,
    settings: Settings,
    actor: Actor,
    temporary: Temporary,
    *,
    email: str,
    name: str,
    role: Role,
    now: datetime,
) -> User:
    """Add a person who signs in with the temporary password, and mail them.

    Raises `Forbidden` when a non-owner invites an owner, `Invalid` or `Conflict` for the address.
    """
    _refuse_owner_business(actor, role)
    user = accounts.create_user(session, actor, email=email, name=name, role=role, now=now)
    accounts.give_temporary_password(session, actor, user, temporary.password_hash, now=now)
    mails.promise(session, settings, actor, user, MessageKind.ACCOUNT_CREATED, password=temporary.password, now=now)
    return user


def change(
    session: Session, actor: Actor, user_id: UUID, *, name: str | None = None, role: Role | None = None, now: datetime
) -> User:
    """Rename a person, or give them another role, which ends their sessions.

    Raises `NotFound`; `Forbidden` for an owner's or to an owner by somebody who is none; `Conflict` for the last owner.
    """
    user = _lock(session, actor, user_id)
    wanted = {"name": user.name if name is None else name, "role": user.role if role is None else str(role)}
    before = {field: getattr(user, field) for field in wanted if getattr(user, field) != wanted[field]}
    if not before:
        return user
    if "role" in before:
        _refuse_owner_business(actor, Role(wanted["role"]))
        if user.role == Role.OWNER:
            _refuse_without_owner(session, user)
        sessions.end_all(session, actor, user.id, now=now)
    user.name, user.role = wanted["name"], wanted["role"]
    after = {field: wanted[field] for field in before}
    audit.record(session, actor, "iam.change_user", user.id, now=now, before=before, after=after)
    return user


def reset_password(
    session: Session, settings: Settings, actor: Actor, user_id: UUID, temporary: Temporary, *, now: datetime
) -> User:
    """Replace somebody's password by a temporary one, which ends their sessions, and mail them.

    Raises `NotFound`, `Forbidden` for an owner, `Conflict` for oneself and for a deactivated account.
    """
    user = _lock(session, actor, user_id)
    _refuse_oneself(actor, user, "Change your own password at /v1/auth/change-password.")
    if user.state != UserState.ACTIVE:
        raise Conflict(DEACTIVATED, "Reactivate the account first.")
    accounts.give_temporary_password(session, actor, user, temporary.password_hash, now=now)
    audit.record(session, actor, "iam.reset_password", user.id, now=now)
    mails.promise(session, settings, actor, user, MessageKind.PASSWORD_RESET, password=temporary.password, now=now)
    return user


def deactivate(session: Session, actor: Actor, user_id: UUID, *, now: datetime) -> User:
    """Shut somebody out at once; again changes nothing. Raises `NotFound`, `Forbidden` for an owner, `Conflict` for
    oneself and for the last owner."""
    user = _lock(session, actor, user_id)
    _refuse_oneself(actor, user, "Ask somebody else to deactivate your account.")
    if user.state == UserState.DEACTIVATED:
        return user
    if user.role == Role.OWNER:
        _refuse_without_owner(session, user)
    sessions.end_all(session, actor, user.id, now=now)
    user.state = UserState.DEACTIVATED
    audit.record(session, actor, "iam.deactivate", user.id, now=now, before=_ACTIVE, after=_DEACTIVATED)
    return user


def reactivate(session: Session, actor: Actor, user_id: UUID, *, now: datetime) -> User:
    """Let somebody in again, with the password they had; again changes nothing. Raises `NotFound`, `Forbidden`."""
    user = _lock(session, actor, user_id)
    if user.state == UserState.DEACTIVATED:
        user.state = UserState.ACTIVE
        audit.record(session, actor, "iam.reactivate", user.id, now=now, before=_DEACTIVATED, after=_ACTIVE)
    return user


def log_out(session: Session, actor: Actor, user_id: UUID, *, now: datetime) -> int:
    """End every session of somebody. Returns how many. Raises `NotFound`, `Forbidden` for an owner."""
    user = _lock(session, actor, user_id)
    ended = sessions.end_all(session, actor, user.id, now=now)
    audit.record(session, actor, "iam.log_out", user.id, now=now, after={"ended_sessions": ended})
    return ended


def reset_mfa(session: Session, actor: Actor, user_id: UUID, *, now: datetime) -> User:
    """Take the second factor off an account whose owner has lost it; ends their sessions. Raises `NotFound`,
    `Forbidden` for an owner, `Conflict` for oneself and when there is none."""
    user = _lock(session, actor, user_id)
    _refuse_oneself(actor, user, "Remove your own second factor at /v1/auth/mfa/remove.")
    if user.totp_secret is None:
        raise Conflict(mfa.MFA_OFF, "There is no second factor to remove.")
    mfa.remove(session, actor, user, now=now)
    sessions.end_all(session, actor, user.id, now=now)
    return user


def unlock(session: Session, actor: Actor, user_id: UUID, *, now: datetime) -> User:
    """Note that somebody may try to sign in again; the caller forgets the failures. Raises as the others."""
    user = _lock(session, actor, user_id)
    audit.record(session, actor, "iam.unlock", user.id, now=now)
    return user


def _lock(session: Session, actor: Actor, user_id: UUID) -> User:
    """The person, locked; one change of people at a time in each organization, so that the last owner is counted right,
    and nobody acts with a right that was taken from them while they waited. Raises `NotFound`, and `Forbidden` when the
    person is an owner and the actor is none."""
    queue_up(session, "iam", actor.org_id)
    mine = select(User).where(User.org_id == actor.org_id, User.id == user_id)
    user = session.scalar(mine.with_for_update())
    sessions.refuse_ended(session, actor)
    if user is None:
        raise NotFound(NOT_FOUND, "There is no such user.")
    _refuse_owner_business(actor, Role(user.role))
    return user


def _refuse_owner_business(actor: Actor, role: Role) -> None:
    if role == Role.OWNER and not actor.may(Permission.OWNERS_WRITE):
        raise Forbidden(OWNER_PROTECTED, "Only an owner may make an owner, or change one.")


def _refuse_oneself(actor: Actor, user: User, instead: str) -> None:
    if user.id == actor.user_id:
        raise Conflict(NOT_YOURSELF, instead)


def _refuse_without_owner(session: Session, leaving: User) -> None:
    others = select(func.count()).where(
        _users.c.org_id == leaving.org_id,
        _users.c.role == Role.OWNER,
        _users.c.state == UserState.ACTIVE,
        _users.c.id != leaving.id,
    )
    if leaving.state == UserState.ACTIVE and not session.scalar(others):
        raise Conflict(LAST_OWNER, "Make somebody else an owner first.")
