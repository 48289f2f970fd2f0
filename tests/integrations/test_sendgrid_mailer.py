"""How the mailer behaves on the wire, and what must never leave this process."""

import json
import logging
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from pydantic import SecretStr

from ops.sandbox.sendgrid.account import API_KEY
from shared.core.errors import Unavailable
from shared.core.settings import Settings
from shared.integrations.mail import MAIL_AWAY, MAIL_DELAYED
from shared.integrations.mail.events import Happening
from shared.integrations.mail.resting import RestingMailer
from shared.integrations.mail.sendgrid_events import SendGridEventVerifier
from shared.integrations.mail.sendgrid_mailer import SendGridMailer
from shared.wiring import build_services
from tests.integrations.mailers import make_mail, refused_mail
from tests.integrations.one_answer import OneAnswer
from tests.integrations.raw_answers import says, server
from tests.sandbox_sendgrid import SandboxSendGrid, sendgrid_settings

MakeMailer = Callable[..., SendGridMailer]


def test_a_redirect_is_not_followed_whatever_its_kind(make_sendgrid: MakeMailer) -> None:
    """Or the API key would go along."""
    with OneAnswer({}).running() as elsewhere:
        for status in (301, 302, 303, 307, 308):
            with server(says(status, b"", f"Location: {elsewhere.url}/x")) as url:
                assert refused_mail(make_sendgrid(sendgrid_api_base=url)).code == MAIL_AWAY
        assert elsewhere.headers == []


def test_a_proxy_of_the_environment_gets_nothing(
    make_sendgrid: MakeMailer, sendgrid: SandboxSendGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OneAnswer({}).running() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        make_sendgrid().send(make_mail())
        assert proxy.headers == []


def test_a_mail_that_ends_the_connection_while_it_is_written_is_tried_and_counted(make_sendgrid: MakeMailer) -> None:
    """Or one poisonous mail would be tried for ever, and keep the others waiting."""

    class Rude(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.connection.close()

        def log_message(self, *_: object) -> None:
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Rude) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
        mailer = make_sendgrid(sendgrid_api_base=f"http://127.0.0.1:{listening.server_address[1]}")
        with pytest.raises(Unavailable) as refused:
            mailer.send(make_mail(text="x" * 20_000_000))
        listening.shutdown()
    assert refused.value.code == MAIL_DELAYED


@pytest.mark.parametrize("host", ["no-such-host.invalid", "127.0.0.1:1", "[::1]:1"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_host_that_cannot_be_reached_was_not_asked(make_sendgrid: MakeMailer, host: str, scheme: str) -> None:
    assert refused_mail(make_sendgrid(sendgrid_api_base=f"{scheme}://{host}")).code == MAIL_AWAY


def test_a_certificate_that_is_not_trusted_stops_it_before_the_key_leaves(
    make_sendgrid: MakeMailer, sendgrid: SandboxSendGrid
) -> None:
    calls = len(sendgrid.calls())
    found = refused_mail(make_sendgrid(sendgrid_api_base=sendgrid.url.replace("http:", "https:")))
    assert found.code == MAIL_AWAY
    assert len(sendgrid.calls()) == calls


def test_the_key_is_in_no_log_and_no_error(
    make_sendgrid: MakeMailer,
    sendgrid: SandboxSendGrid,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    make_sendgrid().send(make_mail())
    details = []
    for mode in ("unauthorized", "refused", "reset"):
        sendgrid.fault(mode, count=1)
        found = refused_mail(make_sendgrid())
        details.append(f"{found} {found.fields} {found.__cause__!r}")
    printed = capfd.readouterr()
    for text in (caplog.text, *details, printed.out, printed.err):
        assert API_KEY not in text
        assert "Bearer" not in text


def test_what_was_sent_carries_what_events_come_back_with(make_sendgrid: MakeMailer, sendgrid: SandboxSendGrid) -> None:
    mail = make_mail(
        reference=(
            ("org_id", "0199a000-0000-7000-8000-000000000001"),
            ("message_id", "0199a000-0000-7000-8000-000000000002"),
        )
    )
    provider_id = make_sendgrid().send(mail)
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


def test_nothing_is_changed_or_counted_on_the_way(make_sendgrid: MakeMailer) -> None:
    with OneAnswer({}).running() as seen:
        refused_mail(make_sendgrid(sendgrid_api_base=seen.url, sendgrid_api_key=SecretStr("SG.another")))
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
