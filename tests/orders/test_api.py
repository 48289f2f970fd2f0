"""Orders over HTTP."""

from uuid import uuid4

import pytest

from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.factories.orders import make_order, order_body
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe


def test_placing_an_order_answers_with_all_of_it(client: CheckedClient, company: Company) -> None:
    response = client.post("/v1/orders", json=order_body(company), headers=company.headers())
    assert response.status_code == 201
    placed = response.get_json()
    assert placed["number"] == 1001
    assert placed["state"] == "pending"
    assert placed["allowed"] == ["confirm", "cancel", "reschedule", "assign", "change"]
    assert placed["total"] == {"amount": 12900, "currency": "cad"}
    read = client.get(f"/v1/orders/{placed['id']}", headers=company.headers())
    assert read.get_json() == placed
    assert read.headers["ETag"] == '"v1"'


def test_the_same_idempotency_key_places_one_order(client: CheckedClient, company: Company) -> None:
    headers = company.headers() | {"Idempotency-Key": "walk-1"}
    body = order_body(company)
    first = client.post("/v1/orders", json=body, headers=headers)
    again = client.post("/v1/orders", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.get_json() == first.get_json()
    listed = client.get("/v1/orders", headers=company.headers()).get_json()
    assert len(listed["data"]) == 1


def test_an_idempotency_key_belongs_to_one_request(client: CheckedClient, company: Company) -> None:
    headers = company.headers() | {"Idempotency-Key": "walk-2"}
    client.post("/v1/orders", json=order_body(company), headers=headers)
    other = client.post("/v1/orders", json=order_body(company, title="Another"), headers=headers)
    assert other.status_code == 422
    assert other.get_json()["code"] == "idempotency.key_reused"


def test_confirming_promises_one_mail(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    order_id = make_order(company)
    response = client.post(f"/v1/orders/{order_id}/confirm", headers=company.headers())
    assert response.status_code == 200
    assert response.get_json()["state"] == "confirmed"
    assert response.headers["ETag"] == '"v2"'
    ((name, arguments),) = jobs.enqueued()
    assert name == "messages.send"
    assert arguments["org_id"] == str(company.org_id)


def test_confirming_twice_is_refused_and_says_what_is_allowed(client: CheckedClient, company: Company) -> None:
    order_id = make_order(company)
    client.post(f"/v1/orders/{order_id}/confirm", headers=company.headers())
    again = client.post(f"/v1/orders/{order_id}/confirm", headers=company.headers())
    assert again.status_code == 409
    assert again.get_json()["code"] == "orders.wrong_state"
    assert again.get_json()["state"] == "confirmed"
    assert again.get_json()["allowed"] == ["start", "cancel", "no_show", "reschedule", "assign", "change"]


@pytest.mark.parametrize("move", ["confirm", "cancel"])
def test_another_organizations_order_does_not_exist(
    client: CheckedClient, company: Company, neighbour: Company, move: str
) -> None:
    order_id = make_order(neighbour)
    answer = client.post(
        f"/v1/orders/{order_id}/{move}",
        json={"reason": "mine now"} if move == "cancel" else None,
        headers=company.headers(),
    )
    assert answer.status_code == 404
    assert answer.get_json()["code"] == "orders.not_found"
    theirs = client.get(f"/v1/orders/{order_id}", headers=neighbour.headers())
    assert theirs.get_json()["state"] == "pending"


def test_a_viewer_reads_but_does_not_place(client: CheckedClient, company: Company) -> None:
    refused = client.post("/v1/orders", json=order_body(company), headers=company.headers(Role.VIEWER))
    assert refused.status_code == 403
    listed = client.get("/v1/orders", headers=company.headers(Role.VIEWER))
    assert listed.get_json()["data"] == []


def test_an_unknown_order_is_not_found(client: CheckedClient, company: Company) -> None:
    answer = client.get(f"/v1/orders/{uuid4()}", headers=company.headers())
    assert answer.status_code == 404


def test_a_page_leads_to_the_next(client: CheckedClient, company: Company) -> None:
    made = {str(make_order(company)) for _ in range(5)}
    seen: list[str] = []
    url = "/v1/orders?limit=2"
    while url:
        response = client.get(url, headers=company.headers())
        seen += [order["id"] for order in response.get_json()["data"]]
        link = response.headers.get("Link")
        url = link[1 : link.index(">")] if link else ""
    assert len(seen) == 5
    assert set(seen) == made
