"""`Idempotency-Key`: one effect and one answer for the same request, and never somebody else's."""

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from shared.core import idempotency
from shared.core.errors import Conflict
from shared.core.idempotency import IdempotentRequest
from shared.core.permissions import Role
from shared.core.transaction import transaction
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.factories.orders import order_body
from tests.factories.organizations import Company
from tests.rows import as_role, footprint, rows


def _place(client: CheckedClient, company: Company, key: str, body: Any = None, role: Role = Role.OWNER) -> Any:
    headers = company.headers(role) | {"Idempotency-Key": key}
    return client.post("/v1/orders", json=body or order_body(company, title="Windows"), headers=headers)


def test_a_repeat_gets_the_first_answer_and_has_no_effect(client: CheckedClient, company: Company) -> None:
    body = order_body(company)
    first = _place(client, company, "k1", body)
    client.post(f"/v1/orders/{first.get_json()['id']}/confirm", headers=company.headers())
    before = footprint(company.org_id)
    again = _place(client, company, "k1", body)
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert footprint(company.org_id) == before


def test_the_same_key_for_another_path_is_another_request(client: CheckedClient, company: Company) -> None:
    assert _place(client, company, "k1").status_code == 201
    headers = company.headers() | {"Idempotency-Key": "k1"}
    answer = client.post("/v1/clients", json={"name": "Bo", "email": "bo@client.test"}, headers=headers)
    assert answer.status_code == 422
    assert answer.get_json()["code"] == "idempotency.key_reused"
    assert rows("SELECT 1 FROM clients WHERE email = 'bo@client.test'") == []


def test_keys_of_two_people_never_meet(client: CheckedClient, company: Company, neighbour: Company) -> None:
    answers = [
        _place(client, company, "k1"),
        _place(client, company, "k1", role=Role.DISPATCHER),
        _place(client, neighbour, "k1"),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.get_json()["id"] for answer in answers}) == 3


def test_a_refused_request_may_use_its_key_again(client: CheckedClient, company: Company) -> None:
    bad = order_body(company, total={"amount": 1, "currency": "usd"})
    assert _place(client, company, "k1", bad).status_code == 422
    assert rows("SELECT 1 FROM idempotency_keys WHERE org_id = :org", org=company.org_id) == []
    assert _place(client, company, "k1").status_code == 201


def test_quotes_around_a_key_are_not_part_of_it(client: CheckedClient, company: Company) -> None:
    body = order_body(company)
    first = _place(client, company, '"k1"', body)
    assert _place(client, company, "k1", body).get_json() == first.get_json()


@pytest.mark.parametrize("key", ["", '""', "two words", "x" * 256, "é", "tab\tkey"])
def test_a_key_that_cannot_be_one_is_refused(client: CheckedClient, company: Company, key: str) -> None:
    answer = _place(client, company, key)
    assert answer.status_code == 422
    assert answer.get_json()["code"] == "idempotency.bad_key"
    assert rows("SELECT 1 FROM orders WHERE org_id = :org", org=company.org_id) == []


def test_without_a_key_every_request_counts(client: CheckedClient, company: Company) -> None:
    body = order_body(company)
    made = {client.post("/v1/orders", json=body, headers=company.headers()).get_json()["number"] for _ in range(2)}
    assert made == {1001, 1002}


def test_while_the_first_is_running_the_second_is_refused(
    client: CheckedClient, company: Company, services: Services
) -> None:
    request = IdempotentRequest.of("k1", b"POST", b"/v1/orders", b"anything")
    with services.database.writer.connect() as other:
        as_role(other, "crewline_tenant", company.org_id)
        assert idempotency.find_answer(Session(other), company.owner, request) is None
        answer = _place(client, company, "k1")
        assert answer.status_code == 409
        assert answer.get_json()["code"] == "idempotency.in_flight"
        other.rollback()
    assert _place(client, company, "k1").status_code == 201


def test_the_loser_of_a_tie_is_told_to_ask_again(company: Company) -> None:
    """Two that start at the same instant may both find no answer; the key of the table decides."""
    request = IdempotentRequest.of("k1", b"POST")
    for attempt in (1, 2):
        told = nullcontext() if attempt == 1 else pytest.raises(Conflict, match=r"idempotency\.in_flight")
        with told, transaction(company.scope) as session:
            idempotency.store_answer(session, company.owner, request, status=201, body={}, now=datetime.now(UTC))


def test_parts_of_a_request_cannot_be_shifted_into_each_other() -> None:
    fingerprints = {
        IdempotentRequest.of("k", *parts).fingerprint
        for parts in ((b"ab", b"c"), (b"a", b"bc"), (b"abc",), (b"abc", b""), (b"", b"abc"))
    }
    assert len(fingerprints) == 5
