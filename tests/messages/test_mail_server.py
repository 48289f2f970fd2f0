"""What the mail server's answers mean: final for the mail, or only for now."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shared.core.errors import Invalid, Unavailable
from shared.core.settings import Settings
from shared.integrations.mail import Mail
from shared.integrations.mail.smtp_mailer import SmtpMailer

MAIL = Mail(
    "<1@crewline.test>", "anna@client.test", "no-reply@crewline.test", "Company", "Hello", "text", "<p>html</p>"
)
GOOD = {
    "greeting": "220 ready",
    "EHLO": "250 hello",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    ".": "250 taken",
    "QUIT": "221 bye",
    "RSET": "250 ok",
}


@contextmanager
def mail_server(**answers: str) -> Iterator[int]:
    """A real SMTP server that answers each command as it is told; yields its port."""
    told = GOOD | answers

    class Dialogue(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say(told["greeting"])
            for line in self.rfile:
                command = line.split()[0].decode().upper() if line.split() else ""
                if command in told:
                    self._say(told[command])
                if command == "DATA" and told["DATA"].startswith("354"):
                    while self.rfile.readline() not in {b".\r\n", b""}:
                        pass
                    self._say(told["."])
                if command == "QUIT":
                    return

        def _say(self, text: str) -> None:
            self.wfile.write(text.encode() + b"\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dialogue) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def _mailer(settings: Settings, port: int) -> SmtpMailer:
    return SmtpMailer(settings.model_copy(update={"smtp_port": port, "smtp_timeout_seconds": 5.0}))


@pytest.mark.parametrize(
    "answers",
    [
        {"greeting": "554 no service today"},
        {"EHLO": "550 who are you", "HELO": "550 who are you"},
        {"MAIL": "553 this sender is not known yet"},
        {"RCPT": "451 later"},
        {"RCPT": "503 bad sequence of commands"},
        {"DATA": "451 later"},
        {".": "452 the disk is full"},
    ],
)
def test_what_is_about_the_session_or_passing_is_tried_again(settings: Settings, answers: dict[str, str]) -> None:
    with mail_server(**answers) as port, pytest.raises(Unavailable):
        _mailer(settings, port).send(MAIL)


@pytest.mark.parametrize("answers", [{"RCPT": "550 no such box"}, {".": "554 spam"}, {"DATA": "554 no"}])
def test_what_is_about_the_mail_is_final(settings: Settings, answers: dict[str, str]) -> None:
    with mail_server(**answers) as port, pytest.raises(Invalid):
        _mailer(settings, port).send(MAIL)


@pytest.mark.parametrize("goodbye", ["421 busy", "500 what", "not even a number"])
def test_a_mail_that_was_taken_is_sent_whatever_the_server_says_then(settings: Settings, goodbye: str) -> None:
    with mail_server(QUIT=goodbye) as port:
        _mailer(settings, port).send(MAIL)
