"""Orders, as a request body and made through the domain."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.core.money import Money
from shared.core.transaction import transaction
from shared.orders.placing import place
from shared.orders.terms import NewOrder
from tests.factories.organizations import Company


def order_body(company: Company, **changes: Any) -> dict[str, Any]:
    """The JSON of a new order, tomorrow, two hours long."""
    start = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    return {
        "client_id": str(company.client_id),
        "title": "Spring cleaning",
        "address": "12 Elm Street, Calgary",
        "scheduled_start": start.isoformat(),
        "scheduled_end": (start + timedelta(hours=2)).isoformat(),
        "total": {"amount": 12900, "currency": "cad"},
        "photo_consent": True,
    } | changes


def make_order(company: Company, **changes: Any) -> UUID:
    """A pending order of the company."""
    start = datetime.now(UTC) + timedelta(days=1)
    wanted = {
        "client_id": company.client_id,
        "title": "Spring cleaning",
        "address": "12 Elm Street, Calgary",
        "scheduled_start": start,
        "scheduled_end": start + timedelta(hours=2),
        "total": Money(12900, "cad"),
        "photo_consent": True,
    } | changes
    with transaction(company.scope) as session:
        return place(session, company.owner, NewOrder(**wanted), now=datetime.now(UTC)).id
