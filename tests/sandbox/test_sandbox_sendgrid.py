"""The SendGrid stand-in, held against what Twilio publishes about mail/send and the signed event webhook."""

import base64
import json
import time

import pytest
import requests
from sendgrid import EventWebhook

from ops.sandbox.sendgrid.account import API_KEY

URL = "/sendgrid/v3/mail/send"
NO_FAULT = {"mode": "ok", "count": None, "seconds": 0.0}
ICS = base64.b64encode(b"BEGIN:VCALENDAR\r\n").decode()
SIGNATURE, TIMESTAMP = (f"X-Twilio-Email-Event-Webhook-{name}" for name in ("Signature", "Timestamp"))


def a_mail(**changes):
    return {
        "personalizations": [{"to": [{"email": "dana@example.com", "name": "Dana"}]}],
        "from": {"email": "hello@sparkle.example", "name": "Spärkle, Inc."},
        "reply_to": {"email": "office@sparkle.example"},
        "subject": "Rechnung für März",
        "content": [
            {"type": "text/plain", "value": "Plain words, schön.\n"},
            {"type": "text/html", "value": "<h1>Hello</h1>\n"},
        ],
        "attachments": [
            {"content": ICS, "filename": "visit.ics", "type": "text/calendar", "disposition": "attachment"}
        ],
        "headers": {"Message-ID": "<m1@crewline.example>", "X-Request-Id": "r1"},
        "custom_args": {"org_id": "o-1", "message_id": "m-1"},
    } | changes


def send(sandbox, mail=None, key=API_KEY, **options):
    headers = {"Authorization": f"Bearer {key}"}
    return sandbox.call("POST", URL, json=a_mail() if mail is None else mail, headers=headers, **options)


def fault(sandbox, mode, **more):
    return sandbox.call("PUT", "/api/sendgrid/fault", json={"mode": mode, **more})


def calls(sandbox):
    return sandbox.call("GET", "/api/sendgrid/calls").json()["data"]


def events(sandbox, **asked):
    return sandbox.call("POST", "/api/sendgrid/events", json=asked)


def genuine(key, body, headers):
    return EventWebhook(key).verify_signature(body.decode(), headers[SIGNATURE], headers[TIMESTAMP])


@pytest.fixture
def sandbox(sandbox):
    fault(sandbox, "ok")
    yield sandbox
    fault(sandbox, "ok")


def test_a_mail_comes_into_the_mailbox_as_it_was_asked_for(sandbox):
    answer = send(sandbox)
    assert (answer.status_code, answer.content) == (202, b"")
    [mail] = sandbox.mails()
    headers = dict(mail["headers"])
    assert (mail["envelope_from"], mail["envelope_to"]) == ("hello@sparkle.example", ["dana@example.com"])
    assert (mail["subject"], mail["message_id"]) == ("Rechnung für März", "<m1@crewline.example>")
    assert (mail["text"], mail["html"]) == ("Plain words, schön.\n", "<h1>Hello</h1>\n")
    assert mail["attachments"] == [{"filename": "visit.ics", "content_type": "text/calendar", "size": 17}]
    assert "Spärkle, Inc." in headers["From"]
    assert (headers["Reply-To"], headers["X-Request-Id"]) == ("office@sparkle.example", "r1")
    assert json.loads(headers["X-Sandbox-Custom-Args"]) == {"org_id": "o-1", "message_id": "m-1"}
    kept = sandbox.call("GET", "/api/sendgrid/mails").json()["data"][-1]
    assert (kept["message_id"], kept["mail_id"]) == (answer.headers["X-Message-Id"], mail["id"])
    assert kept["custom_args"] == {"org_id": "o-1", "message_id": "m-1"}


