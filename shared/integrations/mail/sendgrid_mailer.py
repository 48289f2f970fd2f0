"""Mail through Twilio SendGrid's API: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send."""

import base64
import json
import time
from email.message import Message
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from sendgrid import SendGridAPIClient

from shared.core.errors import Invalid, Refusal, Unavailable
from shared.core.settings import Settings
from shared.integrations.mail import MAIL_AWAY, MAIL_DELAYED, MAIL_LIMITED, MAIL_REFUSED, Attachment, Mail
from shared.integrations.mail.mime import ascii_address, one_line
from shared.integrations.mail.sendgrid_wire import CannotConnectError, Wire

NOT_ABOUT_THE_MAIL = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
    }
)
"""Our key or our sender is not taken, or it is not SendGrid that answers: every mail fares the same."""
REDIRECTS = range(300, 400)
CLIENT_ERRORS = range(400, 500)
LONGEST_WAIT_SECONDS = 3600.0
USUAL_WAIT_SECONDS = 60.0
LONGEST_ID = 200
LONGEST_DETAIL = 500
_AS_WRITTEN = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}
"""Nothing is changed on the way: links are signed and lead to pages of ours, which count nobody."""


class SendGridMailer:
    """A request for each mail; each part of it is waited for at most `SENDGRID_TIMEOUT_SECONDS`."""

    is_resting = False

    def __init__(self, settings: Settings) -> None:
        self._key = settings.sendgrid_api_key.get_secret_value()
        self._sendgrid = SendGridAPIClient(self._key, host=settings.sendgrid_api_base)
        self._sendgrid.client = Wire(
            host=settings.sendgrid_api_base,
            version=3,
            request_headers=self._sendgrid.client.request_headers,
            timeout=settings.sendgrid_timeout_seconds,
        )

    def send(self, mail: Mail) -> str | None:
        """See `Mailer.send`. What is about our key, sender or address loses no mail."""
        body = _body(mail)
        try:
            answer = self._sendgrid.send(body)
        except URLError as error:
            # The request was not written to its end, so the mail was not taken. But a mail that ends each connection
            # must die some time, so only a connection that never came about costs no try.
            if isinstance(error.reason, CannotConnectError):
                raise Unavailable(MAIL_AWAY, _said(error)) from error
            raise Unavailable(MAIL_DELAYED, _said(error)) from error
        except (OSError, HTTPException) as error:
            # It may have taken the mail, and may not: the next try has the same Message-ID.
            raise Unavailable(MAIL_DELAYED, _said(error)) from error
        if answer.status_code == HTTPStatus.ACCEPTED:
            return _id(answer.headers)
        raise self._refusal(answer.status_code, answer.headers, answer.body)

    def _refusal(self, status: int, headers: Message, body: bytes) -> Refusal:
        said = f"{status} {_messages(body)}".replace(self._key, "[key]").strip()[:LONGEST_DETAIL]
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return Unavailable(MAIL_LIMITED, said, retry_after=_wait(headers))
        if status in NOT_ABOUT_THE_MAIL or status in REDIRECTS:
            return Unavailable(MAIL_AWAY, said)
        if status in CLIENT_ERRORS and status != HTTPStatus.REQUEST_TIMEOUT:
            return Invalid(MAIL_REFUSED, said)
        return Unavailable(MAIL_DELAYED, said)


def _body(mail: Mail) -> dict[str, Any]:
    """`mail` as the API takes it. Raises `Invalid` for what SMTP would not take either."""
    body: dict[str, Any] = {
        "personalizations": [{"to": [{"email": ascii_address(mail.to)}]}],
        "from": {"email": one_line(mail.from_address), "name": one_line(mail.from_name)},
        "subject": one_line(mail.subject),
        "content": [{"type": "text/plain", "value": mail.text}, {"type": "text/html", "value": mail.html}],
        "headers": {name: one_line(value) for name, value in (("Message-ID", mail.message_id), *mail.headers)},
        "tracking_settings": _AS_WRITTEN,
    }
    if mail.reply_to:
        body["reply_to"] = {"email": ascii_address(mail.reply_to)}
    if mail.attachments:
        body["attachments"] = [_attachment(file) for file in mail.attachments]
    if mail.reference:
        body["custom_args"] = dict(mail.reference)
    return body


def _attachment(file: Attachment) -> dict[str, str]:
    """SendGrid refuses parameters of the type, such as `charset` and the `method` of a calendar, which is also said
    inside of the file."""
    return {
        "content": base64.b64encode(file.content.encode()).decode(),
        "filename": file.filename,
        "type": file.mime.partition(";")[0].strip(),
        "disposition": "attachment",
    }


def _id(headers: Message) -> str | None:
    given = str(headers.get("X-Message-Id") or "")
    return given[:LONGEST_ID] if given.isascii() and given.isprintable() and given else None


def _wait(headers: Message) -> float:
    """Seconds until mails are taken again, at most an hour."""
    try:
        seconds = float(str(headers["X-RateLimit-Reset"])) - time.time()
    except ValueError:
        try:
            seconds = float(str(headers["Retry-After"]))
        except ValueError:
            seconds = USUAL_WAIT_SECONDS
    # NaN compares as false, and so ends as the longest wait.
    return max(1.0, seconds) if seconds < LONGEST_WAIT_SECONDS else LONGEST_WAIT_SECONDS


def _messages(body: bytes) -> str:
    """What SendGrid says is wrong, in one line."""
    try:
        errors = json.loads(body)["errors"]
        told = "; ".join(_one(error) for error in errors)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return ""
    return "".join(character if character.isprintable() else " " for character in told)


def _one(error: dict[str, Any]) -> str:
    field = error.get("field")
    return f"{error['message']} ({field})" if field else str(error["message"])


def _said(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    return f"{type(reason).__name__}: {reason}"[:LONGEST_DETAIL]
