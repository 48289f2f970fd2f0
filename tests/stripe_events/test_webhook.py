"""The door for Stripe's webhooks: genuine events are kept once, anything else is refused and leaves nothing."""

import json
import time
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from stripe import WebhookSignature

from shared.integrations.payments.stripe_webhooks import StripeWebhookVerifier
from tests.checked_client import CheckedClient
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.factories.stripe_events import SECRET, payment_event, signed
from tests.jobs_probe import JobsProbe
from tests.rows import row, rows
from tests.variants import client_on

URL = "/v1/stripe/webhook"


@pytest.fixture
def order_id(company: Company) -> UUID:
    return make_order(company)


@pytest.fixture
def event(company: Company, order_id: UUID) -> dict[str, Any]:
    return payment_event(company, order_id)


def _refused(client: CheckedClient, jobs: JobsProbe, **request: Any) -> None:
    answer = client.post(URL, **request)
    assert answer.status_code == 400
    assert answer.get_json()["code"] == "stripe.bad_signature"
    assert rows("SELECT id FROM stripe_events") == []
    assert jobs.enqueued() == []


def test_a_genuine_event_is_kept_and_enqueued(client: CheckedClient, jobs: JobsProbe, event: dict[str, Any]) -> None:
    answer = client.post(URL, **signed(event))
    assert (answer.status_code, answer.get_json()) == (200, {"received": True})
    kept = row("SELECT * FROM stripe_events")
    assert (kept["id"], kept["type"], kept["state"]) == (event["id"], "payment_intent.succeeded", "received")
    assert (kept["payload"], kept["api_version"]) == (event, "2026-10-28.endive")
    assert jobs.enqueued() == [("stripe_events.handle", {"event_id": event["id"]})]


def test_the_same_event_five_times_is_one(client: CheckedClient, jobs: JobsProbe, event: dict[str, Any]) -> None:
    for _ in range(5):
        assert client.post(URL, **signed(event)).status_code == 200
    assert len(rows("SELECT id FROM stripe_events")) == 1
    assert len(jobs.enqueued()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"secret": "whsec_another"},
        {"secret": "whsec_test_run "},
        {"age": 301 + 10},
        {"age": -301 - 10},
        {"age": 10**9},
        {"age": -(10**12)},
        {"header": "t=1"},
        {"header": "v1=abc"},
        {"header": "t=,v1="},
        {"header": "t=abc,v1=abc"},
        {"header": "t=-1,v1=x"},
        {"header": "=" * 100},
        {"header": "," * 100},
        {"header": "t=1e400,v1=x"},
        {"header": "t=\u0661,v1=x"},
        {"header": "é"},
        {"header": "t=" + "9" * 5000 + ",v1=x"},
    ],
    ids=str,
)
def test_a_signature_that_is_not_stripes_is_refused(
    client: CheckedClient, jobs: JobsProbe, event: dict[str, Any], change: dict[str, Any]
) -> None:
    request = signed(event, **change)
    request["headers"]["Stripe-Signature"] = request["headers"]["Stripe-Signature"].encode().decode("latin-1")
    _refused(client, jobs, **request)


@pytest.mark.parametrize("age", [290, -290])
def test_a_signature_within_five_minutes_is_good(client: CheckedClient, event: dict[str, Any], age: int) -> None:
    assert client.post(URL, **signed(event, age=age)).status_code == 200


def test_no_signature_at_all_is_refused(client: CheckedClient, jobs: JobsProbe, event: dict[str, Any]) -> None:
    _refused(client, jobs, json=event)
    _refused(client, jobs, json=event, headers={"Stripe-Signature": ""})


def test_a_changed_body_is_refused(client: CheckedClient, jobs: JobsProbe, event: dict[str, Any]) -> None:
    request = signed(event)
    request["data"] = request["data"].replace(b"12900", b"99900")
    _refused(client, jobs, **request)


