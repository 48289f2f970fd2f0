"""SendGrid's mail/send, held against what Twilio publishes about it."""

import json
import time

import pytest
import requests

from ops.sandbox.sendgrid.account import API_KEY

from .sendgrid_mail import ICS, NO_FAULT, URL, a_mail, events, fault, send


def calls(sandbox):
    return sandbox.call("GET", "/api/sendgrid/calls").json()["data"]


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


def test_the_page_shows_mails_and_what_was_told(sandbox, receive):
    assert "Nothing told yet" in sandbox.call("GET", "/sendgrid").text or calls(sandbox)
    message_id = send(sandbox, a_mail(subject="<script>alert(1)</script>")).headers["X-Message-Id"]
    events(sandbox, message_id=message_id, url=receive().url, events=[{"event": "spamreport"}])
    page = sandbox.call("GET", "/sendgrid").text
    for shown in (message_id, "dana@example.com", "org_id o-1", "spamreport", "&lt;script&gt;"):
        assert shown in page
    assert "<script" not in page
    assert 'href="/sendgrid"' in sandbox.call("GET", "/").text
