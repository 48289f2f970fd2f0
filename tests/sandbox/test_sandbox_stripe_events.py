"""Webhooks leave as Stripe would send them, checked with Stripe's own library."""

import json
import threading
import time

import pytest
import stripe


def verified(receiver, number, secret):
    signature = receiver.headers[number]["Stripe-Signature"]
    return stripe.Webhook.construct_event(receiver.bodies[number], signature, secret)


def test_an_event_is_signed_so_that_stripes_library_accepts_it(sandbox, receive, secret):
    receiver = receive()
    told = sandbox.event(
        object={
            "id": "pi_1",
            "amount": 4200,
            "currency": "usd",
            "metadata": {"payment_id": "p-1", "who": "Zoë"},
        },
        url=receiver.url,
    )
    event = verified(receiver, 0, secret)
    assert (event.type, event.api_version, event.livemode) == (
        "payment_intent.succeeded",
        "2026-10-28.endive",
        False,
    )
    assert event.id.startswith("evt_")
    assert abs(event.created - time.time()) < 60
    intent = event.data.object
    assert (intent.id, intent.amount, intent.amount_received, intent.currency) == ("pi_1", 4200, 4200, "usd")
    assert (intent.status, intent.metadata["who"], intent.livemode) == ("succeeded", "Zoë", False)
    assert json.loads(receiver.bodies[0]) == told["event"]
    assert receiver.headers[0]["Content-Type"] == "application/json; charset=utf-8"
    [delivery] = told["deliveries"]
    assert (delivery["status"], delivery["body"]) == (200, "taken")
    assert delivery["ms"] > 0


def test_a_payment_intent_is_filled_in_and_the_caller_wins(sandbox, receive):
    url = receive().url
    failed = sandbox.event("payment_intent.payment_failed", url=url)["event"]["data"]["object"]
    assert failed["id"].startswith("pi_")
    assert (failed["status"], failed["amount_received"]) == ("requires_payment_method", 0)
    assert failed["last_payment_error"]["code"] == "card_declined"
    odd = sandbox.event(object={"amount": 100, "amount_received": 60, "status": "processing"}, url=url)
    assert odd["event"]["data"]["object"]["amount_received"] == 60
    assert odd["event"]["data"]["object"]["status"] == "processing"


def test_other_objects_are_sent_as_given_with_the_id_and_time_asked_for(sandbox, receive, secret):
    receiver = receive()
    sandbox.event("charge.refunded", object={"id": "ch_1"}, id="evt_mine", created=1700000000, url=receiver.url)
    event = verified(receiver, 0, secret)
    assert (event.id, event.created) == ("evt_mine", 1700000000)
    assert json.loads(receiver.bodies[0])["data"] == {"object": {"id": "ch_1"}}


def test_a_wrong_secret_is_used_when_asked_for(sandbox, receive, secret):
    receiver = receive()
    sandbox.event(url=receiver.url, secret="whsec_wrong")
    with pytest.raises(stripe.SignatureVerificationError):
        verified(receiver, 0, secret)
    assert verified(receiver, 0, "whsec_wrong").type == "payment_intent.succeeded"


def test_an_old_timestamp_is_used_when_asked_for(sandbox, receive, secret):
    receiver = receive()
    sandbox.event(url=receiver.url, timestamp_offset=-301)
    with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
        verified(receiver, 0, secret)


def test_duplicates_carry_the_same_bytes_and_arrive_together(sandbox, receive, secret):
    receiver = receive()
    receiver.delay_seconds = 0.3
    told = sandbox.event(url=receiver.url, times=8, concurrency=8)
    assert [entry["delivery"] for entry in told["deliveries"]] == list(range(1, 9))
    assert len(receiver.bodies) == 8
    assert len(set(receiver.bodies)) == 1
    assert verified(receiver, 7, secret).id == told["event"]["id"]
    assert receiver.most_at_once > 1


def test_one_after_the_other_by_default(sandbox, receive):
    receiver = receive()
    receiver.delay_seconds = 0.05
    sandbox.event(url=receiver.url, times=4)
    assert (len(receiver.bodies), receiver.most_at_once) == (4, 1)


