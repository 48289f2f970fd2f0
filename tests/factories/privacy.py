"""Copies of what is held on a person, asked for through the domain."""

from datetime import UTC, datetime
from uuid import UUID

from shared.core.transaction import transaction
from shared.privacy import service as privacy
from tests.factories.organizations import Company


def make_client_export(company: Company, client_id: UUID | None = None) -> UUID:
    """A copy that is still to be collected; its job is enqueued."""
    with transaction(company.scope) as session:
        export = privacy.request_export(session, company.owner, client_id or company.client_id, now=datetime.now(UTC))
    found: UUID = export.id
    return found
