"""Input that cannot be accepted: the right code each, a pointer to the fault, nothing half done."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from api.core import parser
from tests.checked_client import CheckedClient
from tests.factories.orders import make_order, order_body
from tests.factories.organizations import Company
from tests.rows import footprint

JSON = "application/json"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
YESTERDAY = TOMORROW - timedelta(days=2)


def _place(client: CheckedClient, company: Company, **changes: Any) -> Any:
    return client.post("/v1/orders", json=order_body(company, **changes), headers=company.headers())


@pytest.fixture
def untouched(company: Company) -> Any:
    """Fails the test when it leaves anything behind."""
    company.headers()
    before = footprint(company.org_id)
    yield
    assert footprint(company.org_id) == before


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"scheduled_start": YESTERDAY.isoformat()}, "orders.bad_times", "/scheduled_start"),
        (
            {"scheduled_end": TOMORROW.isoformat(), "scheduled_start": TOMORROW.isoformat()},
            "orders.bad_times",
            "/scheduled_end",
        ),
        ({"scheduled_end": YESTERDAY.isoformat()}, "orders.bad_times", "/scheduled_end"),
        ({"client_id": str(uuid4())}, "orders.unknown_client", "/client_id"),
        ({"total": {"amount": 12900, "currency": "usd"}}, "orders.wrong_currency", "/total/currency"),
    ],
)
def test_what_the_company_cannot_do_is_refused(
    client: CheckedClient, company: Company, untouched: None, changes: dict[str, Any], code: str, pointer: str
) -> None:
    answer = _place(client, company, **changes)
    assert answer.status_code == 422
    assert answer.get_json()["code"] == code
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


def test_another_organizations_client_is_unknown(
    client: CheckedClient, company: Company, neighbour: Company, untouched: None
) -> None:
    before = footprint(neighbour.org_id)
    foreign = _place(client, company, client_id=str(neighbour.client_id))
    unknown = _place(client, company, client_id=str(uuid4()))
    assert foreign.status_code == 422
    assert foreign.get_json()["code"] == "orders.unknown_client"
    assert foreign.get_json()["detail"] == unknown.get_json()["detail"]
    assert footprint(neighbour.org_id) == before


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"colour": "red"}, ["/colour"]),
        ({"org_id": str(uuid4())}, ["/org_id"]),
        ({"number": 7}, ["/number"]),
        ({"state": "confirmed"}, ["/state"]),
        ({"title": None}, ["/title"]),
        ({"title": ""}, ["/title"]),
        ({"title": " \t\n "}, ["/title"]),
        ({"title": 5}, ["/title"]),
        ({"title": ["Cleaning"]}, ["/title"]),
        ({"title": "x" * 201}, ["/title"]),
        ({"title": "Clean\x00ing"}, ["/title"]),
        ({"address": "12 Elm\x00"}, ["/address"]),
        ({"address": "x" * 501}, ["/address"]),
        ({"notes": "\x00"}, ["/notes"]),
        ({"notes": "x" * 10_001}, ["/notes"]),
        ({"notes": None}, ["/notes"]),
        ({"client_id": "7"}, ["/client_id"]),
        ({"client_id": 7}, ["/client_id"]),
        ({"client_id": None}, ["/client_id"]),
        ({"client_id": {"id": 7}}, ["/client_id"]),
        ({"photo_consent": "yes"}, ["/photo_consent"]),
        ({"photo_consent": 1}, ["/photo_consent"]),
        ({"photo_consent": None}, ["/photo_consent"]),
        ({"total": 12900}, ["/total"]),
        ({"total": None}, ["/total"]),
        ({"total": {}}, ["/total/amount", "/total/currency"]),
        ({"total": {"amount": 129.0, "currency": "cad"}}, ["/total/amount"]),
        ({"total": {"amount": "12900", "currency": "cad"}}, ["/total/amount"]),
        ({"total": {"amount": True, "currency": "cad"}}, ["/total/amount"]),
        ({"total": {"amount": -1, "currency": "cad"}}, ["/total/amount"]),
        ({"total": {"amount": 10**12 + 1, "currency": "cad"}}, ["/total/amount"]),
        ({"total": {"amount": 2**63, "currency": "cad"}}, ["/total/amount"]),
        ({"total": {"amount": 1, "currency": "CAD"}}, ["/total/currency"]),
        ({"total": {"amount": 1, "currency": "cad", "vat": 5}}, ["/total/vat"]),
        ({"scheduled_start": "tomorrow"}, ["/scheduled_start"]),
        ({"scheduled_start": 1_900_000_000}, ["/scheduled_start"]),
        ({"scheduled_start": "2126-01-01T09:00:00"}, ["/scheduled_start"]),
        ({"scheduled_start": "2126-13-01T09:00:00Z"}, ["/scheduled_start"]),
        ({"scheduled_start": None, "colour": 1}, ["/colour", "/scheduled_start"]),
    ],
)
def test_a_wrong_field_is_refused_and_pointed_at(
    client: CheckedClient, company: Company, untouched: None, changes: dict[str, Any], pointers: list[str]
) -> None:
    answer = _place(client, company, **changes)
    assert answer.status_code == 422
    assert answer.get_json()["code"] == "request.invalid"
    assert sorted(error["pointer"] for error in answer.get_json()["errors"]) == pointers


@pytest.mark.parametrize(
    "time",
    [
        "9999-12-31T23:59:59-12:00",
        "9999-12-31T23:59:59Z",
        "2126-01-01T00:00:00+23:59",
        "2126-01-01T00:00:00-23:59",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_a_time_at_the_edge_of_the_calendar_breaks_nothing(client: CheckedClient, company: Company, time: str) -> None:
    """One such order must not make every later list of orders fail."""
    for changes in ({"scheduled_end": time}, {"scheduled_start": time, "scheduled_end": "9999-12-31T23:59:59Z"}):
        answer = _place(client, company, **changes)
        assert answer.status_code in {201, 422}
        if answer.status_code == 201:
            path = f"/v1/orders/{answer.get_json()['id']}"
            assert client.get(path, headers=company.headers()).get_json() == answer.get_json()
            assert client.post(f"{path}/confirm", headers=company.headers()).status_code == 200
    assert client.get("/v1/orders", headers=company.headers()).status_code == 200
    for name in ("scheduled_from", "scheduled_to"):
        filtered = client.get("/v1/orders", query_string={name: time}, headers=company.headers())
        assert filtered.status_code in {200, 400}


def test_missing_fields_are_all_named_at_once(client: CheckedClient, company: Company, untouched: None) -> None:
    answer = client.post("/v1/orders", json={}, headers=company.headers())
    assert answer.status_code == 422
    named = {error["pointer"] for error in answer.get_json()["errors"]}
    assert named == {"/client_id", "/address", "/scheduled_start"}


def test_no_body_is_a_body_without_fields(client: CheckedClient, company: Company, untouched: None) -> None:
    answer = client.post("/v1/orders", data=b"", content_type="application/json", headers=company.headers())
    assert answer.status_code in {400, 422}


@pytest.mark.parametrize("body", [b"[]", b"[1]", b'"text"', b"5", b"null", b"true"])
def test_a_body_that_is_no_object_is_refused(
    client: CheckedClient, company: Company, untouched: None, body: bytes
) -> None:
    answer = client.post("/v1/orders", data=body, content_type="application/json", headers=company.headers())
    assert answer.status_code in {400, 422}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'title': 'x'}",
        b'{"title": NaN}',
        b'{"title": Infinity}',
        b'{"title": "\xff"}',
        b'{"title": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\x00",
        b"{} {}",
    ],
)
def test_broken_json_is_400(client: CheckedClient, company: Company, untouched: None, body: bytes) -> None:
    answer = client.post("/v1/orders", data=body, content_type="application/json", headers=company.headers())
    assert answer.status_code == 400
    assert answer.get_json()["code"] == "request.bad_json"


HOSTILE = {
    "many fields": {f"field-{number}": 1 for number in range(40_000)},
    "many fields further in": {"total": {f"field-{number}": 1 for number in range(40_000)}},
    "a long list": {"title": [{}] * 200_000},
    "many lists": {"title": [[1, 2]] * 100_000},
    "a list and nothing else": [0] * 200_000,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_body_of_very_many_values_is_refused_in_one_sentence(
    client: CheckedClient, company: Company, untouched: None, body: Any
) -> None:
    """Or each value would be judged, and answered with a line of its own."""
    answer = client.post("/v1/orders", data=json.dumps(body), content_type=JSON, headers=company.headers())
    assert (answer.status_code, answer.get_json()["code"]) == (422, "request.invalid")
    assert "errors" not in answer.get_json()


def test_as_many_values_as_are_allowed_are_judged_each(client: CheckedClient, company: Company) -> None:
    fields = {f"a-field-with-a-name-{number}": 1 for number in range(parser.MOST_VALUES)}
    answer = client.post("/v1/orders", json=fields, headers=company.headers())
    assert answer.status_code == 422
    assert len(answer.get_json()["errors"]) > len(fields)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", ""]
)
def test_another_content_type_is_415(
    client: CheckedClient, company: Company, untouched: None, content_type: str
) -> None:
    answer = client.post("/v1/orders", data=b"{}", content_type=content_type, headers=company.headers())
    assert answer.status_code == 415
    assert answer.get_json()["code"] == "request.media_type"


def test_a_body_over_a_megabyte_is_413(client: CheckedClient, company: Company, untouched: None) -> None:
    body = b'{"notes": "' + b"x" * 1024 * 1024 + b'"}'
    answer = client.post("/v1/orders", data=body, content_type="application/json", headers=company.headers())
    assert answer.status_code == 413
    assert answer.get_json()["code"] == "request.too_large"


def test_ten_thousand_characters_of_notes_are_kept_to_the_letter(client: CheckedClient, company: Company) -> None:
    notes = ("Ring twice. Ключ под ковриком. 🔑\n" * 400)[:9_999] + "."
    placed = _place(client, company, notes=notes)
    assert placed.status_code == 201
    read = client.get(f"/v1/orders/{placed.get_json()['id']}", headers=company.headers())
    assert read.get_json()["notes"] == notes


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/clients", "/v1/orders/{order_id}", "/v1/orders/{order_id}/photos"])
def test_an_unknown_query_parameter_is_400(client: CheckedClient, company: Company, path: str) -> None:
    order_id = make_order(company)
    answer = client.get(path.format(order_id=order_id), query_string={"statsu": "pending"}, headers=company.headers())
    assert answer.status_code == 400
    assert answer.get_json()["code"] == "request.bad_query"
    assert "statsu" in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/v1/orders/7", "/v1/orders/not-an-id", "/v1/orders/", "/v1/nothing", "/v2/orders"])
def test_an_unknown_url_is_404(client: CheckedClient, company: Company, path: str) -> None:
    answer = client.get(path, headers=company.headers())
    assert answer.status_code == 404
    assert answer.get_json()["code"] == "request.no_such_url"


def test_a_method_that_is_not_there_is_405_and_says_which_are(client: CheckedClient, company: Company) -> None:
    answer = client.put("/v1/orders", json={}, headers=company.headers())
    assert answer.status_code == 405
    assert answer.get_json()["code"] == "request.method_not_allowed"
    assert {"GET", "POST"} <= {method.strip() for method in answer.headers["Allow"].split(",")}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"reason": ""}, 422),
        ({"reason": "x" * 501}, 422),
        ({"reason": "ill\x00"}, 422),
        ({"reason": "ill", "fee": 0}, 422),
    ],
)
def test_cancelling_needs_a_reason(client: CheckedClient, company: Company, body: dict[str, Any], status: int) -> None:
    order_id = make_order(company)
    answer = client.post(f"/v1/orders/{order_id}/cancel", json=body, headers=company.headers())
    assert answer.status_code == status
    assert client.get(f"/v1/orders/{order_id}", headers=company.headers()).get_json()["state"] == "pending"
