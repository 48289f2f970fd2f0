"""The list of an order and its moves: laid out by whatever confirms the order, and asked for by the end of the work."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from shared.core.money import Money
from shared.core.transaction import transaction
from shared.orders import moving
from shared.payments import service as payments
from tests.checked_client import CheckedClient
from tests.factories.catalog import make_estimate, make_service
from tests.factories.checklists import ITEMS, make_checklist_template
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.factories.recurrences import make_recurrence, place_ahead
from tests.rows import rows

ALWAYS = {"percent": 25, "minimum": None, "maximum": None, "required_for": ["always"], "total_above": None}


def _ordered(company: Company) -> UUID:
    """An order of a service with a checklist."""
    service_id = make_service(company)
    make_checklist_template(company, service_id)
    estimate_id = make_estimate(company, service_id)
    return make_order(company, estimate_id=estimate_id, total=None)


def _texts(order_id: UUID) -> list[str]:
    sql = "SELECT text FROM checklist_items WHERE order_id = :id ORDER BY position"
    return [row["text"] for row in rows(sql, id=order_id)]


def _by_staff(company: Company, client: CheckedClient) -> UUID:
    order_id = _ordered(company)
    assert client.post(f"/v1/orders/{order_id}/confirm", headers=company.headers()).status_code == 200
    return order_id


def _by_a_deposit(company: Company, client: CheckedClient) -> UUID:
    headers = company.headers() | {"If-Match": "*"}
    assert client.patch("/v1/organization", json={"deposit_policy": ALWAYS}, headers=headers).status_code == 200
    order_id, now = _ordered(company), datetime.now(UTC)
    deposit = rows("SELECT deposit_amount FROM orders WHERE id = :id", id=order_id)[0]["deposit_amount"]
    with transaction(company.scope) as session:
        intent = f"pi_{uuid4().hex}"
        paid = Money(deposit, "cad")
        payments.record_succeeded(
            session, company.owner, order_id, paid, payment_intent_id=intent, paid_at=now, now=now
        )
    return order_id


def _by_a_series(company: Company, client: CheckedClient) -> UUID:
    service_id = make_service(company)
    make_checklist_template(company, service_id)
    estimate_id = make_estimate(company, service_id)
    recurrence_id = make_recurrence(company, estimate_id=estimate_id, total=None, title=None, minutes=None)
    assert place_ahead(company, recurrence_id)["placed"] > 0
    return rows("SELECT id FROM orders WHERE recurrence_id = :id LIMIT 1", id=recurrence_id)[0]["id"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("confirm", [_by_staff, _by_a_deposit, _by_a_series])
def test_whatever_confirms_an_order_lays_out_its_checklist(
    client: CheckedClient, company: Company, confirm: Callable[[Company, CheckedClient], UUID]
) -> None:
    order_id = confirm(company, client)
    assert rows("SELECT state FROM orders WHERE id = :id", id=order_id) == [{"state": "confirmed"}]
    assert _texts(order_id) == [item["text"] for item in ITEMS]


def test_the_work_is_not_done_while_required_items_are_open(client: CheckedClient, company: Company) -> None:
    order_id = _by_staff(company, client)
    with transaction(company.scope) as session:
        moving.start(session, company.owner, order_id, now=datetime.now(UTC))
    path = f"/v1/orders/{order_id}/complete"
    refused = client.post(path, json={}, headers=company.headers())
    assert refused.status_code == 409
    assert refused.get_json()["code"] == "orders.checklist_unfinished"
    assert refused.get_json()["unfinished"] == [item["text"] for item in ITEMS if item["required"]]

    done = client.post(path, json={"override_reason": "The client was in a hurry"}, headers=company.headers())
    assert done.status_code == 200
    assert done.get_json()["state"] == "completed"