def test_two_timestamps_in_one_header_are_refused(
    client: CheckedClient, jobs: JobsProbe, event: dict[str, Any]
) -> None:
    """Or a signature of another time, old or far ahead, could borrow a fresh one."""
    body, now = json.dumps(event), int(time.time())
    for other in (now - 9999, now + 9999):
        signature = WebhookSignature.generate_signature_header(body, SECRET, other).partition("v1=")[2]
        for header in (f"t={now},t={other},v1={signature}", f"t={other},t={now},v1={signature}"):
            _refused(client, jobs, **signed(event, header=header))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\x00garbage",
        b"not json",
        b"[]",
        b"5",
        b"null",
        b'"text"',
        b"{}",
        b'{"object": "event"}',
        b'{"object": "event", "data": {}}',
        b'{"object": "event", "data": null, "id": "evt_1", "type": "x", "created": 1}',
        b'{"object": "event", "data": {"object": []}, "id": "evt_1", "type": "x", "created": 1}',
        b'{"object": "event", "data": {"object": {}}, "id": 5, "type": "x", "created": 1}',
        b'{"object": "event", "data": {"object": {}}, "id": "", "type": "x", "created": 1}',
        b'{"object": "event", "data": {"object": {}}, "id": "evt_1", "type": null, "created": 1}',
        b'{"object": "event", "data": {"object": {}}, "id": "evt_1", "type": "x"}',
        b'{"object": "event", "data": {"object": {}}, "id": "evt_1", "type": "x", "created": "now"}',
        b'{"object": "event", "data": {"object": {}}, "id": "evt_1", "type": "x", "created": 1e308}',
        b'{"object": "event", "data": {"object": {}}, "id": "evt_1", "type": "x", "created": 99999999999999}',
        b'{"object": "event", "data": {"object": {}}, "id": "evt_1", "type": "x", "created": 1, "api_version": {}}',
        b'{"object": "v2.core.event", "id": "evt_1", "type": "x", "created": 1}',
        b"[" * 10_000,
        b'{"object": "event", "data": {"object": {"a":'
        + b"[" * 5000
        + b"]" * 5000
        + b'}}, "id": "evt_1", "type": "x", "created": 1}',
    ],
)
def test_a_signed_body_that_is_no_event_is_refused(client: CheckedClient, jobs: JobsProbe, body: bytes) -> None:
    _refused(client, jobs, **signed(body))


def test_what_stripe_signed_is_kept_even_with_characters_that_the_database_cannot_hold(
    client: CheckedClient, jobs: JobsProbe, event: dict[str, Any]
) -> None:
    event["data"]["object"]["description"] = "nul \x00 and the text \\u0000"
    assert client.post(URL, **signed(event)).status_code == 200
    stored = row("SELECT payload FROM stripe_events WHERE id = :id", id=event["id"])["payload"]
    assert stored["data"]["object"]["description"] == "nul \ufffd and the text \\u0000"
    jobs.drain()
    assert row("SELECT state FROM stripe_events WHERE id = :id", id=event["id"])["state"] == "handled"


def test_a_body_over_the_limit_is_413_whoever_signed_it(
    client: CheckedClient, jobs: JobsProbe, event: dict[str, Any]
) -> None:
    padded = json.dumps(event).encode()
    fits = padded + b" " * (256 * 1024 - len(padded))
    answer = client.post(URL, **signed(fits + b" "))
    assert answer.status_code == 413
    assert jobs.enqueued() == []
    assert client.post(URL, **signed(fits)).status_code == 200


def test_without_a_secret_the_door_is_closed(company: Company, jobs: JobsProbe, event: dict[str, Any]) -> None:
    client = client_on(replace(company.services, webhooks=StripeWebhookVerifier([])))
    for request in (signed(event), signed(event, secret=""), {"json": event}):
        answer = client.post(URL, **request)
        assert answer.status_code == 503
        assert answer.get_json()["code"] == "stripe.not_set_up"
        assert "Retry-After" in answer.headers
    assert rows("SELECT id FROM stripe_events") == []


def test_both_secrets_work_while_one_is_being_rotated(company: Company, jobs: JobsProbe, order_id: UUID) -> None:
    both = StripeWebhookVerifier(["whsec_new", "whsec_old"])
    client = client_on(replace(company.services, webhooks=both))
    for secret, status in (("whsec_old", 200), ("whsec_new", 200), ("whsec_older", 400), (SECRET, 400)):
        answer = client.post(URL, **signed(payment_event(company, order_id), secret=secret))
        assert answer.status_code == status, secret
    event = payment_event(company, order_id)
    old, new = (signed(event, secret=secret)["headers"]["Stripe-Signature"] for secret in ("whsec_old", "whsec_new"))
    header = f"{new},{old.partition(',')[2]}"  # Stripe signs with both while a secret is being rolled
    assert client.post(URL, **signed(event, header=header)).status_code == 200


def test_the_content_type_does_not_matter(client: CheckedClient, event: dict[str, Any]) -> None:
    request = signed(event) | {"content_type": "application/json; charset=utf-8"}
    assert client.post(URL, **request).status_code == 200


def test_other_methods_are_refused(client: CheckedClient) -> None:
    assert client.get(URL).status_code == 405
