"""Series of orders, made through the domain."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from shared.core.money import Money
from shared.core.transaction import transaction
from shared.recurrences import placing
from shared.recurrences import service as recurrences
from shared.recurrences.model import Frequency
from shared.recurrences.service import NewRecurrence
from tests.factories.organizations import Company


def make_recurrence(company: Company, **changes: Any) -> UUID:
    """A weekly series from tomorrow on, at noon on the company's clocks; its orders are not placed yet."""
    wanted = {
        "client_id": company.client_id,
        "frequency": Frequency.WEEKLY,
        "starts_on": (datetime.now(UTC) + timedelta(days=1)).date(),
        "local_time": time(12),
        "minutes": 120,
        "title": "Weekly cleaning",
        "total": Money(9900, "cad"),
        "address": "12 Elm Street, Calgary",
    } | changes
    with transaction(company.scope) as session:
        return recurrences.create(session, company.owner, NewRecurrence(**wanted), now=datetime.now(UTC)).id


def place_ahead(company: Company, recurrence_id: UUID, *, now: datetime | None = None) -> dict[str, int]:
    """What the job does."""
    with transaction(company.scope) as session:
        return placing.place_ahead(session, company.org_id, recurrence_id, now=now or datetime.now(UTC))
