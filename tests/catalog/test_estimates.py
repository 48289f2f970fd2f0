"""Estimates over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.catalog import estimates
from shared.catalog.estimates import EstimateRequest, WantedAddon
from shared.core.actor import system
from shared.core.permissions import Role
from shared.core.transaction import read_only, transaction
from shared.wiring import Services
from tests.catalog.books import HOME, changed
from tests.checked_client import CheckedClient
from tests.factories.catalog import make_addon, make_estimate, make_price_book, make_service
from tests.factories.organizations import Company
from tests.rows import footprint, row, rows

ROOMS = {"bedrooms": 3, "condition": "normal"}


class Shop:
    """A company with HOME in force."""

    def __init__(self, client: CheckedClient, company: Company) -> None:
        self.client, self.company = client, company
        self.service_id, self.addon_id = make_service(company), make_addon(company)
        self.book_id = make_price_book(company, HOME)
        company.headers()

    def ask(self, inputs: Any = ROOMS, addons: Any = (), role: Role = Role.OWNER, **more: Any) -> Any:
        body = {"service_id": str(self.service_id), "inputs": inputs, "addons": list(addons)} | more
        return self.client.post("/v1/estimates", json=body, headers=self.company.headers(role))

    def refused(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        """Pointer and code of each fault of a request that is refused and has left no trace."""
        before = footprint(self.company.org_id)
        answer = self.ask(*args, **kwargs)
        assert answer.status_code == 422, answer.get_json()
        assert footprint(self.company.org_id) == before
        return [(error["pointer"], error["code"]) for error in answer.get_json()["errors"]]

    def oven(self, quantity: Any = 1) -> dict[str, Any]:
        return {"addon_id": str(self.addon_id), "quantity": quantity}


@pytest.fixture
def shop(client: CheckedClient, company: Company) -> Shop:
    return Shop(client, company)


def _cad(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "cad"}


def test_an_estimate_says_what_it_costs_and_why(shop: Shop) -> None:
    answer = shop.ask({"bedrooms": 3, "area_m2": "82.55", "condition": "heavy"}, [shop.oven(2)], frequency="weekly")
    assert answer.status_code == 201
    made = answer.get_json()
    assert (made["minutes"], made["crew_size"], made["price_book_version"]) == (265, 2, 1)
    assert made["subtotal"] == _cad(28537)
    assert (made["discount"], made["tax"], made["total"]) == (_cad(4281), _cad(1213), _cad(25469))
    assert made["taxes"] == [{"name": "GST", "percent": "5", "amount": _cad(1213)}]
    assert made["addons"] == [shop.oven(2)]
    assert made["inputs"] == {"bedrooms": "3", "area_m2": "82.55", "condition": "heavy"}
    assert (made["service_id"], made["frequency"]) == (str(shop.service_id), "weekly")
    assert {"rule": "addons.oven", "name": "Oven", "quantity": "2", "amount": _cad(7000)} in made["lines"]
    assert {
        "rule": "home_cleaning.inputs.bedrooms",
        "input": "3",
        "effect": "+50.00, +60 min (1 included, 2 at 25.00 and 30 min each)",
    } in made["explain"]
    assert {line["rule"] for line in made["lines"]} <= {each["rule"] for each in made["explain"]}
    read = shop.client.get(f"/v1/estimates/{made['id']}", headers=shop.company.headers())
    assert read.get_json() == made


def test_an_estimate_is_good_for_two_weeks_and_readable_afterwards(shop: Shop) -> None:
    made = shop.ask().get_json()
    created, until = (datetime.fromisoformat(made[name]) for name in ("created_at", "valid_until"))
    assert until - created == timedelta(days=14)
    long_ago = datetime.now(UTC) - timedelta(days=400)
    with transaction(shop.company.scope) as session:
        wanted = EstimateRequest(shop.service_id, ROOMS)
        old = estimates.make(session, shop.company.owner, wanted, now=long_ago)
    read = shop.client.get(f"/v1/estimates/{old.id}", headers=shop.company.headers())
    assert read.status_code == 200
    assert datetime.fromisoformat(read.get_json()["valid_until"]) == long_ago + timedelta(days=14)


def test_a_new_book_a_new_name_and_the_end_of_a_sale_change_no_old_estimate(shop: Shop) -> None:
    made = shop.ask(addons=[shop.oven()]).get_json()
    make_price_book(shop.company, changed(HOME, "services/home_cleaning/base/price", "500.00"))
    for path in (f"/v1/services/{shop.service_id}", f"/v1/addons/{shop.addon_id}"):
        body = {"name": "Something else", "is_active": False}
        assert shop.client.patch(path, json=body, headers=shop.company.headers()).status_code == 200
    read = shop.client.get(f"/v1/estimates/{made['id']}", headers=shop.company.headers())
    assert read.get_json() == made


def test_the_newest_book_makes_the_price(shop: Shop) -> None:
    dearer = changed(HOME, "services/home_cleaning/base/price", "500.00")
    make_price_book(shop.company, dearer)
    made = shop.ask().get_json()
    assert (made["price_book_version"], made["subtotal"]) == (2, _cad(55000))
    make_price_book(shop.company, HOME)
    assert shop.ask().get_json()["subtotal"] == _cad(13000)


def test_neither_books_nor_estimates_can_be_changed_by_the_application(services: Services) -> None:
    for table in ("price_books", "estimates"):
        sql = "SELECT has_table_privilege('crewline_tenant', :table, :right) AS granted"
        granted = {right: row(sql, table=table, right=right)["granted"] for right in ("INSERT", "UPDATE", "DELETE")}
        assert granted == {"INSERT": True, "UPDATE": False, "DELETE": False}


def test_defaults_fill_in_what_is_not_said(shop: Shop) -> None:
    assert shop.ask({"bedrooms": "1", "condition": "normal"}).get_json()["inputs"]["area_m2"] == "0"


BAD_INPUTS: list[tuple[dict[str, Any], set[tuple[str, str]]]] = [
    ({}, {("/inputs/bedrooms", "missing_input"), ("/inputs/condition", "missing_input")}),
    ({"bedrooms": 3}, {("/inputs/condition", "missing_input")}),
    (ROOMS | {"sauna": 1}, {("/inputs/sauna", "unknown_input")}),
    (ROOMS | {"a/b~": 1}, {("/inputs/a~1b~0", "unknown_input")}),
    (ROOMS | {"condition": "dirty"}, {("/inputs/condition", "bad_value")}),
    (ROOMS | {"condition": 1}, {("/inputs/condition", "bad_value")}),
    (ROOMS | {"condition": ["normal"]}, {("/inputs/condition", "bad_value")}),
    *[
        (ROOMS | {"bedrooms": value}, {("/inputs/bedrooms", "bad_value")})
        for value in (
            *(-1, 21, 3.0, 2.5, 1e308, 2**63, True, None, [], {}),
            *("-1", "21", "20.0001", "1.00000", "1e1", "NaN", "nan", "Infinity", "-0", "+1", ".5", "5.", "", " 3"),
            *("3\n", "0x3", "1_0", "٣", "3,5", "normal", "0" * 10, "1" * 5000),
        )
    ],
    (
        {"bedrooms": -1, "sauna": 1, "condition": "x"},
        {("/inputs/bedrooms", "bad_value"), ("/inputs/sauna", "unknown_input"), ("/inputs/condition", "bad_value")},
    ),
]


def test_an_input_that_cannot_be_used_is_pointed_at(shop: Shop) -> None:
    before = footprint(shop.company.org_id)
    for inputs, faults in BAD_INPUTS:
        answer = shop.ask(inputs)
        assert answer.status_code == 422, inputs
        found = {(error["pointer"], error["code"]) for error in answer.get_json()["errors"]}
        assert found == {(pointer, f"catalog.{code}") for pointer, code in faults}, inputs
    assert footprint(shop.company.org_id) == before


def test_what_json_does_not_know_is_no_input(shop: Shop) -> None:
    sent: dict[str, Any] = {"content_type": "application/json", "headers": shop.company.headers()}
    for number in (b"NaN", b"Infinity", b"1e400", b"-1e400"):
        body = b'{"service_id": "%s", "inputs": {"bedrooms": %s}}' % (str(shop.service_id).encode(), number)
        answer = shop.client.post("/v1/estimates", data=body, **sent)
        assert (answer.status_code, answer.get_json()["code"]) == (400, "request.bad_json"), number


def test_a_number_may_be_written_in_several_ways(shop: Shop) -> None:
    for value in (0, "0", "3", "3.0", "2.5000", 20, "20.0000", "03"):
        assert shop.ask(ROOMS | {"bedrooms": value}).status_code == 201, value


BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"service_id": "7"}, "/service_id"),
    ({"service_id": None}, "/service_id"),
    ({"inputs": None}, "/inputs"),
    ({"inputs": []}, "/inputs"),
    ({"inputs": {f"n{number}": 1 for number in range(51)}}, "/inputs"),
    ({"frequency": "daily"}, "/frequency"),
    ({"frequency": None}, "/frequency"),
    ({"addons": {"oven": 1}}, "/addons/0"),
    ({"addons": [{"addon_id": "oven"}]}, "/addons/0/addon_id"),
    ({"addons": [{"quantity": 1}]}, "/addons/0/addon_id"),
    ({"addons": [{"addon_id": str(uuid4())}] * 51}, "/addons"),
    *[
        ({"addons": [{"addon_id": str(uuid4()), "quantity": quantity}]}, "/addons/0/quantity")
        for quantity in (0, -1, 1.0, "1", True, None, 1001)
    ],
    ({"total": _cad(1)}, "/total"),
]


def test_a_field_of_the_wrong_shape_is_pointed_at(shop: Shop) -> None:
    before = footprint(shop.company.org_id)
    for body, pointer in BAD_FIELDS:
        answer = shop.ask(**body)
        assert (answer.status_code, answer.get_json()["code"]) == (422, "request.invalid"), body
        assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer], body
    assert footprint(shop.company.org_id) == before


def test_an_add_on_must_be_on_sale_and_go_with_the_service(shop: Shop, neighbour: Company) -> None:
    make_service(shop.company, "windows")
    other, unpriced = make_addon(shop.company, "sills"), None
    book = changed(HOME, "services/windows", {"base": {"price": "30.00", "minutes": 20}, "addons": ["sills"]})
    make_price_book(shop.company, changed(book, "addons/sills", {"price": "2.00", "minutes": 1}))
    unpriced = make_addon(shop.company, "fridge")
    foreign, unknown = make_addon(neighbour, "oven"), uuid4()
    for addon_id, code in (
        (other, "catalog.addon_not_offered"),
        (unpriced, "catalog.addon_not_offered"),
        (foreign, "catalog.unknown_addon"),
        (unknown, "catalog.unknown_addon"),
    ):
        assert shop.refused(addons=[shop.oven(), {"addon_id": str(addon_id)}]) == [("/addons/1/addon_id", code)]
    assert shop.refused(addons=[shop.oven(), shop.oven()]) == [("/addons/1/addon_id", "catalog.bad_value")]
    assert shop.refused(addons=[shop.oven(4)]) == [("/addons/0/quantity", "catalog.bad_value")]
    assert shop.ask(addons=[{"addon_id": str(shop.addon_id)}]).get_json()["addons"] == [shop.oven(1)]
    shop.client.patch(f"/v1/addons/{shop.addon_id}", json={"is_active": False}, headers=shop.company.headers())
    assert shop.refused(addons=[shop.oven()]) == [("/addons/0/addon_id", "catalog.unknown_addon")]


def test_a_service_must_be_on_sale(shop: Shop, neighbour: Company) -> None:
    expected = [("/service_id", "catalog.unknown_service")]
    foreign = make_service(neighbour)
    make_price_book(neighbour)
    for service_id in (foreign, uuid4()):
        assert shop.refused(service_id=str(service_id)) == expected
    shop.client.patch(f"/v1/services/{shop.service_id}", json={"is_active": False}, headers=shop.company.headers())
    assert shop.refused() == expected


def test_a_service_needs_a_price(shop: Shop, neighbour: Company) -> None:
    made_later = make_service(shop.company, "windows")
    answer = shop.ask({}, service_id=str(made_later))
    assert (answer.status_code, answer.get_json()["code"]) == (409, "catalog.no_price")
    service_id = make_service(neighbour)
    body = {"service_id": str(service_id)}
    without_book = shop.client.post("/v1/estimates", json=body, headers=neighbour.headers())
    assert (without_book.status_code, without_book.get_json()["code"]) == (409, "catalog.no_price")


def test_a_visit_of_more_than_a_day_is_refused(shop: Shop) -> None:
    book = changed(HOME, "services/home_cleaning/inputs/bedrooms", {"price": "1.00", "minutes": 1})
    make_price_book(shop.company, changed(book, "services/home_cleaning/base/minutes", 1))
    assert shop.ask(ROOMS | {"bedrooms": 1439}).get_json()["minutes"] == 1440
    assert shop.refused(ROOMS | {"bedrooms": "1439.0001"}) == [("/inputs", "catalog.too_long")]


def test_a_price_beyond_what_money_can_be_is_refused(shop: Shop) -> None:
    book = changed(HOME, "services/home_cleaning/inputs/bedrooms", {"price": "999999999.00", "minutes": 0})
    make_price_book(shop.company, book)
    assert shop.ask(ROOMS | {"bedrooms": 9}).status_code == 201
    assert shop.refused(ROOMS | {"bedrooms": 11}) == [("/inputs", "catalog.too_expensive")]
    assert shop.refused(ROOMS | {"bedrooms": 100_000}) == [("/inputs", "catalog.too_expensive")]


def test_another_organizations_estimate_does_not_exist(shop: Shop, neighbour: Company) -> None:
    for estimate_id in (make_estimate(neighbour), uuid4()):
        answer = shop.client.get(f"/v1/estimates/{estimate_id}", headers=shop.company.headers())
        assert (answer.status_code, answer.get_json()["code"]) == (404, "catalog.estimate_not_found")


@pytest.mark.parametrize(
    ("role", "status"), [(Role.ADMIN, 201), (Role.DISPATCHER, 201), (Role.FINANCE, 403), (Role.VIEWER, 403)]
)
def test_who_dispatches_estimates_and_all_read(shop: Shop, role: Role, status: int) -> None:
    assert shop.ask(role=role).status_code == status
    path = f"/v1/estimates/{make_estimate(shop.company)}"
    assert shop.client.get(path, headers=shop.company.headers(role)).status_code == 200


def test_the_same_key_makes_one_estimate(shop: Shop) -> None:
    headers = shop.company.headers() | {"Idempotency-Key": "estimate-1"}
    body = {"service_id": str(shop.service_id), "inputs": ROOMS}
    first, again = (shop.client.post("/v1/estimates", json=body, headers=headers) for _ in range(2))
    assert first.get_json() == again.get_json()
    assert len(rows("SELECT id FROM estimates WHERE org_id = :org", org=shop.company.org_id)) == 1


def test_the_system_may_make_one_for_a_stranger(shop: Shop) -> None:
    stranger = system(shop.company.org_id, "public")
    wanted = EstimateRequest(shop.service_id, ROOMS, [WantedAddon(shop.addon_id, 1)])
    with transaction(shop.company.scope) as session:
        made = estimates.make(session, stranger, wanted, now=datetime.now(UTC))
    with read_only(shop.company.scope) as session:
        assert estimates.get(session, stranger, made.id) == made
        assert estimates.find(session, stranger, UUID(int=0)) is None
    (entry,) = rows("SELECT * FROM audit_entries WHERE action = 'catalog.make_estimate'")
    assert (entry["actor_label"], entry["resource_id"]) == ("public", made.id)
    assert entry["after"]["total_amount"] == made.total_amount == 17325
