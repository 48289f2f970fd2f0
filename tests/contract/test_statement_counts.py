"""How many SQL statements a request may cost: 4 for a read, 8 for a write, and never one per row."""

from typing import Any

import pytest

from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.contract.statements import READ, WRITE, counted
from tests.factories.order_photos import make_photo
from tests.factories.orders import make_order, order_body
from tests.factories.organizations import Company
from tests.orders.reminding import make_due
from tests.orders.reminding import scan as remind


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
