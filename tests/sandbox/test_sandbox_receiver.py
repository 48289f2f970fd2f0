"""The receiver of our webhooks: what it takes, and how it goes wrong."""

import json
import secrets
import subprocess
import sys
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
import requests
from standardwebhooks import Webhook

SECRET = "whsec_" + b64encode(b"receiver-of-the-sandbox-").decode()
BODY = json.dumps({"type": "order.created", "data": {}})


@pytest.fixture
def receiver(sandbox):
    sandbox.call("PUT", "/api/webhooks/fault", json={"mode": "ok"})
    sandbox.call("PUT", "/api/webhooks/secrets", json={"secrets": [SECRET]})
    return sandbox


def signed(*, secret=SECRET, at=None, body=BODY, name=None):
    at, name = at or datetime.now(UTC), name or f"evt_{secrets.token_hex(8)}"
    signature = Webhook(secret).sign(name, at, body)
    return {"webhook-id": name, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


def post(receiver, headers, body=BODY):
    return receiver.call("POST", "/webhooks/acme", data=body, headers=headers)


def deliveries(receiver, headers):
    return receiver.call("GET", "/api/webhooks/deliveries", params={"id": headers["webhook-id"]}).json()["data"]


def test_a_genuine_delivery_is_taken_once_and_known_the_second_time(receiver):
    headers = signed()
    answers = [post(receiver, headers) for _ in range(2)]
    assert [(each.status_code, each.json()["verdict"]) for each in answers] == [(200, "genuine"), (200, "duplicate")]
    first, second = deliveries(receiver, headers)
    assert (first["type"], first["body"], first["verdict"]) == ("order.created", BODY, "genuine")
    assert second["verdict"] == "duplicate"


@pytest.mark.parametrize(
    "headers",
    [
        lambda: signed(secret="whsec_" + b64encode(b"somebody else's secret!!").decode()),
        lambda: signed(at=datetime.now(UTC) - timedelta(minutes=6)),
        lambda: signed(at=datetime.now(UTC) + timedelta(minutes=6)),
        lambda: signed(body=BODY + " "),
        lambda: {"webhook-id": "evt_unsigned"},
    ],
)
def test_what_is_not_genuine_is_refused(receiver, headers):
    answer = post(receiver, headers())
    assert (answer.status_code, answer.json()["verdict"]) == (401, "refused")
    assert answer.json()["reason"]


def test_either_of_two_secrets_may_have_signed(receiver):
    other = "whsec_" + b64encode(b"the secret of next month").decode()
    receiver.call("PUT", "/api/webhooks/secrets", json={"secrets": [SECRET, other]})
    assert post(receiver, signed()).status_code == 200
    assert post(receiver, signed(secret=other)).status_code == 200


@pytest.mark.parametrize(("mode", "status"), [("error", 500), ("busy", 429), ("gone", 410), ("redirect", 307)])
def test_it_refuses_as_it_is_told_as_often_as_it_is_told(receiver, mode, status):
    receiver.call("PUT", "/api/webhooks/fault", json={"mode": mode, "count": 1, "seconds": 7})
    headers = signed()
    answer = receiver.call("POST", "/webhooks", data=BODY, headers=headers, allow_redirects=False)
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == ("7" if mode == "busy" else None)
    assert [each["verdict"] for each in deliveries(receiver, headers)] == [None]
    assert post(receiver, headers).json()["verdict"] == "genuine"


@pytest.mark.parametrize(("mode", "taken"), [("reset", 0), ("drop_after_accept", 1), ("hang", 0)])
def test_it_ends_the_connection_without_an_answer(receiver, mode, taken):
    receiver.call("PUT", "/api/webhooks/fault", json={"mode": mode, "count": 1, "seconds": 0.1})
    headers = signed()
    with pytest.raises(requests.ConnectionError):
        post(receiver, headers)
    assert len([each for each in deliveries(receiver, headers) if each["verdict"] == "genuine"]) == taken


def test_its_answer_may_be_huge(receiver):
    receiver.call("PUT", "/api/webhooks/fault", json={"mode": "huge", "count": 1})
    assert len(post(receiver, signed()).content) == 1024 * 1024


def test_the_page_shows_what_came_and_escapes_it(receiver):
    headers = signed(body='{"type": "<script>"}')
    post(receiver, headers, '{"type": "<script>"}')
    page = receiver.call("GET", "/webhooks").text
    assert headers["webhook-id"] in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


def test_alone_it_is_a_process_that_can_be_killed(free_port):
    command = [sys.executable, "-m", "ops.sandbox.receiver", "--port", str(free_port), "--secret", SECRET]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        assert url == f"http://127.0.0.1:{free_port}/webhooks"
        assert requests.post(url, data=BODY, headers=signed(), timeout=10).status_code == 200
        process.kill()
    with pytest.raises(requests.ConnectionError):
        requests.post(url, data=BODY, headers=signed(), timeout=10)
