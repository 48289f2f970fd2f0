"""Hands one mail at a time to a mail server."""

from dataclasses import dataclass
from typing import Protocol

from shared.core.errors import code

MAIL_AWAY = code("mail.unavailable", "The mail server cannot be reached, or does not let us in")
MAIL_DELAYED = code("mail.delayed", "The mail server did not take the mail this time")
MAIL_DEFERRED = code("mail.deferred", "The mail server takes no mail for this address for now")
MAIL_LIMITED = code("mail.limited", "The mail server takes no more mails for now")
MAIL_REFUSED = code("mail.refused", "The mail server will never take the mail")

UNTRIED = frozenset({MAIL_AWAY, MAIL_LIMITED})
"""Codes of refusals that say nothing about the mail: the server was never asked whether it takes it."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail. `mime` is the type with its parameters, `content` is UTF-8 text."""

    filename: str
    mime: str
    content: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A rendered mail. `message_id` (RFC 5322, with angle brackets) is the same on every try, so that a mail sent twice
    can be recognized as one. Answers go to `reply_to`, or to the sender without one. What a provider tells of the mail
    later comes with its `reference`."""

    message_id: str
    to: str
    from_address: str
    from_name: str
    subject: str
    text: str
    html: str
    reply_to: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[Attachment, ...] = ()
    reference: tuple[tuple[str, str], ...] = ()


class Mailer(Protocol):
    """A mail server. One process uses it from one thread at a time."""

    @property
    def is_resting(self) -> bool:
        """Whether the server is left alone for a while, after it has failed some times in a row."""

    def send(self, mail: Mail) -> str | None:
        """Hand `mail` over. Returns what the server calls it, if it says so.

        Raises `Unavailable` when trying later may help (with a code of `UNTRIED` when the mail was not even offered;
        the field `retry_after`, in seconds, when the server said when), `Invalid` when it never will.
        """
