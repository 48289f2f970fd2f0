"""What SendGrid's answers mean, and what must never leave this process."""

import json
import logging
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from pydantic import SecretStr

from ops.sandbox.sendgrid.account import API_KEY
from shared.core.errors import Invalid, Refusal, Unavailable
from shared.core.settings import Settings
from shared.integrations.mail import MAIL_AWAY, MAIL_DELAYED, MAIL_LIMITED, MAIL_REFUSED
from shared.integrations.mail.events import Happening
from shared.integrations.mail.resting import RestingMailer
from shared.integrations.mail.sendgrid_events import SendGridEventVerifier
from shared.integrations.mail.sendgrid_mailer import SendGridMailer
from shared.wiring import build_services
from tests.integrations.mailers import make_mail
from tests.integrations.one_answer import OneAnswer
from tests.sandbox_sendgrid import SandboxSendGrid, sendgrid_settings

MakeMailer = Callable[..., SendGridMailer]


@pytest.fixture
def sendgrid(sandbox_ports: dict[str, int]) -> Iterator[SandboxSendGrid]:
    found = SandboxSendGrid(sandbox_ports["http_port"])
    found.fault("ok")
    yield found
    found.fault("ok")


@pytest.fixture
def make(settings: Settings, sendgrid: SandboxSendGrid) -> MakeMailer:
    """Makes a mailer on the sandbox, with these settings changed."""
    usual = sendgrid_settings(sendgrid) | {"sendgrid_timeout_seconds": 5.0}
    return lambda **changes: SendGridMailer(settings.model_copy(update=usual | changes))


@contextmanager
def server(answer: bytes) -> Iterator[str]:
    """A real server that says `answer` to every request and ends the connection; yields its URL."""

    class Dialogue(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = 0
            while (line := self.rfile.readline()) not in {b"\r\n", b""}:
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            self.rfile.read(length)
            self.wfile.write(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dialogue) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_address[1]}"
        listening.shutdown()


def says(status: int, body: bytes = b"", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status} What", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def refusal(mailer: SendGridMailer) -> Refusal:
    with pytest.raises(Refusal) as refused:
        mailer.send(make_mail())
    return refused.value


@pytest.mark.parametrize(
    ("mode", "kind", "code"),
    [
        ("rate_limited", Unavailable, MAIL_LIMITED),
        ("unauthorized", Unavailable, MAIL_AWAY),
        ("forbidden", Unavailable, MAIL_AWAY),
        ("refused", Invalid, MAIL_REFUSED),
        ("too_large", Invalid, MAIL_REFUSED),
        ("down", Unavailable, MAIL_DELAYED),
        ("error", Unavailable, MAIL_DELAYED),
        ("reset", Unavailable, MAIL_DELAYED),
        ("hang", Unavailable, MAIL_DELAYED),
        ("garbage", Unavailable, MAIL_DELAYED),
        ("redirect", Unavailable, MAIL_AWAY),
    ],
)
def test_each_way_to_go_wrong_means_something(
    make: MakeMailer, sendgrid: SandboxSendGrid, mode: str, kind: type[Refusal], code: str
) -> None:
    sendgrid.fault(mode, count=1, seconds=30)
    sent = len(sendgrid.mails())
    mailer = make(sendgrid_timeout_seconds=0.5)
    found = refusal(mailer)
    assert (type(found), found.code) == (kind, code)
    assert len(sendgrid.mails()) == sent
    mailer.send(make_mail())
    assert len(sendgrid.mails()) == sent + 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, Invalid) for status in (404, 405, 415, 422)),
        *((status, Unavailable) for status in (200, 204, 301, 408, 502, 504, 599)),
    ],
)
def test_other_statuses_mean_something_too(make: MakeMailer, status: int, kind: type[Refusal]) -> None:
    with server(says(status, b"<h1>what</h1>", "Location: /elsewhere")) as url:
        assert type(refusal(make(sendgrid_api_base=url))) is kind


def test_a_redirect_is_not_followed_whatever_its_kind(make: MakeMailer) -> None:
    """Or the API key would go along."""
    with OneAnswer({}).running() as elsewhere:
        for status in (301, 302, 303, 307, 308):
            with server(says(status, b"", f"Location: {elsewhere.url}/x")) as url:
                assert refusal(make(sendgrid_api_base=url)).code == MAIL_AWAY
        assert elsewhere.headers == []


