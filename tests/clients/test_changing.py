"""Changing clients, and who sees what of them."""

from typing import Any
from uuid import UUID

import pytest

from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.factories.clients import make_address, make_client
from tests.factories.organizations import Company
from tests.rows import footprint, row, rows

SECRET = "The key is under the mat"


def _change(client: CheckedClient, company: Company, client_id: UUID, **changes: Any) -> Any:
    return client.patch(f"/v1/clients/{client_id}", json=changes, headers=company.headers())


def test_what_is_given_changes_and_the_rest_stays(client: CheckedClient, company: Company) -> None:
    before = client.get(f"/v1/clients/{company.client_id}", headers=company.headers()).get_json()
    changed = _change(client, company, company.client_id, notes="Has two cats", phone="+1 403 555 0123").get_json()
    expected = before | {"notes": "Has two cats", "phone": "+14035550123", "updated_at": changed["updated_at"]}
    assert changed == expected
    assert changed["updated_at"] > before["updated_at"]


def test_the_audit_log_names_the_changed_fields_and_no_values(client: CheckedClient, company: Company) -> None:
    _change(client, company, company.client_id, name="Anna Lund", access_notes=SECRET, notes="")
    entry = row("SELECT * FROM audit_entries WHERE action = 'clients.change' AND org_id = :org", org=company.org_id)
    assert entry["after"] == {"fields": ["access_notes", "name"]}
    assert entry["before"] == {}


def test_a_change_to_the_same_writes_nothing(client: CheckedClient, company: Company) -> None:
    company.headers()
    before = footprint(company.org_id)
    assert _change(client, company, company.client_id, name="Anna Berg", marketing_consent=False).status_code == 200
    assert footprint(company.org_id) == before


def test_consent_keeps_the_time_when_it_was_given(client: CheckedClient, company: Company) -> None:
    given = _change(client, company, company.client_id, marketing_consent=True).get_json()
    assert given["marketing_consent"] is True
    again = _change(client, company, company.client_id, marketing_consent=True).get_json()
    assert again["marketing_consent_at"] == given["marketing_consent_at"]
    withdrawn = _change(client, company, company.client_id, marketing_consent=False).get_json()
    assert (withdrawn["marketing_consent"], withdrawn["marketing_consent_at"]) == (False, None)


@pytest.mark.parametrize(
    ("changes", "status", "code", "pointer"),
    [
        ({"email": None}, 422, "clients.unreachable", "/email"),
        ({"email": "bo@client.test"}, 409, "clients.email_taken", None),
        ({"email": "BO@Client.Test"}, 409, "clients.email_taken", None),
        ({"phone": "+1 403 555 0123"}, 409, "clients.phone_taken", None),
        ({"name": ""}, 422, "request.invalid", "/name"),
        ({"id": "1"}, 422, "request.invalid", "/id"),
    ],
)
def test_a_change_that_cannot_be_leaves_nothing(
    client: CheckedClient, company: Company, changes: Any, status: int, code: str, pointer: str | None
) -> None:
    make_client(company, email="bo@client.test", phone="+14035550123")
    company.headers()
    before = footprint(company.org_id)
    answer = _change(client, company, company.client_id, **changes)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert [error["pointer"] for error in answer.get_json().get("errors", [])] == ([pointer] if pointer else [])
    assert footprint(company.org_id) == before


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        (Role.OWNER, SECRET),
        (Role.ADMIN, SECRET),
        (Role.DISPATCHER, SECRET),
        (Role.FINANCE, None),
        (Role.VIEWER, None),
    ],
)
def test_the_way_in_is_shown_to_dispatch_only(
    client: CheckedClient, company: Company, role: Role, seen: str | None
) -> None:
    client_id = make_client(company, access_notes=SECRET)
    make_address(company, client_id, access_notes=SECRET)
    headers = company.headers(role)
    url = f"/v1/clients/{client_id}"
    answers = [client.get(each, headers=headers) for each in (url, "/v1/clients", f"{url}/addresses")]
    one, listed, places = (answer.get_json() for answer in answers)
    assert [one["access_notes"], listed["data"][0]["access_notes"], places["data"][0]["access_notes"]] == [seen] * 3
    assert any(SECRET in answer.get_data(as_text=True) for answer in answers) == (seen is not None)


