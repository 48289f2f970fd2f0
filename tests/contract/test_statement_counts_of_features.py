"""What single features promise of their SQL statements, beside the 4 of a read and the 8 of a write."""

from typing import Any
from uuid import UUID

import pytest

from shared.core.permissions import Role
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.contract.statements import READ, WRITE, counted
from tests.factories.catalog import INPUTS, book_for
from tests.factories.identity import PASSWORD, make_link, make_person
from tests.factories.order_photos import photo_form
from tests.factories.order_states import set_order_state
from tests.factories.organizations import Company, make_user
from tests.factories.stripe_events import payment_event, signed
from tests.rows import row
from tests.unsubscribing.steps import make_link as make_unsubscribe_link


def test_the_page_to_unsubscribe_costs_two_statements_and_a_decision_at_most_five(
    client: CheckedClient, company: Company, services: Services, ids: dict[str, str]
) -> None:
    link = make_unsubscribe_link(company)
    for ask, end, most in ((client.get, "", 2), (client.post, "", 5), (client.post, "/undo", 5)):
        with counted(services) as sent:
            assert ask(link + end).status_code == 200
        assert 0 < len(sent) == sent.logged <= most, sent


def test_crews_and_their_work_cost_at_most_eight(
    client: CheckedClient, company: Company, services: Services, ids: dict[str, str]
) -> None:
    headers = company.headers()
    set_order_state(company, UUID(ids["order_id"]), "in_progress")  # to start it is a move of the order as well
    user_id = str(make_user(company.org_id, Role.WORKER).user_id)
    start, end = "2126-06-01T12:00:00Z", "2126-06-01T13:00:00Z"
    requests: list[tuple[str, str, Any]] = [
        ("POST", "/v1/teams", {"name": "North"}),
        ("PATCH", "/v1/teams/{team_id}", {"name": "South"}),
        ("POST", "/v1/workers", {"name": "Wim", "team_id": ids["team_id"], "user_id": user_id}),
        ("PATCH", "/v1/workers/{worker_id}", {"name": "Wanda", "team_id": None}),
        ("POST", "/v1/blackouts", {"worker_id": ids["worker_id"], "starts_at": start, "ends_at": end}),
        ("PUT", "/v1/services/{service_id}/checklist-template", {"items": []}),
        ("POST", "/v1/orders/{order_id}/time-entries", {"worker_id": ids["worker_id"]}),
        ("POST", "/v1/time-entries/{entry_id}/pause", None),
        ("POST", "/v1/time-entries/{entry_id}/resume", None),
        ("POST", "/v1/time-entries/{entry_id}/finish", {}),
    ]
    for method, path, body in requests:
        if "{entry_id}" in path:
            ids["entry_id"] = str(row("SELECT id FROM time_entries WHERE org_id = :org", org=company.org_id)["id"])
        with counted(services) as sent:
            key = {"Idempotency-Key": path}
            answer = client.open(path.format(**ids), method=method, json=body, headers=headers | key)
        assert answer.status_code < 300, answer.get_json()
        assert 0 < len(sent) <= WRITE, (path, sent)
        assert sent.logged == len(sent)


def test_replaying_named_events_and_setting_a_url_cost_at_most_eight(
    client: CheckedClient, company: Company, services: Services, ids: dict[str, str]
) -> None:
    headers, named = company.headers() | {"If-Match": "*"}, {"export_ids": [ids["export_id"]]}
    with counted(services) as sent:
        assert client.post("/v1/admin/export-dead-letter", json=named, headers=headers).status_code == 202
    assert 0 < len(sent) < WRITE, sent
    assert sent.logged == len(sent) + 1  # the lock of those who ask for runs travels with the next
    url = {"url": "https://hooks.example.com/other"}
    with counted(services) as sent:
        assert client.put("/v1/webhook-endpoints/current", json=url, headers=headers).status_code == 200
    assert 0 < len(sent) == sent.logged <= WRITE, sent