def test_a_failure_is_told_and_not_retried_by_default(sandbox, receive, free_port):
    receiver = receive()
    receiver.statuses = [503]
    assert [entry["status"] for entry in sandbox.event(url=receiver.url)["deliveries"]] == [503]
    [refused] = sandbox.event(url=f"http://127.0.0.1:{free_port}/hook")["deliveries"]
    assert "ConnectionError" in refused["error"]


def test_retries_go_on_until_the_receiver_comes_up(sandbox, receive, eventually, free_port, secret):
    told = {}
    url = f"http://127.0.0.1:{free_port}/hook"
    sending = threading.Thread(target=lambda: told.update(sandbox.event(url=url, retry=True)))
    began = time.monotonic()
    sending.start()
    # Up only after the first try has met a closed port.
    eventually(lambda: time.monotonic() > began + 0.5)
    receiver = receive(free_port)
    sending.join(timeout=20)
    first, *_, last = told["deliveries"]
    assert "error" in first
    assert (last["status"], last["attempt"]) == (200, len(told["deliveries"]))
    assert len(receiver.bodies) == 1
    assert verified(receiver, 0, secret).id == told["event"]["id"]


def test_a_server_error_is_retried_and_a_refusal_is_not(sandbox, receive):
    receiver = receive()
    receiver.statuses = [500, 400]
    deliveries = sandbox.event(url=receiver.url, retry=True)["deliveries"]
    assert [entry["status"] for entry in deliveries] == [500, 400]
    assert len({headers["Stripe-Signature"] for headers in receiver.headers}) == 2
    assert len(set(receiver.bodies)) == 1


def test_redirects_are_not_followed(sandbox, receive):
    receiver = receive()
    receiver.statuses = [302]
    assert [entry["status"] for entry in sandbox.event(url=receiver.url)["deliveries"]] == [302]
    assert len(receiver.bodies) == 1


def test_what_was_sent_is_listed_and_shown_escaped(sandbox, receive):
    url = receive().url
    told = sandbox.event("charge.refunded", object={"note": "</pre><script>x()</script>"}, url=url)
    last = sandbox.call("GET", "/api/stripe/events").json()["data"][-1]
    assert (last["event"], last["deliveries"], last["url"]) == (told["event"], told["deliveries"], url)
    page = sandbox.call("GET", "/stripe").text
    assert told["event"]["id"] in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"type": None}, "type"),
        ({"type": 7}, "type"),
        ({"type": ""}, "type"),
        ({"object": []}, "object"),
        ({"object": {"half": "\ud800"}}, "object"),
        ({"id": 7}, "id"),
        ({"created": -1}, "created"),
        ({"times": 0}, "times"),
        ({"times": 101}, "times"),
        ({"times": True}, "times"),
        ({"times": 1.5}, "times"),
        ({"concurrency": 17}, "concurrency"),
        ({"secret": ""}, "secret"),
        ({"secret": "\ud800"}, "secret"),
        ({"timestamp_offset": "1"}, "timestamp_offset"),
        ({"retry": 1}, "retry"),
        ({"url": "ftp://x.example"}, "url"),
        ({"url": "http://"}, "url"),
        ({"url": "http://[::1"}, "url"),
        ({"url": "http://x.example:99999/"}, "url"),
        ({"url": None}, "--webhook-url"),
        ({"retries": 3}, "retries"),
    ],
)
def test_a_bad_body_is_400_and_sends_nothing(sandbox, receive, change, names):
    receiver = receive()
    body = {"type": "payment_intent.succeeded", "url": receiver.url} | change
    answer = sandbox.call("POST", "/api/stripe/events", json=body)
    assert answer.status_code == 400
    assert names in answer.json()["error"]
    assert receiver.bodies == []


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"type": "x"}', "text/plain"),
    ],
)
def test_a_body_that_is_no_json_object_is_400(sandbox, data, kind):
    answer = sandbox.call("POST", "/api/stripe/events", data=data, headers={"Content-Type": kind})
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
