"""Price books over HTTP, and every fault that one can have."""

import json
from copy import deepcopy
from typing import Any
from uuid import uuid4

import pytest

from api.core import parser
from shared.core.permissions import Role
from tests.catalog.books import GONE, HOME, KUWAIT, TOKYO, changed
from tests.checked_client import CheckedClient
from tests.factories.catalog import make_addon, make_price_book, make_service
from tests.factories.organizations import Company, make_company
from tests.rows import footprint, row, rows

SERVICE = "/rules/services/home_cleaning"


@pytest.fixture
def seller(company: Company) -> Company:
    """A company that sells what HOME prices."""
    make_service(company)
    make_addon(company)
    company.headers()
    return company


def _upload(client: CheckedClient, company: Company, rules: Any, **more: Any) -> Any:
    return client.post("/v1/price-books", json={"rules": rules} | more, headers=company.headers())


def _faults(client: CheckedClient, company: Company, rules: Any) -> list[tuple[str, str]]:
    """Pointer and code of each fault of a book that is refused and has left no trace."""
    before = footprint(company.org_id)
    answer = _upload(client, company, rules)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "catalog.bad_price_book"), answer.get_json()
    assert footprint(company.org_id) == before
    assert all(error["detail"] for error in answer.get_json()["errors"])
    return [(error["pointer"], error["code"].removeprefix("catalog.")) for error in answer.get_json()["errors"]]


def test_a_book_is_in_force_when_it_is_uploaded(client: CheckedClient, seller: Company) -> None:
    answer = _upload(client, seller, HOME, note="First prices")
    assert answer.status_code == 201
    made = answer.get_json()
    assert (made["version"], made["currency"], made["note"], made["rules"]) == (1, "cad", "First prices", HOME)
    for which in ("current", made["id"]):
        assert client.get(f"/v1/price-books/{which}", headers=seller.headers()).get_json() == made
    entry = row("SELECT * FROM audit_entries WHERE action = 'catalog.upload_price_book'")
    assert (str(entry["resource_id"]), entry["after"]) == (made["id"], {"version": 1, "note": "First prices"})


def test_versions_count_up_and_are_listed_newest_first_without_rules(client: CheckedClient, seller: Company) -> None:
    for number in range(3):
        assert _upload(client, seller, HOME, note=f"note {number}").get_json()["version"] == number + 1
    first = client.get("/v1/price-books?limit=2", headers=seller.headers())
    assert [book["version"] for book in first.get_json()["data"]] == [3, 2]
    assert "rules" not in first.get_json()["data"][0]
    link = first.headers["Link"]
    rest = client.get(link[1 : link.index(">")], headers=seller.headers()).get_json()
    assert ([book["note"] for book in rest["data"]], rest["next_cursor"]) == (["note 0"], None)
    assert client.get("/v1/price-books/current", headers=seller.headers()).get_json()["version"] == 3


def test_each_organization_counts_on_its_own(client: CheckedClient, seller: Company, neighbour: Company) -> None:
    make_service(neighbour)
    make_price_book(neighbour)
    assert _upload(client, seller, HOME).get_json()["version"] == 1


def test_while_there_is_no_book_there_is_none_in_force(client: CheckedClient, company: Company) -> None:
    answer = client.get("/v1/price-books/current", headers=company.headers())
    assert (answer.status_code, answer.get_json()["code"]) == (404, "catalog.price_book_not_found")


def test_another_organizations_book_does_not_exist(client: CheckedClient, seller: Company, neighbour: Company) -> None:
    make_service(neighbour)
    for book_id in (make_price_book(neighbour), uuid4()):
        answer = client.get(f"/v1/price-books/{book_id}", headers=seller.headers())
        assert (answer.status_code, answer.get_json()["code"]) == (404, "catalog.price_book_not_found")
    assert client.get("/v1/price-books/current", headers=seller.headers()).status_code == 404


@pytest.mark.parametrize(("role", "status"), [(Role.ADMIN, 201), (Role.DISPATCHER, 403), (Role.FINANCE, 403)])
def test_prices_are_made_by_those_who_keep_the_catalog(
    client: CheckedClient, seller: Company, role: Role, status: int
) -> None:
    answer = client.post("/v1/price-books", json={"rules": HOME}, headers=seller.headers(role))
    assert answer.status_code == status
    assert client.get("/v1/price-books", headers=seller.headers(role)).status_code == 200


def test_the_same_key_uploads_once(client: CheckedClient, seller: Company) -> None:
    headers = seller.headers() | {"Idempotency-Key": "book-1"}
    answers = [client.post("/v1/price-books", json={"rules": HOME}, headers=headers) for _ in range(2)]
    assert answers[0].get_json() == answers[1].get_json()
    assert len(rows("SELECT id FROM price_books WHERE org_id = :org", org=seller.org_id)) == 1


@pytest.mark.parametrize(("book", "currency"), [(TOKYO, "jpy"), (KUWAIT, "kwd")])
def test_prices_have_the_digits_of_the_currency(
    client: CheckedClient, company: Company, book: dict[str, Any], currency: str
) -> None:
    abroad = make_company(company.services, currency=currency)
    make_service(abroad, "cleaning")
    for addon in book["addons"]:
        make_addon(abroad, addon)
    assert _upload(client, abroad, book).status_code == 201
    finer = deepcopy(book)
    price = finer["services"]["cleaning"]["base"]["price"]
    finer["services"]["cleaning"]["base"]["price"] = f"{price}0" if "." in price else f"{price}.0"
    assert _faults(client, abroad, finer) == [("/rules/services/cleaning/base/price", "bad_value")]


