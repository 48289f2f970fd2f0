"""Payments, recorded through the domain."""

from datetime import UTC, datetime
from itertools import count
from uuid import UUID

from shared.core.actor import system
from shared.core.money import Money
from shared.core.transaction import transaction
from shared.payments import service as payments
from tests.factories.organizations import Company

_numbers = count(1)


def make_payment(company: Company, order_id: UUID, *, amount: int, currency: str = "cad") -> None:
    """Money that has arrived for an order."""
    now = datetime.now(UTC)
    with transaction(company.scope) as session:
        payments.record_succeeded(
            session,
            system(company.org_id, "stripe"),
            order_id,
            Money(amount, currency),
            payment_intent_id=f"pi_made_{next(_numbers)}",
            paid_at=now,
            now=now,
        )