def test_places_are_added_changed_and_removed(client: CheckedClient, company: Company) -> None:
    url = f"/v1/clients/{company.client_id}/addresses"
    body = {"label": "Home", "address": "12 Elm Street, Calgary", "postal_code": " t2p  1j9 ", "access_notes": SECRET}
    added = client.post(url, json=body, headers=company.headers()).get_json()
    assert {name: added[name] for name in body} == body | {"postal_code": "T2P 1J9"}
    second = client.post(url, json={"address": "5 Oak Street"}, headers=company.headers()).get_json()
    changed = client.patch(
        f"{url}/{added['id']}", json={"postal_code": "", "label": "Old home"}, headers=company.headers()
    )
    assert (changed.get_json()["postal_code"], changed.get_json()["label"]) == ("", "Old home")
    listed = client.get(url, headers=company.headers()).get_json()["data"]
    assert [each["id"] for each in listed] == [second["id"], added["id"]]
    assert client.delete(f"{url}/{added['id']}", headers=company.headers()).status_code == 204
    gone = client.delete(f"{url}/{added['id']}", headers=company.headers())
    assert (gone.status_code, gone.get_json()["code"]) == (404, "clients.address_not_found")
    said = rows("SELECT action, after FROM audit_entries WHERE action LIKE 'clients.%address' ORDER BY id")
    assert [entry["action"].removeprefix("clients.") for entry in said] == [
        "add_address",
        "add_address",
        "change_address",
        "remove_address",
    ]
    assert said[2]["after"]["fields"] == ["label", "postal_code"]


@pytest.mark.parametrize(
    ("code", "kept"),
    [("10115", "10115"), ("sw1a 1aa", "SW1A 1AA"), ("1010-AB", "1010-AB"), ("100-0001", "100-0001"), ("999", "999")],
)
def test_postal_codes_of_many_countries_are_taken(
    client: CheckedClient, company: Company, code: str, kept: str
) -> None:
    body = {"address": "x", "postal_code": code}
    answer = client.post(f"/v1/clients/{company.client_id}/addresses", json=body, headers=company.headers())
    assert answer.get_json()["postal_code"] == kept


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"postal_code": "1"}, "/postal_code"),
        ({"postal_code": "1234567890123"}, "/postal_code"),
        ({"postal_code": "12_345"}, "/postal_code"),
        ({"postal_code": "-12345"}, "/postal_code"),
        ({"postal_code": "12345\n"}, None),
        ({"postal_code": 12345}, "/postal_code"),
        ({"address": ""}, "/address"),
        ({"address": None}, "/address"),
        ({"label": "a\nb"}, "/label"),
        ({"client_id": "1"}, "/client_id"),
    ],
)
def test_a_place_that_cannot_be_is_pointed_at(
    client: CheckedClient, company: Company, changes: Any, pointer: str | None
) -> None:
    company.headers()
    before = footprint(company.org_id)
    url = f"/v1/clients/{company.client_id}/addresses"
    answer = client.post(url, json={"address": "x"} | changes, headers=company.headers())
    if pointer is None:
        assert answer.status_code == 201
        return
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
    assert footprint(company.org_id) == before


def test_a_place_belongs_to_its_client(client: CheckedClient, company: Company, neighbour: Company) -> None:
    other, theirs = make_client(company), make_address(neighbour)
    mine = make_address(company)
    for client_id, address_id in ((other, mine), (company.client_id, theirs), (neighbour.client_id, theirs)):
        url = f"/v1/clients/{client_id}/addresses/{address_id}"
        for answer in (
            client.patch(url, json={"label": "Mine now"}, headers=company.headers()),
            client.delete(url, headers=company.headers()),
        ):
            assert (answer.status_code, answer.get_json()["code"]) == (404, "clients.address_not_found")
    assert {each["label"] for each in rows("SELECT label FROM client_addresses")} == {"Home"}
