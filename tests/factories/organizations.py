"""Organizations with people, made through the domain."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from shared.clients import service as clients
from shared.core.actor import Actor, system
from shared.core.permissions import Role
from shared.core.tenancy import PLATFORM, Tenant
from shared.core.transaction import transaction
from shared.identity import accounts, signing_in
from shared.identity.model import User
from shared.organizations import service as organizations
from shared.wiring import Services

_numbers = count(1)


@dataclass
class Company:
    """One organization, its owner as an actor, one client."""

    services: Services
    org_id: UUID
    slug: str
    owner: Actor
    client_id: UUID
    client_email: str
    _headers: dict[Role, dict[str, str]] = field(default_factory=dict)

    @property
    def scope(self) -> Tenant:
        return Tenant(self.org_id)

    def headers(self, role: Role = Role.OWNER) -> dict[str, str]:
        """`Authorization` of somebody with `role`, signed in without the slow password check."""
        if role not in self._headers:
            self._headers[role] = sign_in(self.services, self.actor(role))
        return self._headers[role]

    def actor(self, role: Role) -> Actor:
        """Somebody with `role`: the owner, or a new user."""
        return self.owner if role == Role.OWNER else make_user(self.org_id, role)


def make_company(services: Services, **changes: Any) -> Company:
    number = next(_numbers)
    now = datetime.now(UTC)
    values = {
        "slug": f"company-{number}",
        "name": f"Company {number}",
        "timezone": "America/Edmonton",
        "currency": "cad",
    }
    with transaction(PLATFORM) as session:
        organization = organizations.create(session, **{**values, **changes}, now=now)
        seeding = system(organization.id, "test")
        email = f"client-{number}@client.test"
        client = clients.create(session, seeding, name="Anna Berg", email=email, now=now)
    owner = make_user(organization.id, Role.OWNER)
    return Company(services, organization.id, organization.slug, owner, client.id, email)


def make_user(org_id: UUID, role: Role, *, email: str | None = None) -> Actor:
    """A user with `role`, without a password."""
    address = email or f"{role}-{next(_numbers)}@staff.test"
    with transaction(Tenant(org_id)) as session:
        user = accounts.create_user(
            session, system(org_id, "test"), email=address, name=role.title(), role=role, now=datetime.now(UTC)
        )
    return Actor(org_id=org_id, user_id=user.id, role=role, label="user")


def sign_in(services: Services, actor: Actor) -> dict[str, str]:
    with transaction(Tenant(actor.org_id)) as session:
        user = session.get_one(User, (actor.org_id, actor.user_id))
        tokens = signing_in.start_session(
            session, services.settings, actor, checked_hash=user.password_hash, now=datetime.now(UTC)
        )
    return {"Authorization": f"Bearer {tokens.access_token}"}