def test_a_proxy_of_the_environment_gets_nothing(
    make: MakeMailer, sendgrid: SandboxSendGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OneAnswer({}).running() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        make().send(make_mail())
        assert proxy.headers == []


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        (["X-RateLimit-Reset: {now+90}", "Retry-After: 5"], 80, 90),
        (["Retry-After: 45"], 45, 45),
        (["X-RateLimit-Reset: {now+999999}"], 3600, 3600),
        (["X-RateLimit-Reset: {now-100}"], 1, 1),
        (["X-RateLimit-Reset: soon", "Retry-After: 7"], 7, 7),
        (["X-RateLimit-Reset: nan"], 3600, 3600),
        (["X-RateLimit-Reset: inf"], 3600, 3600),
        (["X-RateLimit-Reset: -inf"], 1, 1),
        (["Retry-After: Fri, 27 Nov 2026 09:00:00 GMT"], 60, 60),
        ([], 60, 60),
    ],
)
def test_a_limit_says_when_to_come_back(make: MakeMailer, headers: list[str], low: float, high: float) -> None:
    now = int(time.time())
    told = [
        header.replace("{now+90}", str(now + 90))
        .replace("{now+999999}", str(now + 999_999))
        .replace("{now-100}", str(now - 100))
        for header in headers
    ]
    with server(says(429, b"", *told)) as url:
        found = refusal(make(sendgrid_api_base=url))
    assert found.code == MAIL_LIMITED
    assert low <= found.fields["retry_after"] <= high


def test_a_refusal_says_what_sendgrid_says_within_bounds(make: MakeMailer) -> None:
    errors = [{"message": f"Wrong {API_KEY}\r\n\x1b[31m", "field": "from.email", "help": None}]
    errors += [{"message": "long " * 1000, "field": None}]
    with server(says(400, json.dumps({"errors": errors}).encode())) as url:
        found = refusal(make(sendgrid_api_base=url))
    assert found.detail.startswith("400 Wrong [key]")
    assert "(from.email)" in found.detail
    assert len(found.detail) <= 500
    assert found.detail.isprintable()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<h1>no</h1>",
        b"[]",
        b"{}",
        b'{"errors": null}',
        b'{"errors": [5]}',
        b'{"errors": [{"field": "x"}]}',
        b"[" * 60_000,
        b"\xff\xfe",
        b" " * 10_000_000,
    ],
    ids=lambda body: body[:12],
)
def test_whatever_a_refusal_has_in_it_it_is_one(make: MakeMailer, body: bytes) -> None:
    with server(says(400, body)) as url:
        assert refusal(make(sendgrid_api_base=url)).detail == "400"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1",
        b"what\r\n\r\n",
        b"HTTP/1.1 999999 x\r\n\r\n",
        b"HTTP/1.1 202 x\r\n" + b"a: b\r\n" * 200,
        b"HTTP/1.1 202 x\r\nX: " + b"a" * 100_000,
    ],
    ids=lambda answer: answer[:20],
)
def test_what_is_no_answer_leaves_it_in_doubt(make: MakeMailer, answer: bytes) -> None:
    with server(answer) as url:
        assert refusal(make(sendgrid_api_base=url, sendgrid_timeout_seconds=1.0)).code == MAIL_DELAYED


@pytest.mark.parametrize(
    ("answer", "provider_id"),
    [
        (says(202, b"", "X-Message-Id: abc.def"), "abc.def"),
        (says(202), None),
        (says(202, b"", "X-Message-Id:"), None),
        (says(202, b"", "X-Message-Id: " + "a" * 5000), "a" * 200),
        (says(202, b"", "X-Message-Id: nul\x00"), None),
        (says(202, b"", "X-Message-Id: é"), None),
        (b"HTTP/1.1 202 x\r\nX-Message-Id: half\r\nContent-Length: 1000\r\n\r\nhalf", "half"),
    ],
)
def test_what_is_taken_is_taken_whatever_the_rest_of_the_answer(
    make: MakeMailer, answer: bytes, provider_id: str | None
) -> None:
    with server(answer) as url:
        assert make(sendgrid_api_base=url).send(make_mail()) == provider_id


