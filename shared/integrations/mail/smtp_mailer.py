"""Mail through an SMTP server (RFC 5321)."""

import smtplib
import ssl
import time
from contextlib import suppress

from shared.core.errors import Invalid, Unavailable
from shared.core.settings import Settings
from shared.integrations.mail import MAIL_AWAY, MAIL_DEFERRED, MAIL_DELAYED, MAIL_REFUSED, Mail
from shared.integrations.mail.mime import ascii_address, encoded

OK, CLOSING = 250, 421
BAD_SEQUENCE = 503
PERMANENT = frozenset(range(500, 600)) - {BAD_SEQUENCE}
WANTS_LOGIN = frozenset({530, 534, 535, 538})
"""Answers that are about our login, whatever they answer (RFC 4954, 6)."""
FRESH_SECONDS = 5.0
"""A connection that was silent for longer is asked whether it is still there before a mail is offered on it."""
LONGEST_ID = 200
LONGEST_DETAIL = 500
"""Characters of what a server says; one that says more has said enough."""


class SmtpMailer:
    """Keeps its connection from mail to mail; every answer is waited for at most `SMTP_TIMEOUT_SECONDS`."""

    is_resting = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._server: smtplib.SMTP | None = None
        self._last_used = 0.0
        self._tls = ssl.create_default_context(cafile=settings.smtp_ca_file) if settings.smtp_use_tls else None

    def send(self, mail: Mail) -> str | None:
        """See `Mailer.send`. A 5xx answer to recipient or content is final (RFC 5321, 4.2.1); one to anything else is
        about the session (a login that was changed, a full server) and will pass."""
        content, to = encoded(mail), ascii_address(mail.to)
        try:
            return self._offer(mail, to, content)
        except (Unavailable, Invalid):
            raise
        except BaseException:
            # A task that is out of time stops anywhere. What the server says next would be taken for an answer to the
            # next mail.
            self.close()
            raise

    def _offer(self, mail: Mail, to: str, content: bytes) -> str:
        server = self._begun(mail)
        try:
            answer = self._hand_over(server, to, content)
        except (OSError, smtplib.SMTPException) as error:
            # It may have taken the mail, and may not: the next try has the same Message-ID.
            self.close()
            raise Unavailable(MAIL_DELAYED, _said(error)) from error
        except (Unavailable, Invalid) as refusal:
            if refusal.code == MAIL_AWAY:
                self.close()  # whom it no longer lets in has to log in again
            else:
                self._start_over(server)
            raise
        self._last_used = time.monotonic()
        return answer

    def close(self) -> None:
        """End the connection, if there is one, without ceremony."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def _begun(self, mail: Mail) -> smtplib.SMTP:
        """A connection whose server has heard from whom the next mail is, and wants it. Servers end connections that
        are old or have carried many mails; nothing was offered on such a one, so a new one takes its place."""
        if self._server is not None:
            with suppress(OSError, smtplib.SMTPException, Unavailable):
                return self._begin(self._server, mail)
            self.close()
        try:
            self._server = self._connect()
            return self._begin(self._server, mail)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise Unavailable(MAIL_AWAY, _said(error)) from error
        except Unavailable:
            self.close()
            raise

    def _begin(self, server: smtplib.SMTP, mail: Mail) -> smtplib.SMTP:
        if time.monotonic() - self._last_used > FRESH_SECONDS:
            server.noop()
        status, text = server.mail(mail.from_address)
        if status != OK:
            raise Unavailable(MAIL_AWAY, _detail(status, text))
        return server

    def _hand_over(self, server: smtplib.SMTP, to: str, content: bytes) -> str:
        status, text = server.rcpt(to)
        if status not in {OK, 251}:
            raise _refusal(status, text, of_recipient=True)
        try:
            status, text = server.data(content)
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code, error.smtp_error, of_recipient=False) from error
        if status != OK:
            raise _refusal(status, text, of_recipient=False)
        return _text(text)[:LONGEST_ID]

    def _start_over(self, server: smtplib.SMTP) -> None:
        """Forget the mail that was refused; what the server says to that tells whether the connection is good."""
        with suppress(OSError, smtplib.SMTPException):
            if server.rset()[0] == OK:
                return
        self.close()

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        address, timeout = (settings.smtp_host, settings.smtp_port), settings.smtp_timeout_seconds
        if settings.smtp_is_implicit_tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(*address, timeout=timeout, context=self._tls)
        else:
            server = smtplib.SMTP(*address, timeout=timeout)
        try:
            if self._tls is not None and not settings.smtp_is_implicit_tls:
                server.starttls(context=self._tls)
            server.ehlo_or_helo_if_needed()
            if settings.smtp_username:
                server.login(settings.smtp_username, settings.smtp_password.get_secret_value())
        except BaseException:
            server.close()
            raise
        self._last_used = time.monotonic()
        return server


def _refusal(status: int, text: bytes | str, *, of_recipient: bool) -> Invalid | Unavailable:
    said = _detail(status, text)
    if status in WANTS_LOGIN:
        return Unavailable(MAIL_AWAY, said)
    if status in PERMANENT:
        return Invalid(MAIL_REFUSED, said)
    if of_recipient and status != CLOSING:
        return Unavailable(MAIL_DEFERRED, said)
    return Unavailable(MAIL_DELAYED, said)


def _detail(status: int, text: bytes | str) -> str:
    return f"{status} {_text(text)}"[:LONGEST_DETAIL]


def _text(text: bytes | str) -> str:
    """What the server said, in one line. Servers are strangers: no column holds a NUL, and an outcome that cannot be
    written down would have the mail sent again."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return "".join(character if character.isprintable() else " " for character in words[:LONGEST_DETAIL])


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _detail(error.smtp_code, error.smtp_error)
    return _text(f"{type(error).__name__}: {error}")