def test_each_personalization_is_a_mail_of_its_own(sandbox):
    people = [
        {"to": [{"email": "a@example.com"}], "cc": [{"email": "c@example.com"}], "bcc": [{"email": "b@example.com"}]},
        {"to": [{"email": "d@example.com"}], "subject": "Another", "custom_args": {"org_id": "o-2"}},
    ]
    assert send(sandbox, a_mail(personalizations=people, headers={})).status_code == 202
    first, second = sandbox.mails()
    assert first["envelope_to"] == ["a@example.com", "c@example.com", "b@example.com"]
    assert "b@example.com" not in json.dumps(first["headers"])
    assert second["subject"] == "Another"
    assert json.loads(dict(second["headers"])["X-Sandbox-Custom-Args"]) == {"org_id": "o-2", "message_id": "m-1"}
    assert first["message_id"].endswith("@sendgrid.sandbox>")


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic x", API_KEY])
def test_without_the_key_nothing_is_sent(sandbox, header):
    answer = sandbox.call("POST", URL, json=a_mail(), headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert set(answer.json()["errors"][0]) == {"message", "field", "help"}
    assert sandbox.mails() == []


TEXT, HTML = a_mail()["content"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"personalizations": None}, "personalizations"),
        ({"personalizations": []}, "personalizations"),
        ({"personalizations": ["x"]}, "personalizations.0"),
        ({"personalizations": [{"to": []}]}, "personalizations.0.to"),
        ({"personalizations": [{"to": [{"email": "nobody"}]}]}, "personalizations.0.to.0.email"),
        ({"personalizations": [{"to": [{"email": "ä@x.example"}]}]}, "personalizations.0.to.0.email"),
        (
            {"personalizations": [{"to": [{"email": "a@x.example\r\nBcc: b@x.example"}]}]},
            "personalizations.0.to.0.email",
        ),
        ({"personalizations": [{"to": [{"email": f"{n}@x.example"} for n in range(1001)]}]}, "personalizations.0"),
        ({"from": None}, "from.email"),
        ({"from": {"email": "x"}}, "from.email"),
        ({"from": {"name": "x"}}, "from.email"),
        ({"reply_to": {"email": "x"}}, "reply_to.email"),
        ({"subject": ""}, "subject"),
        ({"subject": 5}, "subject"),
        ({"content": []}, "content"),
        ({"content": [HTML, TEXT]}, "content"),
        ({"content": [TEXT, TEXT]}, "content"),
        ({"content": [TEXT | {"value": ""}]}, "content.0.value"),
        ({"content": [{"value": "x"}]}, "content.0.type"),
        ({"content": [TEXT | {"type": "text/plain; charset=utf-8"}]}, "content.0.type"),
        ({"attachments": {}}, "attachments"),
        ({"attachments": [{"content": "no base64!", "filename": "x"}]}, "attachments.0.content"),
        ({"attachments": [{"content": ICS}]}, "attachments.0.filename"),
        (
            {"attachments": [{"content": ICS, "filename": "x", "type": "text/calendar; method=REQUEST"}]},
            "attachments.0.type",
        ),
        ({"attachments": [{"content": ICS, "filename": "x", "disposition": "y"}]}, "attachments.0.disposition"),
        ({"headers": {"Reply-To": "x@x.example"}}, "headers.Reply-To"),
        ({"headers": {"dkim-signature": "x"}}, "headers.dkim-signature"),
        ({"headers": {"X-A": "b\r\nBcc: c@x.example"}}, "headers.X-A"),
        ({"headers": {"X-A": 5}}, "headers.X-A"),
        ({"headers": {"X A": "5"}}, "headers"),
        ({"custom_args": {"n": 5}}, "custom_args"),
        ({"custom_args": {"n": "x" * 10_000}}, "custom_args"),
        ({"custom_arg": {}}, "custom_arg"),
    ],
    ids=lambda value: json.dumps(value)[:70],
)
def test_what_is_wrong_is_told_by_field(sandbox, changes, field):
    answer = send(sandbox, a_mail(**changes))
    assert answer.status_code == 400
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert sandbox.mails() == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (json.dumps(a_mail()).encode(), "text/plain", 415),
    ],
)
def test_what_is_no_mail_is_refused(sandbox, body, kind, status):
    headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": kind}
    answer = sandbox.call("POST", URL, data=body, headers=headers)
    assert (answer.status_code, list(answer.json())) == (status, ["errors"])


def test_thirty_megabytes_are_the_most(sandbox):
    content = [{"type": "text/plain", "value": "x" * (30 * 1024 * 1024)}]
    assert send(sandbox, a_mail(content=content)).status_code == 413
    assert send(sandbox, a_mail(content=[TEXT | {"value": "x" * 2_000_000}])).status_code == 202


