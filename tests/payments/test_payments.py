"""Payments: recorded at most once, always in step with the order."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.core.actor import system
from shared.core.errors import Conflict, NotFound
from shared.core.money import Money
from shared.core.permissions import Role
from shared.core.transaction import transaction
from shared.payments import service as payments
from tests.checked_client import CheckedClient
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.rows import footprint, row


def _record(
    company: Company, order_id: UUID, *, amount: int = 12900, currency: str = "cad", intent: str = "pi_1"
) -> bool:
    now = datetime.now(UTC)
    with transaction(company.scope) as session:
        return payments.record_succeeded(
            session,
            system(company.org_id, "stripe"),
            order_id,
            Money(amount, currency),
            payment_intent_id=intent,
            paid_at=now,
            now=now,
        )


def _order(order_id: UUID) -> dict[str, Any]:
    return row("SELECT paid_amount, version FROM orders WHERE id = :id", id=order_id)


def test_a_payment_is_recorded_once(company: Company) -> None:
    order_id = make_order(company)
    assert _record(company, order_id)
    assert _order(order_id) == {"paid_amount": 12900, "version": 2}
    before = footprint(company.org_id)
    assert not _record(company, order_id)
    assert not _record(company, order_id, amount=1)
    assert footprint(company.org_id) == before


def test_the_same_intent_cannot_pay_for_two_orders(company: Company) -> None:
    first, second = make_order(company), make_order(company)
    assert _record(company, first)
    assert not _record(company, second)
    assert _order(second)["paid_amount"] == 0


def test_two_organizations_may_be_paid_by_equal_intents(company: Company, neighbour: Company) -> None:
    assert _record(company, make_order(company))
    assert _record(neighbour, make_order(neighbour))


def test_what_is_paid_is_the_sum_of_the_payments(company: Company) -> None:
    order_id = make_order(company)
    for number, amount in enumerate((1, 12899, 5000)):
        assert _record(company, order_id, amount=amount, intent=f"pi_{number}")
    total = row("SELECT sum(amount)::bigint AS sum FROM payments WHERE order_id = :id", id=order_id)["sum"]
    assert _order(order_id)["paid_amount"] == total == 17900


@pytest.mark.parametrize("currency", ["usd", "CAD", ""])
def test_another_currency_is_refused(company: Company, currency: str) -> None:
    order_id = make_order(company)
    before = footprint(company.org_id)
    with pytest.raises(Conflict) as refused:
        _record(company, order_id, currency=currency)
    assert refused.value.code == "payments.wrong_currency"
    assert footprint(company.org_id) == before


def test_another_organizations_order_cannot_be_paid(company: Company, neighbour: Company) -> None:
    theirs = make_order(neighbour)
    with pytest.raises(NotFound):
        _record(company, theirs)
    with pytest.raises(NotFound):
        _record(company, uuid4())
    assert _order(theirs)["paid_amount"] == 0


def test_payments_are_listed_oldest_first(client: CheckedClient, company: Company) -> None:
    order_id = make_order(company)
    for number in range(3):
        _record(company, order_id, intent=f"pi_{number}")
    listed = client.get(f"/v1/orders/{order_id}/payments", headers=company.headers()).get_json()["data"]
    assert [payment["stripe_payment_intent_id"] for payment in listed] == ["pi_0", "pi_1", "pi_2"]
    assert listed[0]["amount"] == {"amount": 12900, "currency": "cad"}


@pytest.mark.parametrize(
    ("role", "status"), [(Role.FINANCE, 200), (Role.VIEWER, 200), (Role.DISPATCHER, 200), (Role.WORKER, 403)]
)
def test_who_may_see_payments(client: CheckedClient, company: Company, role: Role, status: int) -> None:
    order_id = make_order(company)
    answer = client.get(f"/v1/orders/{order_id}/payments", headers=company.headers(role))
    assert answer.status_code == status


def test_payments_of_no_order_are_not_found(client: CheckedClient, company: Company) -> None:
    answer = client.get(f"/v1/orders/{uuid4()}/payments", headers=company.headers())
    assert answer.status_code == 404
    assert answer.get_json()["code"] == "orders.not_found"
