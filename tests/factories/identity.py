"""People who can sign in with a password."""

from datetime import UTC, datetime
from uuid import UUID

from argon2 import PasswordHasher

from shared.core.actor import Actor
from shared.core.permissions import Role
from shared.core.tenancy import Tenant
from shared.core.transaction import transaction
from shared.identity import accounts
from shared.identity.model import User
from tests.factories.organizations import make_user

PASSWORD = "a long enough phrase"
_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
"""Cheap to check, and to the code like any other: the parameters are part of the hash."""


def make_person(org_id: UUID, role: Role = Role.OWNER, *, email: str | None = None) -> tuple[Actor, str]:
    """A user who signs in with `PASSWORD`; and the address."""
    actor = make_user(org_id, role, email=email)
    with transaction(Tenant(org_id)) as session:
        user = session.get_one(User, (org_id, actor.user_id))
        user.password_hash = _HASH
        return actor, user.email


def make_link(actor: Actor, *, now: datetime | None = None) -> str:
    """The token of a one-time link with which `actor` sets a password."""
    with transaction(Tenant(actor.org_id)) as session:
        user = session.get_one(User, (actor.org_id, actor.user_id))
        return accounts.create_password_link(session, actor, user, now=now or datetime.now(UTC))


def change_user(actor: Actor, **values: object) -> None:
    """Change columns of the account, as an administrator's action would."""
    with transaction(Tenant(actor.org_id)) as session:
        user = session.get_one(User, (actor.org_id, actor.user_id))
        for name, value in values.items():
            setattr(user, name, value)
