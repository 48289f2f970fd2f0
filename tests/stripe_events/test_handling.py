"""What the stored events do, in any order, any number of times."""

from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.core.ids import new_id
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.orders.states import OrderState
from shared.organizations import settings
from shared.stripe_events import service as stripe_events
from tests.checked_client import CheckedClient
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.factories.stripe_events import payment_event, signed
from tests.jobs_probe import JobsProbe
from tests.orders.steps import let_it_begin, order_in
from tests.orders.test_placing import change_company
from tests.rows import footprint, row, rows


@pytest.fixture
def order_id(company: Company) -> UUID:
    return make_order(company)


def _send(client: CheckedClient, event: dict[str, Any]) -> None:
    assert client.post("/v1/stripe/webhook", **signed(event)).status_code == 200


def _event(event: dict[str, Any]) -> dict[str, Any]:
    return row("SELECT * FROM stripe_events WHERE id = :id", id=event["id"])


def _sweep(after: timedelta) -> int:
    with transaction(PLATFORM) as session:
        return stripe_events.sweep(session, now=datetime.now(UTC) + after, limit=500)["requeued"]


def test_a_paid_order_shows_its_payment(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    event = payment_event(company, order_id, intent={"id": "pi_shown"})
    _send(client, event)
    assert jobs.drain() == ["stripe_events.handle"]
    assert (_event(event)["state"], _event(event)["attempts"]) == ("handled", 1)
    order = client.get(f"/v1/orders/{order_id}", headers=company.headers()).get_json()
    assert order["paid"] == {"amount": 12900, "currency": "cad"}
    (payment,) = client.get(f"/v1/orders/{order_id}/payments", headers=company.headers()).get_json()["data"]
    assert (payment["stripe_payment_intent_id"], payment["refund_due"]) == ("pi_shown", False)
    history = rows(
        "SELECT event, actor_label, details FROM order_history WHERE order_id = :id ORDER BY id", id=order_id
    )
    assert history[-1] == {"event": "payment", "actor_label": "stripe", "details": {"amount": 12900, "currency": "cad"}}


def test_an_event_that_is_handled_again_changes_nothing(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    event = payment_event(company, order_id)
    _send(client, event)
    jobs.drain()
    before = footprint(company.org_id)
    for _ in range(5):
        _send(client, event)
        jobs.run("stripe_events.handle", {"event_id": event["id"]})
    assert jobs.drain() == []
    assert footprint(company.org_id) == before
    assert _event(event)["attempts"] == 1


def test_two_events_about_one_payment_record_it_once(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    for _ in range(2):
        _send(client, payment_event(company, order_id, intent={"id": "pi_once"}))
    jobs.drain()
    assert row("SELECT paid_amount FROM orders WHERE id = :id", id=order_id)["paid_amount"] == 12900
    assert {each["state"] for each in rows("SELECT state FROM stripe_events")} == {"handled"}


def test_two_payments_add_up(client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID) -> None:
    for amount in (4000, 8900):
        _send(client, payment_event(company, order_id, intent={"amount_received": amount}))
    jobs.drain()
    assert row("SELECT paid_amount FROM orders WHERE id = :id", id=order_id)["paid_amount"] == 12900
    assert len(rows("SELECT 1 FROM payments WHERE order_id = :id", id=order_id)) == 2


def test_a_payment_for_a_cancelled_order_is_kept_and_due_back(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    client.post(f"/v1/orders/{order_id}/cancel", json={"reason": "ill"}, headers=company.headers())
    _send(client, payment_event(company, order_id))
    jobs.drain()
    (payment,) = client.get(f"/v1/orders/{order_id}/payments", headers=company.headers()).get_json()["data"]
    assert payment["refund_due"] is True
    assert client.get(f"/v1/orders/{order_id}", headers=company.headers()).get_json()["state"] == "cancelled"


@pytest.mark.parametrize("kind", ["charge.refunded", "customer.created", "no.such.type"])
def test_a_type_that_we_do_not_use_is_ignored(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, kind: str
) -> None:
    event = payment_event(company, order_id, type=kind)
    before = footprint(company.org_id)
    _send(client, event)
    jobs.drain()
    assert _event(event)["state"] == "ignored"
    assert footprint(company.org_id) == before


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {},
        {"order_id": "x"},
        {"org_id": "x", "order_id": "y"},
        {"org_id": None, "order_id": None},
        [],
        "text",
        {"org_id": 1, "order_id": 2},
    ],
)
def test_a_payment_that_names_no_order_is_not_about_us(
    client: CheckedClient, company: Company, jobs: JobsProbe, metadata: object
) -> None:
    event = payment_event(company, "", intent={"metadata": metadata})
    _send(client, event)
    jobs.drain()
    assert _event(event)["state"] == "ignored"


@pytest.mark.parametrize("received", [0, -5])
def test_a_payment_without_money_is_ignored(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, received: int
) -> None:
    event = payment_event(company, order_id, intent={"amount_received": received})
    before = footprint(company.org_id)
    _send(client, event)
    jobs.drain()
    assert _event(event)["state"] == "ignored"
    assert footprint(company.org_id) == before


FAILING: dict[str, tuple[dict[str, Any], str]] = {
    "unknown order": ({"metadata": "unknown"}, "orders.not_found"),
    "another organization's order": ({"metadata": "foreign"}, "orders.not_found"),
    "another currency": ({"currency": "usd"}, "payments.wrong_currency"),
    "no amount": ({"amount_received": None}, ""),
    "words for an amount": ({"amount_received": "all of it"}, ""),
    "an endless amount": ({"amount_received": 10**15}, ""),
}


@pytest.mark.parametrize(("intent", "code"), FAILING.values(), ids=FAILING.keys())
def test_what_cannot_be_handled_is_tried_again_and_then_dead(
    client: CheckedClient,
    company: Company,
    neighbour: Company,
    jobs: JobsProbe,
    order_id: UUID,
    intent: dict[str, Any],
    code: str,
) -> None:
    theirs = make_order(neighbour)
    names = {"unknown": uuid4(), "foreign": theirs}
    given = dict(intent)
    if "metadata" in given:
        given["metadata"] = {"org_id": str(company.org_id), "order_id": str(names[given["metadata"]])}
    event = payment_event(company, order_id, intent=given)
    before = footprint(company.org_id), footprint(neighbour.org_id)
    _send(client, event)
    waits: list[float] = []
    for attempt in range(1, stripe_events.MAX_ATTEMPTS + 1):
        ((name, arguments),) = jobs.enqueued()
        started = datetime.now(UTC)
        # A fault of the payload may crash the task; it must be recorded all the same.
        with nullcontext() if code else suppress(Exception):
            jobs.run(name, arguments)
        found = _event(event)
        assert (found["attempts"], found["last_error"] != "") == (attempt, True)
        assert code in found["last_error"]
        if attempt < stripe_events.MAX_ATTEMPTS:
            assert found["state"] == "handling"
            jobs.run(name, arguments)  # a copy of the message, while the retry is not due
            assert _event(event)["attempts"] == attempt
            waits.append((found["next_attempt_at"] - started).total_seconds())
            assert _sweep(timedelta(seconds=waits[-1] / 2)) == 0, "not before it is due"
            assert _sweep(timedelta(seconds=waits[-1] + 1)) == 1
    assert _event(event)["state"] == "dead"
    assert _sweep(timedelta(days=30)) == 0
    assert waits == sorted(waits)
    assert 30 <= waits[0] < 60
    assert (footprint(company.org_id), footprint(neighbour.org_id)) == before


def test_an_order_that_appears_later_is_paid_then(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    unknown = uuid4()
    event = payment_event(company, unknown)
    _send(client, event)
    jobs.drain()
    assert _event(event)["state"] == "handling"
    order_id = make_order(company)
    with transaction(PLATFORM) as session:
        found = session.get_one(stripe_events.StripeEvent, event["id"])
        found.payload = payment_event(company, order_id)
    assert _sweep(timedelta(hours=2)) == 1
    jobs.drain()
    assert _event(event)["state"] == "handled"
    assert _event(event)["last_error"] is None
    assert row("SELECT paid_amount FROM orders WHERE id = :id", id=order_id)["paid_amount"] == 12900


def test_a_lost_message_is_brought_back_by_the_sweep(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    event = payment_event(company, order_id)
    _send(client, event)
    assert len(jobs.enqueued()) == 1  # lost
    assert _sweep(timedelta(0)) == 0, "the message that was published gets its chance first"
    assert _sweep(timedelta(minutes=1)) == 1
    jobs.drain()
    assert _event(event)["state"] == "handled"


def test_the_scheduled_sweep_runs_the_same(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    event = payment_event(company, order_id)
    _send(client, event)
    jobs.enqueued()
    with transaction(PLATFORM) as session:
        session.get_one(stripe_events.StripeEvent, event["id"]).next_attempt_at = datetime.now(UTC)
    jobs.run("stripe_events.sweep")
    assert jobs.drain() == ["stripe_events.handle"]
    assert _event(event)["state"] == "handled"


def test_a_message_about_no_event_is_harmless(jobs: JobsProbe) -> None:
    jobs.run("stripe_events.handle", {"event_id": "evt_unknown"})
    assert rows("SELECT 1 FROM stripe_events") == []


def _pay(client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, amount: int) -> None:
    _send(client, payment_event(company, order_id, intent={"id": f"pi_{new_id()}", "amount_received": amount}))
    jobs.drain()


@pytest.mark.parametrize("paid_first", [True, False])
@pytest.mark.parametrize(
    ("state", "owed"), [("cancelled", 12_900), ("no_show", 12_900), ("completed", 12_900), ("waived", 0)]
)
def test_what_is_paid_above_what_is_owed_is_due_back_whenever_it_arrives(
    client: CheckedClient, company: Company, jobs: JobsProbe, state: str, owed: int, paid_first: bool
) -> None:
    order_id = order_in(client, company, OrderState.CONFIRMED)
    let_it_begin(company, order_id)
    if paid_first:
        _pay(client, company, jobs, order_id, 5_000)
    waive = {"waive_fee_reason": "our fault"} if state == "waived" else {}
    ends = {
        "cancelled": [("cancel", {"reason": "ill"})],
        "waived": [("no-show", waive)],
        "no_show": [("no-show", {})],
        "completed": [("start", {}), ("complete", {})],
    }
    for verb, body in ends[state]:
        answer = client.post(f"/v1/orders/{order_id}/{verb}", json=body, headers=company.headers())
        assert answer.status_code == 200
    if not paid_first:
        _pay(client, company, jobs, order_id, 5_000)
    _pay(client, company, jobs, order_id, 10_000)
    order = client.get(f"/v1/orders/{order_id}", headers=company.headers()).get_json()
    assert order["refund_due"]["amount"] == 15_000 - owed
    payments = client.get(f"/v1/orders/{order_id}/payments", headers=company.headers()).get_json()["data"]
    assert payments[-1]["refund_due"] is True
    assert payments[0]["refund_due"] is (owed == 0 and not paid_first)


def test_the_deposit_that_is_paid_confirms_the_order_once(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    change_company(company, deposit_policy=settings.DEPOSIT_POLICY | {"required_for": ["always"]})
    order_id = make_order(company)
    _pay(client, company, jobs, order_id, 3_224)
    assert client.get(f"/v1/orders/{order_id}", headers=company.headers()).get_json()["state"] == "pending"
    for _ in range(2):
        _pay(client, company, jobs, order_id, 1)
    order = client.get(f"/v1/orders/{order_id}", headers=company.headers()).get_json()
    assert (order["state"], order["hold_until"]) == ("confirmed", None)
    assert len(rows("SELECT id FROM messages WHERE kind = 'order_confirmed'")) == 1
    events = [each["event"] for each in rows("SELECT event FROM order_history ORDER BY id")]
    assert events == ["place", "payment", "payment", "confirm", "payment"]
