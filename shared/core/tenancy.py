"""Whose rows a transaction may see. Postgres enforces it: see `ops/docs/adr/0002-row-level-security.md`."""

from dataclasses import dataclass
from uuid import UUID


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


PLATFORM = Platform()

Scope = Tenant | Platform
