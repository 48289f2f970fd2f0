"""How many SQL statements a request may cost: 4 for a read, 8 for a write, and never one per row."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from shared.core import query_count
from shared.core.permissions import Role
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.factories.catalog import INPUTS, book_for, make_estimate
from tests.factories.checklists import make_checklist_template
from tests.factories.crews import make_team, make_worker
from tests.factories.exports import make_dead_export, make_endpoint
from tests.factories.identity import PASSWORD, make_link, make_person
from tests.factories.leads import make_lead
from tests.factories.order_photos import make_photo, photo_form
from tests.factories.order_states import set_order_state
from tests.factories.orders import make_order, order_body
from tests.factories.organizations import Company, make_user
from tests.factories.stripe_events import payment_event, signed
from tests.orders.reminding import make_due
from tests.orders.reminding import scan as remind
from tests.rows import row
from tests.unsubscribing.steps import make_link as make_unsubscribe_link

READ, WRITE = 4, 8
FRAME = ("SAVEPOINT", "RELEASE", "ROLLBACK TO")


BESIDE = ("audit_entries", "exports", "order_history")
"""Tables whose rows are written without SQLAlchemy (`shared.core.later`)."""


class Sent(list[str]):
    """Statements; `logged` is how many of them the log line tells of."""

    logged = 0


@contextmanager
def counted(services: Services) -> Iterator[Sent]:
    """The statements that are sent inside the block, without those that open and end a transaction."""
    sent = Sent()
    before = _beside()

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if not statement.startswith(FRAME):
            sent.append(statement)

    event.listen(services.database.writer, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(services.database.writer, "before_cursor_execute", note)
        sent.logged = query_count.current()
        sent += ["a row beside the change"] * (_beside() - before)


def _beside() -> int:
    return sum(int(row(f"SELECT count(*) AS n FROM {table}")["n"]) for table in BESIDE)


@pytest.fixture
def ids(client: CheckedClient, company: Company) -> dict[str, str]:
    order_id = make_order(company)
    photo = make_photo(company, order_id)
    estimate_id, team_id = make_estimate(company), make_team(company)
    company.headers()
    client.get("/healthz")  # the checked client fetches the contract once, which is a request as well
    made = {
        "order": order_id,
        "photo": photo.id,
        "client": company.client_id,
        "estimate": estimate_id,
        "lead": make_lead(company),
        "export": make_dead_export(company, about=order_id),
    }
    for name, table in (("service", "services"), ("addon", "addons"), ("price_book", "price_books")):
        made[name] = row(f"SELECT id FROM {table} WHERE org_id = :org", org=company.org_id)["id"]
    make_checklist_template(company, made["service"])
    make_endpoint(company)
    made |= {"team": team_id, "worker": make_worker(company, team_id=team_id)}
    return {f"{name}_id": str(value) for name, value in made.items()}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/auth/me",
        "/v1/clients",
        "/v1/clients?q=anna%20berg&email=anna@client.test&phone=%2B14035550123",
        "/v1/clients/{client_id}",
        "/v1/services",
        "/v1/services/{service_id}",
        "/v1/addons?is_active=true",
        "/v1/addons/{addon_id}",
        "/v1/price-books",
        "/v1/price-books/current",
        "/v1/price-books/{price_book_id}",
        "/v1/estimates/{estimate_id}",
        "/v1/clients/{client_id}/addresses",
        "/v1/clients/{client_id}/exports",
        "/v1/leads?status=new,lost&created_from=2026-01-01T00:00:00Z",
        "/v1/leads/{lead_id}",
        "/v1/orders",
        "/v1/orders?status=pending&client_id={client_id}&scheduled_from=2026-01-01T00:00:00Z",
        "/v1/orders/{order_id}",
        "/v1/orders/{order_id}/payments",
        "/v1/orders/{order_id}/photos",
        "/v1/orders/{order_id}/photos/{photo_id}",
        "/v1/teams",
        "/v1/teams/{team_id}",
        "/v1/workers?team_id={team_id}",
        "/v1/workers/{worker_id}",
        "/v1/blackouts?team_id={team_id}&from=2026-01-01T00:00:00Z",
        "/v1/services/{service_id}/checklist-template",
        "/v1/orders/{order_id}/checklist",
        "/v1/orders/{order_id}/time-entries",
        "/v1/exports/files",
        "/v1/mail-suppressions?reason=bounced&email=anna@client.test",
        "/v1/admin/jobs",
        "/v1/admin/jobs/runs?job=cleanup&state=succeeded",
        "/v1/webhook-endpoints/current",
        "/v1/admin/export-dead-letter?event=order.confirmed&error_contains=503&created_from=2026-01-01T00:00:00Z",
        "/v1/admin/export-dead-letter?state=dead,pending,retrying&resource_id={order_id}",
        "/v1/admin/export-dead-letter/{export_id}",
    ],
)
def test_a_read_costs_at_most_four(
    client: CheckedClient, company: Company, services: Services, ids: dict[str, str], path: str
) -> None:
    with counted(services) as sent:
        answer = client.get(path.format(**ids), headers=company.headers())
    assert answer.status_code == 200
    assert 0 < len(sent) <= READ, sent
    assert sent.logged == len(sent), "the log line must tell the truth"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/clients", {"name": "Bo", "email": "bo@client.test"}),
        ("/v1/clients/{client_id}/addresses", {"address": "12 Elm Street"}),
        ("/v1/clients/{client_id}/export", {}),
        ("/v1/leads", {"name": "Bo", "email": "bo@client.test"}),
        ("/v1/leads/{lead_id}/contact", {}),
        ("/v1/leads/{lead_id}/lose", {"reason": "Too expensive"}),
        ("/v1/orders", None),
        ("/v1/orders/{order_id}/confirm", {}),
        ("/v1/orders/{order_id}/cancel", {"reason": "The client is ill"}),
        ("/v1/exports/orders.csv", {}),
        ("/v1/auth/logout", {}),
        ("/v1/admin/email-scan", None),
        ("/v1/admin/cleanup?dry_run=true", None),
        ("/v1/admin/export-dead-letter", {}),
        ("/v1/admin/export-dead-letter", {"all": True}),
        ("/v1/admin/export-dead-letter/{export_id}/replay", {}),
        ("/v1/webhook-endpoints/current/rotate-secret", {}),
        ("/v1/webhook-endpoints/current/enable", {}),
        ("/v1/webhook-endpoints/test", {}),
    ],
)
def test_a_write_costs_at_most_eight(
    client: CheckedClient, company: Company, services: Services, ids: dict[str, str], path: str, body: Any
) -> None:
    headers = company.headers() | ({"Idempotency-Key": "counted"} if path in {"/v1/clients", "/v1/orders"} else {})
    with counted(services) as sent:
        answer = client.post(
            path.format(**ids),
            json=order_body(company) if body is None and path == "/v1/orders" else body,
            headers=headers,
        )
    assert answer.status_code < 300
    # Of the client and the calendar, or of who asks for files or runs; they travel like the rows beside the change.
    runs_beside_others = path.endswith("?dry_run=true") or body == {"all": True}
    locks = {"/v1/orders": 2, "/v1/exports/orders.csv": 1}.get(path, int(runs_beside_others))
    assert 0 < len(sent) + locks <= WRITE + (locks > 0), sent
    assert sent.logged == len(sent) + locks


@pytest.mark.parametrize(
    ("move", "body"),
    [("cancel", {"reason": "Ill"}), ("reschedule", {"scheduled_start": "2126-06-01T12:00:00Z"}), ("start", {})],
)
def test_a_move_that_takes_a_reminder_back_costs_at_most_eight(
    client: CheckedClient, company: Company, services: Services, ids: dict[str, str], move: str, body: Any
) -> None:
    order_id = make_due(company)
    assert remind(company) == 1
    with counted(services) as sent:
        answer = client.post(f"/v1/orders/{order_id}/{move}", json=body, headers=company.headers())
    assert answer.status_code == 200
    assert 0 < len(sent) <= WRITE, sent
    beside = 2 if move == "reschedule" else 1  # the reminder, and the lock of the calendar: they travel with others
    assert sent.logged == len(sent) + beside


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


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/orders/{order_id}/photos"])
def test_a_list_costs_the_same_with_ten_times_the_rows(
    client: CheckedClient, company: Company, services: Services, ids: dict[str, str], path: str
) -> None:
    def cost() -> tuple[int, int]:
        with counted(services) as sent:
            answer = client.get(path.format(**ids), headers=company.headers())
        return len(answer.get_json()["data"]), len(sent)

    few, first = cost()
    for _ in range(10):
        make_order(company)
        make_photo(company, ids["order_id"], with_object=False)  # type: ignore[arg-type]
    many, second = cost()
    assert many == few + 10
    assert second == first
