"""Whose rows a transaction may see. Postgres enforces it: see `ops/docs/adr/0002-row-level-security.md`."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from shared.core.permissions import Role


class Owing(StrEnum):
    """What a person may have left undone and still do what they ask for: set up a second factor that the organization
    wants, or even change a temporary password."""

    NOTHING = "nothing"
    SECOND_FACTOR = "second_factor"
    ANYTHING = "anything"


@dataclass(frozen=True, slots=True)
class Tenant:
    """The rows of one organization, and no others, whatever the query says."""

    org_id: UUID

    @property
    def role(self) -> str:
        return "crewline_tenant"


@dataclass(frozen=True, slots=True)
class Platform:
    """Every organization's rows: for login lookup, webhooks and sweeps. Its callers are listed in `tests/contract`."""

    @property
    def role(self) -> str:
        return "crewline_platform"


@dataclass(frozen=True, slots=True)
class SignedIn(Tenant):
    """The rows of one organization, for as long as a person's session lives.

    Postgres looks at the session in front of the first statement, in the same message: see `check_session` in the
    latest identity migration. A session that is over, or whose user has another role by now, makes that statement fail;
    so does a duty that the person has not done yet, unless it is one that they `may_owe`.
    """

    user_id: UUID
    session_id: UUID
    user_role: Role
    may_owe: Owing = Owing.NOTHING


PLATFORM = Platform()

Scope = Tenant | Platform
