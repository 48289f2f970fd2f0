"""TLS to the mail server: with a certificate that is checked, or not at all; then nothing is said in clear."""

import base64
import smtplib
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import SecretStr

from shared.wiring import Services
from tests.factories.messages import make_message
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.messages.mail_servers import LOGIN, PASSWORD, MailServer, mail_server, only_the_login
from tests.messages.sending_steps import last_error, later, mail, send_through
from tests.rows import row

HOST = "localhost"
OUR = trustme.CA(organization_name="Ours")
SECRETS = (LOGIN.encode(), PASSWORD.encode(), base64.b64encode(f"\0{LOGIN}\0{PASSWORD}".encode()))
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


def context(ca: trustme.CA = OUR, name: str = HOST, **dates: Any) -> ssl.SSLContext:
    """The TLS of a server whose certificate `ca` has issued to `name`."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name, **dates).configure_cert(made)
    return made


def outdated(version: ssl.TLSVersion) -> ssl.SSLContext:
    """As servers were set up long ago."""
    made = context()
    made.set_ciphers("ALL:@SECLEVEL=0")
    made.minimum_version = made.maximum_version = version
    return made


BAD = {
    "unknown issuer": (lambda: context(trustme.CA()), "certificate verify failed"),
    "other name": (lambda: context(name="mail.elsewhere.test"), "Hostname mismatch"),
    "expired": (lambda: context(not_before=YESTERDAY - timedelta(days=9), not_after=YESTERDAY), "has expired"),
    "not yet valid": (lambda: context(not_before=datetime.now(UTC) + timedelta(days=1)), "not yet valid"),
    "TLS 1.1": (lambda: outdated(ssl.TLSVersion.TLSv1_1), "ssl"),
    "TLS 1.0": (lambda: outdated(ssl.TLSVersion.TLSv1), "ssl"),
}


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    OUR.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def tls(ca_file: Path) -> dict[str, Any]:
    """Settings: TLS, and a login that must not leak."""
    login = {"smtp_username": LOGIN, "smtp_password": SecretStr(PASSWORD)}
    return {"smtp_host": HOST, "smtp_use_tls": True, "smtp_ca_file": ca_file, **login}


@contextmanager
def tls_server(made: ssl.SSLContext, *, implicit: bool) -> Iterator[MailServer]:
    """A server that wants the login, and TLS for it."""
    login: dict[str, Any] = {"authenticator": only_the_login, "auth_required": True}
    if implicit:  # aiosmtpd does not count this as TLS when it decides whether a login may be asked for
        with mail_server(tls=made, auth_require_tls=False, **login) as server:
            yield server
    else:
        with mail_server(tls_context=made, require_starttls=True, **login) as server:
            yield server


def assert_nothing_was_said(server_heard: bytes) -> None:
    """Nothing but the question whether there is TLS."""
    words = [line.split()[0].lower() for line in server_heard.splitlines()]
    assert words in ([], [b"ehlo"], [b"ehlo", b"starttls"])
    assert not any(secret in server_heard for secret in SECRETS)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("implicit", [False, True])
def test_a_mail_and_the_login_go_through_tls(
    company: Company, jobs: JobsProbe, services: Services, tls: dict[str, Any], implicit: bool
) -> None:
    ids = [make_message(company) for _ in range(3)]
    with tls_server(context(), implicit=implicit) as server:
        send_through(services, server.port, smtp_implicit_tls=implicit, **tls)
        jobs.drain()
        assert [mail(message_id) for message_id in ids] == [("sent", 1)] * 3
        assert (server.connects, len(server.mails)) == (1, 3)
        assert_nothing_was_said(server.in_clear)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("fault", list(BAD))
def test_a_server_that_may_be_another_one_hears_nothing(
    company: Company, jobs: JobsProbe, services: Services, tls: dict[str, Any], implicit: bool, fault: str
) -> None:
    made, reason = BAD[fault]
    message_id = make_message(company)
    with tls_server(made(), implicit=implicit) as server:
        send_through(services, server.port, smtp_implicit_tls=implicit, **tls)
        jobs.drain()
        assert server.connects == 1
        assert server.mails == []
        assert_nothing_was_said(server.in_clear)
    assert mail(message_id) == ("retrying", 0)
    assert reason.lower() in last_error(message_id).lower()
    with tls_server(context(), implicit=implicit) as server:
        services = send_through(services, server.port, smtp_implicit_tls=implicit, **tls)
        later(services, jobs)
        assert mail(message_id) == ("sent", 1)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_the_outdated_server_would_take_a_mail(version: ssl.TLSVersion, ca_file: Path) -> None:
    """So that the test above is one of us, not of the server."""
    willing = ssl.create_default_context(cafile=ca_file)
    willing.set_ciphers("ALL:@SECLEVEL=0")
    willing.minimum_version = version
    with tls_server(outdated(version), implicit=False) as server, smtplib.SMTP(HOST, server.port, timeout=5) as peer:
        peer.starttls(context=willing)
        peer.login(LOGIN, PASSWORD)
        peer.sendmail("a@crewline.test", ["b@client.test"], "Subject: x\r\n\r\nx\r\n")
        assert server.recipients == ["b@client.test"]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_server_that_does_not_offer_tls_hears_nothing(
    company: Company, jobs: JobsProbe, services: Services, tls: dict[str, Any]
) -> None:
    """As when somebody in between has taken the offer out, and asks for the login all the same."""
    message_id = make_message(company)
    with mail_server(authenticator=only_the_login, auth_required=True, auth_require_tls=False) as server:
        send_through(services, server.port, smtp_implicit_tls=False, **tls)
        jobs.drain()
        assert server.mails == []
        assert_nothing_was_said(server.in_clear)
    assert mail(message_id) == ("retrying", 0)
    assert "STARTTLS extension not supported" in last_error(message_id)


@dataclass
class Middleman:
    """Somebody between us and the server, who answers to STARTTLS as he likes."""

    says: bytes
    then: ssl.SSLContext | None = None
    in_clear: bytes = b""
    in_tls: list[str] = field(default_factory=list)
    port: int = 0


@contextmanager
def middleman(says: bytes, then: ssl.SSLContext | None = None) -> Iterator[Middleman]:
    """Listens on a port of his own; with `then`, the real server's certificate, its words go on in TLS."""
    found = Middleman(says, then)
    inside = {"EHLO": b"250 mail.test\r\n", "MAIL": b"250 ok\r\n", "RCPT": b"250 ok\r\n", "DATA": b"354 go on\r\n"}

    class Dialogue(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(5)
            self.request.sendall(b"220 mail.test\r\n")
            while data := self.request.recv(4096):
                found.in_clear += data
                if data.upper().startswith(b"STARTTLS"):
                    self.request.sendall(found.says)
                    return self.go_on() if found.then else None
                self.request.sendall(b"250-mail.test\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n")
            return None

        def go_on(self) -> None:
            assert found.then is not None
            with found.then.wrap_socket(self.request, server_side=True) as safe, safe.makefile("rb") as lines:
                for line in lines:
                    command = line[:4].decode().upper().strip()
                    if command in inside:
                        found.in_tls.append(command)
                        safe.sendall(inside[command])
                    if line == b".\r\n":
                        safe.sendall(b"250 taken by the real one\r\n")
                        break

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dialogue) as listening:
        listening.daemon_threads = True
        found.port = listening.server_address[1]
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield found
        listening.shutdown()


