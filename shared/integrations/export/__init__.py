"""Hands one message at a time to a receiver of webhooks, which may be anybody's and anything.

What is sent is signed by `signing`, apart from the sender: a drill signs wrongly on purpose.
"""

from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Protocol

from shared.core.errors import code

WEBHOOK_URL = code("webhooks.url", "The URL cannot be a target of webhooks")
WEBHOOK_FORBIDDEN = code("webhooks.forbidden_target", "The target lies where webhooks may not go")
WEBHOOK_SECRET = code("webhooks.secret", "The secret cannot sign webhooks")
WEBHOOK_UNRESOLVED = code("webhooks.unresolved", "The name of the target is not known, or nobody can tell now")
WEBHOOK_UNREACHABLE = code("webhooks.unreachable", "No connection to the target came about")
WEBHOOK_TLS = code("webhooks.tls", "The target could not prove who it is")
WEBHOOK_TIMED_OUT = code("webhooks.timed_out", "The target did not answer in time")
WEBHOOK_BROKEN = code("webhooks.broken_answer", "The target broke off, or did not speak HTTP")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a receiver is to get. `id` is the same on every try, `at` is when this one is made: receivers refuse what is
    older than some minutes."""

    id: str
    body: bytes = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class Signed:
    """A body and the headers that prove where it comes from; more headers are the sender's."""

    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver has answered, of whatever status. `retry_after` is in seconds, as it asked. `excerpt` is the
    beginning of the body, safe to show; `ms` how long the whole took."""

    status: int
    retry_after: float | None
    excerpt: str
    ms: float

    @property
    def is_success(self) -> bool:
        """Whether the receiver has taken it: 2xx. Redirects are not followed."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


class WebhookSender(Protocol):
    """Sends to URLs that strangers have chosen, and nowhere that those must not reach."""

    def check_url(self, url: str) -> None:
        """Raises `Invalid` (`WEBHOOK_URL`, `WEBHOOK_FORBIDDEN`) for what would never be sent to, as far as can be told
        without a look-up: for settings of an organization, inside a transaction."""

    def check_target(self, url: str) -> None:
        """The same, with the look-up of its name. Raises `Unavailable` when that fails, too. Not inside a
        transaction."""

    def send(self, url: str, message: Signed) -> Answer:
        """POST `message`. Returns the answer, of whatever status; one of 2xx whose body breaks off counts.

        Raises `Unavailable` when another try may do better (`WEBHOOK_UNRESOLVED`, `_UNREACHABLE`, `_TLS`, `_TIMED_OUT`,
        `_BROKEN`), `Invalid` (`WEBHOOK_URL`, `WEBHOOK_FORBIDDEN`) when the target is refused as it is.
        """