@pytest.mark.parametrize(
    ("path", "value", "faults"),
    [
        ("services", {}, [(SERVICE, "missing_rule")]),
        ("addons", {}, [(f"{SERVICE}/addons/0", "unknown_addon"), ("/rules/addons/oven", "missing_rule")]),
        ("services/sofa", HOME["services"]["home_cleaning"], [("/rules/services/sofa", "unknown_service")]),
        ("addons/fridge", HOME["addons"]["oven"], [("/rules/addons/fridge", "unknown_addon")]),
        ("services/home_cleaning/base/price", GONE, [(f"{SERVICE}/base/price", "missing_rule")]),
        ("services", None, [("/rules/services", "bad_value")]),
        ("services/a~b", {}, [("/rules/services/a~0b", "bad_value")]),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_a_book_that_does_not_fit_the_catalog_is_refused(
    client: CheckedClient, seller: Company, path: str, value: Any, faults: list[tuple[str, str]]
) -> None:
    assert sorted(_faults(client, seller, changed(HOME, path, value))) == sorted(faults)


def test_every_fault_of_a_book_is_named_at_once(client: CheckedClient, seller: Company) -> None:
    make_service(seller, "windows")
    book = changed(HOME, "currency", "usd")
    book["services"]["sofa"] = {"base": {"price": "-1"}}
    book["services"]["home_cleaning"]["multipliers"][0]["values"]["heavy"] = "-1"
    book["addons"]["oven"]["price"] = 35
    book["taxes"].append({"name": "PST", "percent": "101"})
    assert set(_faults(client, seller, book)) == {
        ("/rules/currency", "wrong_currency"),
        ("/rules/services/sofa", "unknown_service"),
        ("/rules/services/sofa/base/price", "bad_value"),
        ("/rules/services/sofa/base/minutes", "missing_rule"),
        ("/rules/services/windows", "missing_rule"),
        (f"{SERVICE}/multipliers/0/values/heavy", "bad_value"),
        ("/rules/addons/oven/price", "bad_value"),
        ("/rules/taxes/1/percent", "bad_value"),
    }


def test_a_book_need_not_price_what_is_off_sale_but_may(client: CheckedClient, seller: Company) -> None:
    service, addon = make_service(seller, "windows"), make_addon(seller, "fridge")
    assert {code for _, code in _faults(client, seller, HOME)} == {"missing_rule"}
    for path in (f"/v1/services/{service}", f"/v1/addons/{addon}"):
        assert client.patch(path, json={"is_active": False}, headers=seller.headers()).status_code == 200
    assert _upload(client, seller, HOME).status_code == 201
    both = changed(HOME, "services/windows", HOME["services"]["home_cleaning"])
    assert _upload(client, seller, both).status_code == 201


def test_another_organizations_service_is_unknown(client: CheckedClient, seller: Company, neighbour: Company) -> None:
    make_service(neighbour, "sofa")
    book = changed(HOME, "services/sofa", HOME["services"]["home_cleaning"])
    assert _faults(client, seller, book) == [("/rules/services/sofa", "unknown_service")]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/rules"),
        ({"rules": None}, "/rules"),
        ({"rules": []}, "/rules"),
        ({"rules": HOME, "note": "x" * 501}, "/note"),
        ({"rules": HOME, "note": "\x00"}, "/note"),
        ({"rules": HOME, "version": 7}, "/version"),
    ],
)
def test_a_body_of_the_wrong_shape_is_pointed_at(
    client: CheckedClient, seller: Company, body: dict[str, Any], pointer: str
) -> None:
    answer = client.post("/v1/price-books", json=body, headers=seller.headers())
    assert (answer.status_code, answer.get_json()["code"]) == (422, "request.invalid")
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


def test_a_big_book_fits(client: CheckedClient, company: Company) -> None:
    """60 services, each with 8 inputs, a multiplier and 10 add-ons, as the operation's description says."""
    addons = {f"addon_{number}": {"price": "10.00", "minutes": 10, "max": 3} for number in range(40)}
    asked: dict[str, Any] = {f"n{n}": {"price": "5.00", "minutes": 5, "included": 1, "max": 9} for n in range(7)}
    asked["condition"] = HOME["services"]["home_cleaning"]["inputs"]["condition"]
    service = HOME["services"]["home_cleaning"] | {"inputs": asked, "addons": list(addons)[:10]}
    services = {f"service_{number}": service for number in range(60)}
    for key in addons:
        make_addon(company, key)
    for key in services:
        make_service(company, key)
    answer = _upload(client, company, HOME | {"services": services, "addons": addons})
    assert answer.status_code == 201, answer.get_json()


def test_a_book_of_faults_alone_is_answered_in_proportion(client: CheckedClient, seller: Company) -> None:
    book = changed(HOME, "services/home_cleaning/inputs", {f"n{n}": dict.fromkeys("abcdefgh") for n in range(30)})
    book["addons"] = {f"a{n}": dict.fromkeys("abcdefgh") for n in range(450)}
    answer = _upload(client, seller, book)
    assert answer.status_code == 422
    assert len(answer.get_json()["errors"]) > 4000
    assert len(answer.get_data()) < 1_000_000
    sent = json.dumps({"rules": book})
    assert len(sent) > 2 * parser.MOST_VALUES


def test_a_long_name_is_not_repeated(client: CheckedClient, seller: Company) -> None:
    book = changed(HOME, "services", {"x" * 500_000: {str(number): None for number in range(2_000)}})
    answer = _upload(client, seller, book)
    assert answer.status_code == 422
    assert len(answer.get_data()) < 600_000