@pytest.mark.parametrize(
    "says",
    [
        b"454 TLS not available\r\n",
        b"500 what\r\n",
        b"250 go on in clear\r\n",
        b"220 ready\r\n250-mail.test\r\n250 AUTH PLAIN\r\n",
        b"nonsense\r\n",
        b"",
    ],
)
def test_whoever_answers_instead_of_tls_hears_nothing(
    company: Company, jobs: JobsProbe, services: Services, tls: dict[str, Any], says: bytes
) -> None:
    message_id = make_message(company)
    with middleman(says) as between:
        send_through(services, between.port, smtp_implicit_tls=False, **tls)
        jobs.drain()
        assert_nothing_was_said(between.in_clear)
    assert mail(message_id) == ("retrying", 0)
    assert last_error(message_id)


def test_what_is_said_in_clear_is_not_taken_for_an_answer_in_tls(
    company: Company, jobs: JobsProbe, services: Services, tls: dict[str, Any]
) -> None:
    """Answers that came in one packet with the one to STARTTLS (as in CVE-2011-0411, the other way round)."""
    message_id = make_message(company)
    injected = b"220 ready\r\n250-mail.test\r\n250 AUTH PLAIN\r\n250 ok\r\n250 ok\r\n354 go on\r\n250 taken by me\r\n"
    with middleman(injected, context()) as between:
        send_through(services, between.port, smtp_implicit_tls=False, **tls | {"smtp_username": ""})
        jobs.drain()
        assert between.in_tls == ["EHLO", "MAIL", "RCPT", "DATA"]
        assert_nothing_was_said(between.in_clear)
    assert mail(message_id) == ("sent", 1)
    kept = row("SELECT provider_id FROM messages WHERE id = :id", id=message_id)
    assert kept["provider_id"] == "taken by the real one"
