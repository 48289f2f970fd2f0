"""Mail through an SMTP server (RFC 5321)."""

import smtplib
import ssl
from contextlib import suppress
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime

from shared.core.errors import Invalid, Unavailable
from shared.core.settings import Settings
from shared.integrations.mail import MAIL_AWAY, MAIL_REFUSED, Mail

PERMANENT = range(500, 600)


class SmtpMailer:
    """One connection per mail; every answer is waited for at most `SMTP_TIMEOUT_SECONDS`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, mail: Mail) -> None:
        """See `Mailer.send`. A 5xx answer to recipient or content is final (RFC 5321, 4.2.1); one to anything else is
        about the session (a login that was changed, a full server) and will pass."""
        message = _as_message(mail)
        try:
            server = self._connect()
            try:
                server.send_message(message)
            finally:
                # The mail is delivered or not by now; how the server says goodbye must not change that.
                with suppress(OSError, smtplib.SMTPException):
                    server.quit()
        except smtplib.SMTPRecipientsRefused as error:
            status, text = next(iter(error.recipients.values()), (PERMANENT.start, b"no recipient"))
            raise _refusal(status, text) from error
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable(MAIL_AWAY, f"{type(error).__name__}: {error}") from error

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        server = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=settings.smtp_timeout_seconds)
        try:
            if settings.smtp_use_tls:
                server.starttls(context=ssl.create_default_context())
            if settings.smtp_username:
                server.login(settings.smtp_username, settings.smtp_password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server


def _refusal(status: int, text: bytes | str) -> Invalid | Unavailable:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if status in PERMANENT:
        return Invalid(MAIL_REFUSED, f"{status} {said}")
    return Unavailable(MAIL_AWAY, f"{status} {said}")


def _address(text: str) -> Address:
    """`text` as it goes into a header: the domain in ASCII (IDNA), because the email package would write it as an
    encoded word, which no mail program takes for a domain. Raises `ValueError` and its kin for what is no address."""
    local, at, domain = text.rpartition("@")
    return Address(addr_spec=f"{local}{at}{domain if domain.isascii() else domain.encode('idna').decode()}")


def _as_message(mail: Mail) -> EmailMessage:
    """Raises `Invalid` for an address that is none, or several, and for a header that would become two."""
    message = EmailMessage()
    try:
        message["Message-ID"] = mail.message_id
        message["Date"] = localtime()
        message["From"] = Address(display_name=mail.from_name, addr_spec=mail.from_address)
        message["To"] = _address(mail.to)
        if mail.reply_to:
            message["Reply-To"] = _address(mail.reply_to)
        message["Subject"] = mail.subject
        for name, value in mail.headers:
            message[name] = value
    except (ValueError, IndexError, MessageError) as error:
        raise Invalid(MAIL_REFUSED, f"The mail cannot be addressed: {type(error).__name__}.") from error
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message
