"""What a search for slots looks at, as rows: orders at times and of lengths that could not be placed today."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from shared.catalog.model import Estimate, PriceBook, Service
from shared.core.ids import new_id
from shared.core.transaction import transaction
from shared.orders.model import Order, OrderWorker
from shared.organizations.model import Organization
from tests.factories.organizations import Company

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_numbers = count(100_000)


def every_day(*periods: str) -> dict[str, Any]:
    """A week with the same periods on each day, written `08:00-17:00`."""
    shown = [dict(zip(("opens", "closes"), period.split("-"), strict=True)) for period in periods]
    return dict.fromkeys(DAYS, shown)


def settle(company: Company, **changes: Any) -> None:
    """Change columns of the organization; those of the scheduling policy by their names, the rest of it stays."""
    with transaction(company.scope) as session:
        organization = session.get_one(Organization, company.org_id)
        policy = organization.scheduling_policy
        organization.scheduling_policy = policy | {name: changes.pop(name) for name in policy if name in changes}
        for name, value in changes.items():
            setattr(organization, name, value)


def add(company: Company, row: Any) -> UUID:
    now = datetime.now(UTC)
    row.org_id, row.id = company.org_id, row.id or new_id()
    for name in ("created_at", "updated_at"):
        if hasattr(type(row), name):
            setattr(row, name, now)
    with transaction(company.scope) as session:
        session.add(row)
    found: UUID = row.id
    return found


def add_estimate(company: Company, *, minutes: int, crew_size: int = 1) -> UUID:
    number = next(_numbers)
    service = add(company, Service(key=f"service-{number}", name="Cleaning", is_active=True, is_heavy=False))
    book = add(company, PriceBook(version=number, currency="cad", rules={}))
    amounts = dict.fromkeys(("subtotal_amount", "discount_amount", "tax_amount", "total_amount"), 0)
    return add(
        company,
        Estimate(
            price_book_id=book,
            price_book_version=number,
            service_id=service,
            frequency="once",
            inputs={},
            addons={},
            lines=[],
            taxes=[],
            explain=[],
            minutes=minutes,
            crew_size=crew_size,
            **amounts,
            currency="cad",
            valid_until=datetime.now(UTC) + timedelta(days=14),
        ),
    )


def order_row(
    company: Company,
    team_id: UUID | None,
    start: datetime,
    end: datetime,
    *,
    buffer: timedelta | None = None,
    **values: Any,
) -> Order:
    """An order that takes the team's time; without a buffer `blocked_until` is empty, as in rows of old releases."""
    now = datetime.now(UTC)
    return Order(
        **{
            "org_id": company.org_id,
            "id": new_id(),
            "number": next(_numbers),
            "client_id": company.client_id,
            "state": "confirmed",
            "title": "Spring cleaning",
            "address": "12 Elm Street, Calgary",
            "total_amount": 12900,
            "currency": "cad",
            "team_id": team_id,
            "scheduled_start": start,
            "scheduled_end": end,
            "blocked_until": None if buffer is None else end + buffer,
            "created_at": now,
            "updated_at": now,
            **values,
        }
    )


def book(company: Company, team_id: UUID | None, start: datetime, end: datetime, **values: Any) -> UUID:
    return add(company, order_row(company, team_id, start, end, **values))


def assign(company: Company, order_id: UUID, worker_id: UUID) -> None:
    with transaction(company.scope) as session:
        order = session.get_one(Order, (company.org_id, order_id))
        session.add(
            OrderWorker(
                org_id=company.org_id,
                order_id=order_id,
                worker_id=worker_id,
                starts_at=order.scheduled_start,
                blocked_until=order.blocked_until or order.scheduled_end,
                occupies=order.state in {"pending", "confirmed", "in_progress"},
            )
        )
