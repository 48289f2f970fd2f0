"""The same payment, and different ones, by callers who come at the same moment."""

from collections import Counter
from datetime import UTC, datetime
from functools import partial
from uuid import UUID, uuid4

from sqlalchemy import select

from shared.core.actor import system
from shared.core.money import Money
from shared.core.transaction import read_only, transaction
from shared.orders.model import Order
from shared.payments import service as payments
from shared.payments.model import Payment
from tests.concurrency.together import together
from tests.factories.orders import make_order
from tests.factories.organizations import Company


def test_one_payment_intent_recorded_by_many_at_once_counts_once(company: Company) -> None:
    order_id, intent = make_order(company), f"pi_{uuid4().hex}"

    def record() -> bool:
        now = datetime.now(UTC)
        with transaction(company.scope) as session:
            return payments.record_succeeded(
                session,
                system(company.org_id, "stripe"),
                order_id,
                Money(12900, "cad"),
                payment_intent_id=intent,
                paid_at=now,
                now=now,
            )

    assert Counter(together(*[record] * 8)) == {True: 1, False: 7}
    assert paid(company, order_id) == (12900, 1)


def test_different_payments_at_once_all_count(company: Company) -> None:
    order_id = make_order(company)

    def record(number: int) -> bool:
        now = datetime.now(UTC)
        with transaction(company.scope) as session:
            return payments.record_succeeded(
                session,
                system(company.org_id, "stripe"),
                order_id,
                Money(1000 + number, "cad"),
                payment_intent_id=f"pi_{uuid4().hex}",
                paid_at=now,
                now=now,
            )

    assert together(*[partial(record, number) for number in range(6)]) == [True] * 6
    assert paid(company, order_id) == (sum(1000 + number for number in range(6)), 6)


def paid(company: Company, order_id: UUID) -> tuple[int, int]:
    """The order's `paid_amount`, and how many payments it has."""
    with read_only(company.scope) as session:
        amount = session.scalars(select(Order.paid_amount).where(Order.id == order_id)).one()
        amounts = session.scalars(select(Payment.amount).where(Payment.order_id == order_id)).all()
    assert sum(amounts) == amount
    return amount, len(amounts)
