"""Who is asking. Made once at the door and handed to every domain function that changes something."""

from dataclasses import dataclass
from uuid import UUID, uuid5

from shared.core.permissions import GRANTS, Permission, Role


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person, or a part of the system acting for an organization.

    `user_id` is None for the system; `label` then names the part (`stripe`, `orders.sweep`). `request_id` and `address`
    say where the request came from, for the audit log.
    """

    org_id: UUID
    user_id: UUID | None
    role: Role | None
    label: str
    session_id: UUID | None = None
    request_id: str | None = None
    address: str | None = None

    @property
    def principal_id(self) -> UUID:
        """Whose keys and limits these are: the user, or what `label` names within the organization."""
        return self.user_id or uuid5(self.org_id, self.label)

    def may(self, permission: Permission) -> bool:
        return self.role is not None and permission in GRANTS[self.role]


def system(org_id: UUID, label: str, request_id: str | None = None, address: str | None = None) -> Actor:
    """The actor of work that no signed-in person asked for."""
    return Actor(org_id=org_id, user_id=None, role=None, label=label, request_id=request_id, address=address)