def test_the_settings_cost_one_statement_to_read_and_four_to_change(
    client: CheckedClient, company: Company, services: Services, ids: dict[str, str]
) -> None:
    with counted(services) as sent:
        assert client.get("/v1/organization", headers=company.headers()).status_code == 200
    assert len(sent) == 1, sent
    headers = company.headers() | {"If-Match": '"v1"'}
    with counted(services) as sent:
        answer = client.patch("/v1/organization", json={"name": "Bright", "require_mfa": True}, headers=headers)
    assert answer.status_code == 200
    assert 0 < len(sent) <= 4, sent
    assert sent.logged == len(sent)


def test_signing_in_and_out_costs_at_most_eight(client: CheckedClient, company: Company, services: Services) -> None:
    person, email = make_person(company.org_id)
    with counted(services) as sent:
        tokens = client.post("/v1/auth/login", json={"email": email, "password": PASSWORD}).get_json()
    assert 0 < len(sent) <= WRITE, sent
    with counted(services) as sent:
        client.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert 0 < len(sent) <= WRITE, sent
    link = make_link(person)
    with counted(services) as sent:
        client.post("/v1/auth/set-password", json={"token": link, "password": "another long phrase"})
    assert 0 < len(sent) <= WRITE, sent


def test_uploading_and_deleting_a_photo_costs_at_most_eight(
    client: CheckedClient, company: Company, services: Services, ids: dict[str, str]
) -> None:
    photos = f"/v1/orders/{ids['order_id']}/photos"
    with counted(services) as sent:
        made = client.post(photos, data=photo_form(), headers=company.headers())
    assert made.status_code == 201
    assert 0 < len(sent) <= WRITE, sent
    photo = client.get(f"{photos}/{ids['photo_id']}", headers=company.headers()).get_json()
    with counted(services) as sent:
        download = client.get(photo["url"])
    assert download.status_code == 200
    assert 0 < len(sent) <= READ, sent
    with counted(services) as sent:
        assert client.delete(f"{photos}/{ids['photo_id']}", headers=company.headers()).status_code == 204
    assert 0 < len(sent) <= WRITE, sent


def test_an_estimate_costs_four_statements_and_a_price_book_at_most_six(
    client: CheckedClient, company: Company, services: Services, ids: dict[str, str]
) -> None:
    wanted = {"service_id": ids["service_id"], "inputs": INPUTS, "addons": [{"addon_id": ids["addon_id"]}]}
    with counted(services) as sent:
        made = client.post("/v1/estimates", json=wanted, headers=company.headers())
    assert made.status_code == 201
    assert len(sent) == sent.logged == 4, sent
    book = book_for(company)
    with counted(services) as sent:
        made = client.post("/v1/price-books", json={"rules": book}, headers=company.headers())
    assert made.status_code == 201
    lock = 1  # of the version; it travels like the rows beside the change
    assert 0 < len(sent) + lock == sent.logged <= 6, sent


@pytest.mark.parametrize("path", ["services", "addons"])
def test_adding_and_changing_an_item_costs_at_most_four_statements(
    client: CheckedClient, company: Company, services: Services, ids: dict[str, str], path: str
) -> None:
    with counted(services) as sent:
        made = client.post(f"/v1/{path}", json={"key": "sofa", "name": "Sofa"}, headers=company.headers())
    assert 0 < len(sent) == sent.logged <= 4, sent
    url = f"/v1/{path}/{made.get_json()['id']}"
    with counted(services) as sent:
        assert client.patch(url, json={"name": "Sofa bed"}, headers=company.headers()).status_code == 200
    assert 0 < len(sent) == sent.logged <= 4, sent


def test_taking_a_webhook_costs_one_statement(
    client: CheckedClient, company: Company, services: Services, ids: dict[str, str]
) -> None:
    event_ = payment_event(company, ids["order_id"])
    with counted(services) as sent:
        assert client.post("/v1/stripe/webhook", **signed(event_)).status_code == 200
    assert len(sent) == 1, sent


@pytest.mark.parametrize("query", ["", "?resource=orders&resource_id={order_id}&created_from=2026-01-01T00:00:00Z"])
def test_a_page_of_the_audit_log_costs_one_statement(
    client: CheckedClient, company: Company, services: Services, ids: dict[str, str], query: str
) -> None:
    with counted(services) as sent:
        answer = client.get("/v1/audit" + query.format(**ids), headers=company.headers())
    assert len(answer.get_json()["data"]) >= 1
    assert len(sent) == sent.logged == 1, sent
