"""What a mail provider tells of mails after it took them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from shared.core.errors import code

BAD_SIGNATURE = code("sendgrid.bad_signature", "The webhook is not signed by SendGrid")
BAD_BODY = code("sendgrid.bad_body", "The webhook is no list of events")

ORG_ID, MESSAGE_ID = "org_id", "message_id"
"""Names in a mail's `reference`, which come back in each event about it."""


class Happening(StrEnum):
    """What became of a mail."""

    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    DROPPED = "dropped"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, slots=True)
class MailEvent:
    """`what` became of the mail with the `reference` of `org_id` and `message_id`, to `email`, at `at`.

    `is_bad_address` says that the address takes no mail, now or ever; `detail` is what the other server said, and
    `provider_id` what `Mailer.send` returned.
    """

    org_id: UUID
    message_id: UUID
    email: str
    what: Happening
    at: datetime
    is_bad_address: bool = False
    detail: str | None = None
    provider_id: str | None = None


class MailEventVerifier(Protocol):
    """Tells a mail provider's webhooks from forged ones, and reads them."""

    @property
    def enabled(self) -> bool:
        """Whether a verification key is set; without one nothing can be told apart."""

    def verify(self, body: bytes, signature: str, timestamp: str) -> Sequence[MailEvent]:
        """Check `body` against its two headers, and read what it says about mails of ours. Raises `Invalid` for
        anything that is not genuine; what is genuine and makes no sense is left out."""
