"""Receivers with TLS: who cannot prove to be the host of the URL gets nothing."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme

from shared.core.errors import Unavailable
from shared.core.settings import Settings
from shared.integrations.export.http_sender import HttpWebhookSender
from tests.exports.receivers import Connection, Got, Receiver, receiver, says
from tests.integrations.webhook_senders import make_sender, message

NAME = "hooks.example.com"
LONG_AGO = datetime.now(UTC) - timedelta(days=9)

Serve = Callable[..., Receiver]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a receiver called `NAME`, with a certificate; what names clients asked for is kept in `asked`."""
    with ExitStack() as stack:

        def start(certificate: trustme.LeafCert, asked: list[str | None] | None = None) -> Receiver:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            if asked is not None:
                context.sni_callback = lambda _, name, __: asked.append(name)
            return stack.enter_context(receiver(tls=context, name=NAME))

        yield start


def sender_that_trusts(settings: Settings, authority: trustme.CA, **changes: object) -> HttpWebhookSender:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    usual: dict[str, Any] = {"block_private_ips": False, "allowed_hosts": (NAME, "127.0.0.1")}
    return make_sender(settings, ask=lambda _: ["127.0.0.1"], tls=context, **usual | changes)


def test_the_name_of_the_url_is_asked_for_and_proved(settings: Settings, authority: trustme.CA, serve: Serve) -> None:
    asked: list[str | None] = []
    found = serve(authority.issue_cert(NAME), asked)
    sender = sender_that_trusts(settings, authority)
    for _ in range(3):
        assert sender.send(found.url, message()).status == 204
    assert asked == [NAME]
    assert found.connections == 1
    assert found.requests[0].headers["host"] == f"{NAME}:{found.port}"
    assert found.requests[0].verify()


def test_an_address_is_proved_as_well(settings: Settings, authority: trustme.CA, serve: Serve) -> None:
    found = serve(authority.issue_cert("127.0.0.1"))
    sender = sender_that_trusts(settings, authority)
    assert sender.send(f"https://127.0.0.1:{found.port}/", message()).status == 204


@pytest.mark.parametrize(
    ("why", "certificate"),
    [
        ("Hostname mismatch", lambda authority: authority.issue_cert("other.example.com")),
        ("IP address", lambda authority: authority.issue_cert("127.0.0.1")),
        ("expired", lambda authority: authority.issue_cert(NAME, not_after=LONG_AGO)),
        (
            "not yet valid",
            lambda authority: authority.issue_cert(NAME, not_before=datetime.now(UTC) + timedelta(days=9)),
        ),
        ("unable to get local issuer certificate", lambda _: trustme.CA().issue_cert(NAME)),
    ],
)
def test_a_wrong_certificate_gets_nothing(
    settings: Settings,
    authority: trustme.CA,
    serve: Serve,
    why: str,
    certificate: Callable[[trustme.CA], trustme.LeafCert],
) -> None:
    found = serve(certificate(authority))
    with pytest.raises(Unavailable) as refused:
        sender_that_trusts(settings, authority).send(found.url, message())
    assert refused.value.code == "webhooks.tls"
    assert why in refused.value.detail or "Hostname mismatch" in refused.value.detail
    assert found.requests == []


def test_plain_text_where_tls_should_be(settings: Settings, authority: trustme.CA) -> None:
    with receiver() as found, pytest.raises(Unavailable) as refused:
        url = found.url.replace("http://", "https://")
        sender_that_trusts(settings, authority, timeout_seconds=0.5).send(url, message())
    assert refused.value.code == "webhooks.tls"


def test_by_itself_it_trusts_what_the_system_trusts(settings: Settings, authority: trustme.CA, serve: Serve) -> None:
    found = serve(authority.issue_cert(NAME))
    usual: dict[str, Any] = {"block_private_ips": False, "allowed_hosts": (NAME,)}
    with pytest.raises(Unavailable) as refused:
        make_sender(settings, ask=lambda _: ["127.0.0.1"], **usual).send(found.url, message())
    assert refused.value.code == "webhooks.tls"


def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next(
    settings: Settings, authority: trustme.CA, serve: Serve
) -> None:
    """The rest of a record was decrypted, and is in no buffer of the system."""
    nothing = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    def chatters(connection: Connection, _: Got) -> bool:
        connection.say(b"HTTP/1.1 200 OK\r\nContent-Length: 12000\r\n\r\n" + b"x" * 12_000 + nothing)
        return True

    found = serve(authority.issue_cert(NAME))
    found.behave = chatters
    sender = sender_that_trusts(settings, authority)
    sender.send(found.url, message())
    found.behave = says(500)
    assert sender.send(found.url, message()).status == 500
