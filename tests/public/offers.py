"""Services and add-ons of a company, and pages of its own."""

from datetime import UTC, datetime
from typing import Any

from shared.catalog.model import Addon, Service
from shared.core.transaction import transaction
from shared.organizations import service as organizations
from tests.factories.organizations import Company

PAGE = "https://book.bright.test"


def offer(company: Company, model: type[Service] | type[Addon], key: str, **more: Any) -> str:
    """A row of the catalog; its identifier."""
    now = datetime.now(UTC)
    with transaction(company.scope) as session:
        row = model(org_id=company.org_id, key=key, created_at=now, updated_at=now, **{"name": key.title()} | more)
        session.add(row)
    return str(row.id)


def open_to(company: Company, *origins: str) -> None:
    """Let these pages call from a browser."""
    with transaction(company.scope) as session:
        organizations.change_settings(
            session, company.owner, version=None, now=datetime.now(UTC), portal_origins=list(origins)
        )