@pytest.mark.parametrize(
    ("mode", "status", "stored"),
    [
        ("rate_limited", 429, 0),
        ("unauthorized", 401, 0),
        ("forbidden", 403, 0),
        ("refused", 400, 0),
        ("too_large", 413, 0),
        ("down", 503, 0),
        ("error", 500, 0),
        ("garbage", 200, 0),
        ("redirect", 302, 0),
        ("no_id", 202, 1),
        ("slow", 202, 1),
        ("reset", None, 0),
        ("drop_after_accept", None, 1),
    ],
)
def test_each_fault_is_met_once_and_told(sandbox, mode, status, stored):
    assert fault(sandbox, mode, count=1, seconds=0.2).status_code == 200
    if status is None:
        with pytest.raises(requests.ConnectionError):
            send(sandbox)
    else:
        assert send(sandbox, allow_redirects=False).status_code == status
    assert len(sandbox.mails()) == stored
    assert [calls(sandbox)[-1][name] for name in ("mode", "status")] == [mode, status]
    assert sandbox.call("GET", "/api/sendgrid/fault").json() == NO_FAULT
    assert send(sandbox).status_code == 202


def test_a_limit_says_when_it_ends(sandbox):
    fault(sandbox, "rate_limited", count=1, seconds=90)
    headers = send(sandbox).headers
    assert 85 <= int(headers["X-RateLimit-Reset"]) - time.time() <= 91
    assert (headers["Retry-After"], headers["X-RateLimit-Remaining"]) == ("90", "0")


def test_one_that_hangs_says_nothing_and_takes_nothing(sandbox):
    fault(sandbox, "hang", count=1)
    with pytest.raises(requests.ReadTimeout):
        headers = {"Authorization": f"Bearer {API_KEY}"}
        sandbox.session.post(sandbox.url + URL, json=a_mail(), headers=headers, timeout=0.3)
    assert sandbox.mails() == []


@pytest.mark.parametrize("asked", [{}, {"mode": "sad"}, {"mode": "slow"}, {"mode": "rate_limited", "seconds": 0}])
def test_a_fault_that_makes_no_sense_is_refused(sandbox, asked):
    assert sandbox.call("PUT", "/api/sendgrid/fault", json=asked).status_code == 400
    assert sandbox.call("GET", "/api/sendgrid/fault").json() == NO_FAULT


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


def test_the_page_shows_mails_and_what_was_told(sandbox, receive):
    assert "Nothing told yet" in sandbox.call("GET", "/sendgrid").text or calls(sandbox)
    message_id = send(sandbox, a_mail(subject="<script>alert(1)</script>")).headers["X-Message-Id"]
    events(sandbox, message_id=message_id, url=receive().url, events=[{"event": "spamreport"}])
    page = sandbox.call("GET", "/sendgrid").text
    for shown in (message_id, "dana@example.com", "org_id o-1", "spamreport", "&lt;script&gt;"):
        assert shown in page
    assert "<script" not in page
    assert 'href="/sendgrid"' in sandbox.call("GET", "/").text


@pytest.mark.parametrize("way", ["smtp", "sendgrid"])
def test_what_is_attached_can_be_kept_and_read(sandbox, way):
    if way == "sendgrid":
        send(sandbox)
    else:
        with sandbox.smtp() as client:
            raw = (
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\n"
                'Content-Type: text/calendar\r\nContent-Disposition: attachment; filename="../visit.ics"\r\n'
                "Content-Transfer-Encoding: base64\r\n\r\n" + ICS + "\r\n--b--\r\n"
            )
            client.sendmail("a@x.example", ["b@x.example"], raw)
    [mail] = sandbox.mails()
    path = f"/mail/{mail['id']}/attachments/1"
    assert f'href="{path}"' in sandbox.call("GET", f"/mail/{mail['id']}").text
    kept, read = sandbox.call("GET", path), sandbox.call("GET", path, params={"view": ""})
    assert kept.content == read.content == b"BEGIN:VCALENDAR\r\n"
    assert kept.headers["Content-Disposition"] == "attachment; filename=visit.ics"
    assert kept.headers["Content-Type"] == "application/octet-stream"
    assert read.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Content-Disposition" not in read.headers
    for number in (0, 2):
        assert sandbox.call("GET", f"/mail/{mail['id']}/attachments/{number}").status_code == 404


def test_what_is_attached_and_no_text_is_never_shown(sandbox):
    page = base64.b64encode(b"<script>alert(1)</script>").decode()
    files = [
        {"content": page, "filename": "a.svg", "type": "image/svg+xml"},
        {"content": page, "filename": "b.html", "type": "text/html"},
    ]
    send(sandbox, a_mail(attachments=files))
    [mail] = sandbox.mails()
    kinds = [
        sandbox.call("GET", f"/mail/{mail['id']}/attachments/{number}", params={"view": ""}).headers["Content-Type"]
        for number in (1, 2)
    ]
    assert kinds == ["application/octet-stream", "text/plain; charset=utf-8"]
