"""Services."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.catalog.model import Service
from shared.core.transaction import transaction
from tests.factories.organizations import Company


def make_service(company: Company, *, key: str = "home_cleaning", **changes: Any) -> UUID:
    """A service that can be ordered."""
    now = datetime.now(UTC)
    values = {"key": key, "name": key.replace("_", " ").title(), "created_at": now, "updated_at": now} | changes
    with transaction(company.scope) as session:
        service = Service(org_id=company.org_id, **values)
        session.add(service)
        session.flush()
        return service.id
