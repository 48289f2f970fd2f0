"""The checklist of an order: copied once, ticked and unticked, left alone when the order is over."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.checklists import service as checklists
from shared.core.actor import system
from shared.core.permissions import Role
from shared.core.transaction import read_only, transaction
from shared.orders.states import OCCUPYING, OrderState
from tests.checked_client import CheckedClient
from tests.factories.catalog import make_service
from tests.factories.checklists import ITEMS, make_checklist_template
from tests.factories.order_states import set_order_state
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.rows import footprint, rows


def _copy(company: Company, order_id: UUID, service_id: UUID) -> None:
    with transaction(company.scope) as session:
        checklists.copy_to_order(session, company.owner, order_id, service_id, now=datetime.now(UTC))


def _order(company: Company) -> UUID:
    """A confirmed order with a checklist."""
    order_id, service_id = make_order(company), make_service(company)
    make_checklist_template(company, service_id)
    _copy(company, order_id, service_id)
    return set_order_state(company, order_id, "confirmed")


def _items(client: CheckedClient, company: Company, order_id: UUID) -> list[dict[str, Any]]:
    answer = client.get(f"/v1/orders/{order_id}/checklist", headers=company.headers())
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.get_json()["data"]
    return found


def _mark(client: CheckedClient, company: Company, order_id: object, item_id: object, verb: str = "tick") -> Any:
    return client.post(f"/v1/orders/{order_id}/checklist/{item_id}/{verb}", headers=company.headers())


def _unfinished(company: Company, order_id: UUID) -> list[str]:
    with read_only(company.scope) as session:
        return checklists.unfinished(session, company.owner, order_id)


def test_an_order_is_given_the_items_in_force_in_their_order(client: CheckedClient, company: Company) -> None:
    service_id, order_id = make_service(company), make_order(company)
    make_checklist_template(company, service_id, [{"text": "Old", "required": True}])
    make_checklist_template(company, service_id)
    _copy(company, order_id, service_id)
    shown = _items(client, company, order_id)
    assert [{"text": item["text"], "required": item["required"]} for item in shown] == ITEMS
    assert [item["position"] for item in shown] == [0, 1, 2]
    assert {item["done_at"] for item in shown} == {item["done_by"] for item in shown} == {None}


def test_copying_twice_is_harmless_also_with_a_new_version_between(client: CheckedClient, company: Company) -> None:
    service_id, order_id = make_service(company), make_order(company)
    make_checklist_template(company, service_id, ITEMS[:1])
    _copy(company, order_id, service_id)
    first = _items(client, company, order_id)
    make_checklist_template(company, service_id, ITEMS)
    before = footprint(company.org_id)
    _copy(company, order_id, service_id)
    assert footprint(company.org_id) == before
    assert _items(client, company, order_id) == first


def test_nothing_is_copied_without_a_template_or_from_an_empty_one(company: Company, neighbour: Company) -> None:
    order_id, service_id, theirs = make_order(company), make_service(company), make_service(neighbour)
    make_checklist_template(neighbour, theirs)
    before = footprint(company.org_id)
    for each in (service_id, theirs, uuid4()):
        _copy(company, order_id, each)
    assert footprint(company.org_id) == before
    make_checklist_template(company, service_id)
    make_checklist_template(company, service_id, [])
    _copy(company, order_id, service_id)
    assert rows("SELECT id FROM checklist_items WHERE org_id = :org", org=company.org_id) == []


def test_ticking_keeps_who_did_it_first_and_when(client: CheckedClient, company: Company) -> None:
    order_id = _order(company)
    item = _items(client, company, order_id)[1]
    ticked = _mark(client, company, order_id, item["id"])
    assert ticked.status_code == 200
    assert ticked.get_json()["done_by"] == str(company.owner.user_id)
    url, headers = f"/v1/orders/{order_id}/checklist/{item['id']}/tick", company.headers(Role.DISPATCHER)
    before = footprint(company.org_id)
    assert client.post(url, headers=headers).get_json() == ticked.get_json()
    assert _items(client, company, order_id)[1] == ticked.get_json()
    assert footprint(company.org_id) == before


def test_unticking_undoes_it_and_again_changes_nothing(client: CheckedClient, company: Company) -> None:
    order_id = _order(company)
    item = _items(client, company, order_id)[0]
    _mark(client, company, order_id, item["id"])
    assert _mark(client, company, order_id, item["id"], "untick").get_json() == item
    before = footprint(company.org_id)
    assert _mark(client, company, order_id, item["id"], "untick").get_json() == item
    assert footprint(company.org_id) == before
    told = rows("SELECT action, after FROM audit_entries WHERE resource_id = :id ORDER BY id", id=item["id"])
    assert told == [
        {"action": f"checklists.{verb}", "after": {"order_id": str(order_id)}} for verb in ("tick", "untick")
    ]


def test_what_acts_without_an_account_is_named_by_its_label(company: Company) -> None:
    order_id = _order(company)
    sql = "SELECT id FROM checklist_items WHERE order_id = :id AND position = 0"
    item_id = rows(sql, id=order_id)[0]["id"]
    with transaction(company.scope) as session:
        robot = system(company.org_id, "robot")
        ticked = checklists.tick(session, robot, order_id, item_id, now=datetime.now(UTC))
    assert ticked.done_by == "robot"


def test_only_required_items_that_are_not_done_are_unfinished(client: CheckedClient, company: Company) -> None:
    order_id = _order(company)
    assert _unfinished(company, order_id) == ["Lock the back door", "Leave the key"]
    shown = _items(client, company, order_id)
    _mark(client, company, order_id, shown[1]["id"])
    assert _unfinished(company, order_id) == ["Leave the key"]
    _mark(client, company, order_id, shown[2]["id"])
    assert _unfinished(company, order_id) == []
    _mark(client, company, order_id, shown[2]["id"], "untick")
    assert _unfinished(company, order_id) == ["Leave the key"]
    assert _unfinished(company, make_order(company)) == []


@pytest.mark.parametrize("verb", ["tick", "untick"])
@pytest.mark.parametrize("state", list(OrderState))
def test_an_order_that_is_over_is_left_alone(
    client: CheckedClient, company: Company, state: OrderState, verb: str
) -> None:
    order_id = _order(company)
    item_id = _items(client, company, order_id)[0]["id"]
    if verb == "untick":
        _mark(client, company, order_id, item_id)
    set_order_state(company, order_id, state)
    before = footprint(company.org_id)
    answer = _mark(client, company, order_id, item_id, verb)
    if state in OCCUPYING:
        assert answer.status_code == 200
        return
    assert (answer.status_code, answer.get_json()["code"]) == (409, "orders.wrong_state")
    assert (answer.get_json()["state"], answer.get_json()["allowed"]) == (state, [])
    assert footprint(company.org_id) == before
    assert len(_items(client, company, order_id)) == 3


@pytest.mark.parametrize("verb", ["tick", "untick"])
def test_items_are_found_by_their_own_order_only(
    client: CheckedClient, company: Company, neighbour: Company, verb: str
) -> None:
    order_id, theirs = _order(company), _order(neighbour)
    mine = _items(client, company, order_id)[0]["id"]
    foreign = _items(client, neighbour, theirs)[0]["id"]
    other = set_order_state(company, make_order(company), "confirmed")
    before = footprint(company.org_id), footprint(neighbour.org_id)
    for order, item, code in (
        (order_id, foreign, "checklists.item_not_found"),
        (order_id, uuid4(), "checklists.item_not_found"),
        (other, mine, "checklists.item_not_found"),
        (theirs, foreign, "orders.not_found"),
        (uuid4(), mine, "orders.not_found"),
    ):
        answer = _mark(client, company, order, item, verb)
        assert (answer.status_code, answer.get_json()["code"]) == (404, code)
    assert (footprint(company.org_id), footprint(neighbour.org_id)) == before
    listed = client.get(f"/v1/orders/{theirs}/checklist", headers=company.headers())
    assert (listed.status_code, listed.get_json()["code"]) == (404, "orders.not_found")


def test_a_viewer_reads_and_ticks_nothing(client: CheckedClient, company: Company) -> None:
    order_id, headers = _order(company), company.headers(Role.VIEWER)
    shown = client.get(f"/v1/orders/{order_id}/checklist", headers=headers).get_json()["data"]
    url = f"/v1/orders/{order_id}/checklist/{shown[0]['id']}/tick"
    assert client.post(url, headers=headers).status_code == 403
    assert _unfinished(company, order_id) == ["Lock the back door", "Leave the key"]