def test_a_mail_that_ends_the_connection_while_it_is_written_is_tried_and_counted(make: MakeMailer) -> None:
    """Or one poisonous mail would be tried for ever, and keep the others waiting."""

    class Rude(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.connection.close()

        def log_message(self, *_: object) -> None:
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Rude) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
        mailer = make(sendgrid_api_base=f"http://127.0.0.1:{listening.server_address[1]}")
        with pytest.raises(Unavailable) as refused:
            mailer.send(make_mail(text="x" * 20_000_000))
        listening.shutdown()
    assert refused.value.code == MAIL_DELAYED


@pytest.mark.parametrize("host", ["no-such-host.invalid", "127.0.0.1:1", "[::1]:1"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_host_that_cannot_be_reached_was_not_asked(make: MakeMailer, host: str, scheme: str) -> None:
    assert refusal(make(sendgrid_api_base=f"{scheme}://{host}")).code == MAIL_AWAY


def test_a_certificate_that_is_not_trusted_stops_it_before_the_key_leaves(
    make: MakeMailer, sendgrid: SandboxSendGrid
) -> None:
    calls = len(sendgrid.calls())
    found = refusal(make(sendgrid_api_base=sendgrid.url.replace("http:", "https:")))
    assert found.code == MAIL_AWAY
    assert len(sendgrid.calls()) == calls


def test_the_key_is_in_no_log_and_no_error(
    make: MakeMailer, sendgrid: SandboxSendGrid, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    make().send(make_mail())
    details = []
    for mode in ("unauthorized", "refused", "reset"):
        sendgrid.fault(mode, count=1)
        found = refusal(make())
        details.append(f"{found} {found.fields} {found.__cause__!r}")
    printed = capfd.readouterr()
    for text in (caplog.text, *details, printed.out, printed.err):
        assert API_KEY not in text
        assert "Bearer" not in text


def test_what_was_sent_carries_what_events_come_back_with(make: MakeMailer, sendgrid: SandboxSendGrid) -> None:
    mail = make_mail(
        reference=(
            ("org_id", "0199a000-0000-7000-8000-000000000001"),
            ("message_id", "0199a000-0000-7000-8000-000000000002"),
        )
    )
    provider_id = make().send(mail)
    kept = sendgrid.mails()[-1]
    assert (kept["message_id"], kept["custom_args"]) == (provider_id, dict(mail.reference))
    hook = sendgrid.signed(str(provider_id), {"event": "delivered"}, {"event": "open"}, {"event": "bounce"})
    verifier = SendGridEventVerifier(sendgrid.public_key())
    headers: dict[str, Any] = hook["headers"]
    delivered, bounced = verifier.verify(
        hook["payload"].encode(),
        headers["X-Twilio-Email-Event-Webhook-Signature"],
        headers["X-Twilio-Email-Event-Webhook-Timestamp"],
    )
    assert (delivered.what, bounced.what, bounced.is_bad_address) == (Happening.DELIVERED, Happening.BOUNCED, True)
    assert delivered.provider_id == provider_id
    assert [str(delivered.org_id), str(delivered.message_id)] == [value for _, value in mail.reference]


def test_nothing_is_changed_or_counted_on_the_way(make: MakeMailer) -> None:
    with OneAnswer({}).running() as seen:
        refusal(make(sendgrid_api_base=seen.url, sendgrid_api_key=SecretStr("SG.another")))
    (asked,) = [json.loads(body) for body in seen.bodies]
    tracking = asked["tracking_settings"]
    assert set(tracking) == {"click_tracking", "open_tracking", "subscription_tracking", "ganalytics"}
    assert not any(value for each in tracking.values() for value in each.values())
    assert seen.headers[0]["Authorization"] == "Bearer SG.another"


def test_the_setting_chooses_it(settings: Settings, sendgrid: SandboxSendGrid) -> None:
    services = build_services(settings.model_copy(update=sendgrid_settings(sendgrid)))
    assert isinstance(services.mailer, RestingMailer)
    sent = len(sendgrid.mails())
    services.mailer.send(make_mail())
    assert len(sendgrid.mails()) == sent + 1
