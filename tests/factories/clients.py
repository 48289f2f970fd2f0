"""Clients and their places, made through the domain."""

from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from shared.clients import addresses
from shared.clients import service as clients
from shared.core.transaction import transaction
from tests.factories.organizations import Company

_numbers = count(1)


def make_client(company: Company, **changes: Any) -> UUID:
    """Another client of the company, with an address of their own."""
    values = {"name": "Bo Lund", "email": f"bo-{next(_numbers)}@client.test"} | changes
    with transaction(company.scope) as session:
        return clients.create(session, company.owner, **values, now=datetime.now(UTC)).id


def make_address(company: Company, client_id: UUID | None = None, **changes: Any) -> UUID:
    """A place of a client; of the company's first one if none is named."""
    values = {
        "label": "Home",
        "address": "12 Elm Street, Calgary",
        "access_notes": "The key is under the mat",
    } | changes
    with transaction(company.scope) as session:
        added = addresses.create(
            session, company.owner, client_id or company.client_id, **values, now=datetime.now(UTC)
        )
    found: UUID = added.id
    return found
