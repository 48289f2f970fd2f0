"""Sends one mail to one recipient."""

from dataclasses import dataclass
from typing import Protocol

from shared.core.errors import code

MAIL_AWAY = code("mail.unavailable", "The mail server did not take the mail")
MAIL_REFUSED = code("mail.refused", "The mail server will never take the mail")


@dataclass(frozen=True, slots=True)
class Mail:
    """A rendered mail. `message_id` (RFC 5322, with angle brackets) is the same on every try, so that a mail sent twice
    can be recognized as one. Answers go to `reply_to`, or to the sender without one."""

    message_id: str
    to: str
    from_address: str
    from_name: str
    subject: str
    text: str
    html: str
    reply_to: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


class Mailer(Protocol):
    """A mail server."""

    def send(self, mail: Mail) -> None:
        """Hand `mail` over. Raises `Unavailable` when trying later may help, `Invalid` when it never will."""
