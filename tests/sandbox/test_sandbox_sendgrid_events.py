"""SendGrid's signed event webhook, held against what Twilio publishes about it and against its SDK."""

import json
import time

import pytest
from sendgrid import EventWebhook

from .sendgrid_mail import events, send

SIGNATURE, TIMESTAMP = (f"X-Twilio-Email-Event-Webhook-{name}" for name in ("Signature", "Timestamp"))


def genuine(key, body, headers):
    return EventWebhook(key).verify_signature(body.decode(), headers[SIGNATURE], headers[TIMESTAMP])


def test_events_about_a_mail_are_filled_in_signed_and_posted(sandbox, receive):
    message_id = send(sandbox).headers["X-Message-Id"]
    receiver = receive()
    asked = [{"event": "delivered"}, {"event": "bounce", "type": "blocked"}]
    told = events(sandbox, message_id=message_id, url=receiver.url, events=asked).json()
    assert [each["status"] for each in told["deliveries"]] == [200]
    [body], [headers] = receiver.bodies, receiver.headers
    key = sandbox.call("GET", "/api/sendgrid/key").json()["public_key"]
    assert genuine(key, body, headers)
    assert not genuine(key, body[:-1], headers)
    delivered, bounce = json.loads(body)
    assert (delivered["email"], delivered["event"]) == ("dana@example.com", "delivered")
    assert (delivered["org_id"], delivered["message_id"]) == ("o-1", "m-1")
    assert delivered["smtp-id"] == "<m1@crewline.example>"
    assert delivered["sg_message_id"].startswith(f"{message_id}.")
    assert abs(delivered["timestamp"] - time.time()) < 5
    assert bounce["type"] == "blocked"
    assert delivered["sg_event_id"] != bounce["sg_event_id"]
    assert sandbox.call("GET", "/api/sendgrid/events").json()["data"][-1]["events"] == told["events"]


def test_any_events_can_be_posted_forged_old_and_often(sandbox, receive):
    receiver = receive()
    asked = [{"event": "delivered", "email": 5}]
    events(sandbox, events=asked, url=receiver.url, forged=True, times=3, concurrency=3, timestamp_offset=-1000)
    assert len(receiver.bodies) == 3
    key = sandbox.call("GET", "/api/sendgrid/key").json()["public_key"]
    assert not genuine(key, receiver.bodies[0], receiver.headers[0])
    assert json.loads(receiver.bodies[0]) == asked
    assert int(receiver.headers[0][TIMESTAMP]) < time.time() - 900


def test_a_dry_run_posts_nothing(sandbox):
    told = events(sandbox, events=[{"event": "open"}], dry=True).json()
    key = sandbox.call("GET", "/api/sendgrid/key").json()["public_key"]
    assert genuine(key, told["payload"].encode(), told["headers"])
    assert told["deliveries"] == []


@pytest.mark.parametrize(
    "asked",
    [
        {"events": [{"event": "open"}]},
        {"events": [], "dry": True},
        {"events": "x", "dry": True},
        {"events": [5], "dry": True},
        {"events": [{"event": "open"}], "dry": True, "message_id": "nothing"},
        {"events": [{"event": "open"}], "dry": True, "mail_id": 999_999},
    ],
)
def test_events_that_make_no_sense_are_refused(sandbox, asked):
    assert events(sandbox, **asked).status_code == 400


def test_an_event_of_an_unknown_kind_is_refused(sandbox):
    message_id = send(sandbox).headers["X-Message-Id"]
    assert events(sandbox, message_id=message_id, events=[{"event": "vanished"}], dry=True).status_code == 400


def test_deliveries_are_told_by_themselves_until_they_are_heard(start, receive, eventually, tmp_path):
    receiver = receive()
    receiver.statuses = [503]
    key = tmp_path / "key.pem"
    sandbox = start("--sendgrid-webhook-url", receiver.url, "--sendgrid-tells", "--sendgrid-key-file", str(key))
    for _ in range(3):
        send(sandbox)
    eventually(lambda: len([e for body in receiver.bodies[1:] for e in json.loads(body)]) == 6)
    kinds = [event["event"] for body in receiver.bodies[1:] for event in json.loads(body)]
    assert kinds == ["processed", "delivered"] * 3
    public = sandbox.call("GET", "/api/sendgrid/key").json()["public_key"]
    assert genuine(public, receiver.bodies[1], receiver.headers[1])
    assert key.stat().st_mode & 0o777 == 0o600
    again = start("--sendgrid-key-file", str(key))
    assert again.call("GET", "/api/sendgrid/key").json()["public_key"] == public
