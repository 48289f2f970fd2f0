"""Clients over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.factories.organizations import Company
from tests.rows import footprint, row

BO = {"name": "Bo Lund", "email": "bo@client.test", "phone": "+14035550123"}


def _add(client: CheckedClient, company: Company, **changes: Any) -> Any:
    return client.post("/v1/clients", json=BO | changes, headers=company.headers())


def test_a_client_is_read_as_it_was_added(client: CheckedClient, company: Company) -> None:
    answer = _add(client, company)
    assert answer.status_code == 201
    added = answer.get_json()
    assert {name: added[name] for name in BO} == BO
    assert client.get(f"/v1/clients/{added['id']}", headers=company.headers()).get_json() == added
    listed = client.get("/v1/clients", headers=company.headers()).get_json()["data"]
    assert listed[0] == added


@pytest.mark.parametrize("email", ["bo@client.test", "BO@Client.Test", "bo@CLIENT.test"])
def test_an_address_is_taken_in_any_case(client: CheckedClient, company: Company, email: str) -> None:
    assert _add(client, company).status_code == 201
    before = footprint(company.org_id)
    again = _add(client, company, email=email)
    assert again.status_code == 409
    assert again.get_json()["code"] == "clients.email_taken"
    assert footprint(company.org_id) == before


def test_two_organizations_may_have_the_same_client(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    first, second = _add(client, company), _add(client, neighbour)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.get_json()["id"] != second.get_json()["id"]


def test_one_of_address_and_phone_may_be_missing(client: CheckedClient, company: Company) -> None:
    assert _add(client, company, phone=None).get_json()["phone"] is None
    assert _add(client, company, email=None).get_json()["email"] is None


@pytest.mark.parametrize(
    "phone", ["+14035550123", "+1 (403) 555-0123", " +1 403.555.0123", "+1\u00a0403\u2011555\u20130123"]
)
def test_a_number_is_taken_in_any_spelling(client: CheckedClient, company: Company, phone: str) -> None:
    assert _add(client, company, email="other@client.test").get_json()["phone"] == "+14035550123"
    before = footprint(company.org_id)
    again = _add(client, company, phone=phone)
    assert (again.status_code, again.get_json()["code"]) == (409, "clients.phone_taken")
    assert footprint(company.org_id) == before


def test_many_clients_may_lack_an_address_or_a_phone(client: CheckedClient, company: Company) -> None:
    for number in (1, 2):
        assert _add(client, company, email=None, phone=f"+1403555012{number}").status_code == 201
        assert _add(client, company, email=f"c{number}@client.test", phone=None).status_code == 201


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "   "}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": 5}, "/name"),
        ({"name": None}, "/name"),
        ({"name": "Bo\x00"}, "/name"),
        ({"email": None, "phone": None}, "/email"),
        ({"email": "bo"}, "/email"),
        ({"email": "bo@"}, "/email"),
        ({"email": "bo\x00@client.test"}, "/email"),
        ({"email": "bo@client.test\r\nBcc: all@client.test"}, "/email"),
        ({"email": "bo@client.test\n"}, "/email"),
        ({"email": '"bo\r\nBcc: x"@client.test'}, "/email"),
        ({"email": f"{'b' * 250}@client.test"}, "/email"),
        ({"email": ["bo@client.test"]}, "/email"),
        ({"phone": "4035550123"}, "/phone"),
        ({"phone": "+1 403 555"}, "/phone"),
        ({"phone": "+14035550123\n"}, "/phone"),
        ({"phone": 14035550123}, "/phone"),
        ({"phone": "+1 555 0123"}, "/phone"),
        ({"phone": "+999 123 4567"}, "/phone"),
        ({"phone": "+1 403 555 0123 ext. 5"}, "/phone"),
        ({"phone": ""}, "/phone"),
        ({"notes": "x" * 10_001}, "/notes"),
        ({"access_notes": None}, "/access_notes"),
        ({"marketing_consent": 1}, "/marketing_consent"),
        ({"erased_at": "2026-01-01T00:00:00Z"}, "/erased_at"),
        ({"vip": True}, "/vip"),
        ({"org_id": str(uuid4())}, "/org_id"),
    ],
)
def test_a_wrong_field_is_refused_and_pointed_at(
    client: CheckedClient, company: Company, changes: dict[str, Any], pointer: str
) -> None:
    before = footprint(company.org_id)
    answer = _add(client, company, **changes)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
    assert footprint(company.org_id)["clients"] == before["clients"]


@pytest.mark.parametrize(
    "name", ["Zoë Ångström", "李小龙", "👩‍🔧 Fix-it", "O'Brien; DROP TABLE clients", "<script>", "{{ 7*7 }}"]
)
def test_any_name_is_kept_to_the_letter(client: CheckedClient, company: Company, name: str) -> None:
    assert _add(client, company, name=name).get_json()["name"] == name


def test_adding_a_client_is_audited(client: CheckedClient, company: Company) -> None:
    added = _add(client, company).get_json()
    entry = row("SELECT * FROM audit_entries WHERE resource_id = :id", id=added["id"])
    assert (entry["action"], entry["actor_id"], entry["org_id"]) == (
        "clients.create",
        company.owner.user_id,
        company.org_id,
    )


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_who_only_reads_adds_nothing(client: CheckedClient, company: Company, role: Role) -> None:
    assert client.get("/v1/clients", headers=company.headers(role)).status_code == 200
    before = footprint(company.org_id)
    refused = client.post("/v1/clients", json=BO, headers=company.headers(role))
    assert refused.status_code == 403
    assert footprint(company.org_id)["clients"] == before["clients"]


def test_another_organizations_client_does_not_exist(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    answer = client.get(f"/v1/clients/{neighbour.client_id}", headers=company.headers())
    assert answer.status_code == 404
    assert answer.get_json()["code"] == "clients.not_found"


def test_pages_of_clients_hold_each_once(client: CheckedClient, company: Company) -> None:
    added = [_add(client, company, email=f"c{n}@client.test", phone=None).get_json()["id"] for n in range(4)]
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        answer = client.get(f"/v1/clients?limit=2{cursor}", headers=company.headers()).get_json()
        seen += [each["id"] for each in answer["data"]]
        cursor = answer["next_cursor"] and f"&cursor={answer['next_cursor']}"
    assert seen == [*reversed(added), str(company.client_id)]
