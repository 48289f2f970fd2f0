"""Stripe: what its signed webhooks say."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from shared.core.errors import code

BAD_SIGNATURE = code("stripe.bad_signature", "The webhook is not signed by Stripe")


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """A verified webhook: `id` (`evt_…`) is unique for ever, `payload` is the event as it was sent."""

    id: str
    type: str
    api_version: str | None
    created_at: datetime
    payload: dict[str, Any]


class WebhookVerifier(Protocol):
    """Tells Stripe's webhooks from forged ones."""

    @property
    def enabled(self) -> bool:
        """Whether a signing secret is set; without one nothing can be told apart."""

    def verify(self, body: bytes, signature: str) -> ProviderEvent:
        """Check `body` against the `Stripe-Signature` header. Raises `Invalid` for anything that is not genuine."""
