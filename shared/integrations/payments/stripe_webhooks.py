"""Signature check of Stripe webhooks: https://docs.stripe.com/webhooks#verify-official-libraries.

A local computation: no breaker may ever sit around it, or forged posts could switch real ones off.
"""

import time
from datetime import UTC, datetime
from typing import Any

import orjson
from stripe import SignatureVerificationError, WebhookSignature

from shared.core.errors import Invalid
from shared.integrations.payments import BAD_SIGNATURE, ProviderEvent

TOLERANCE_SECONDS = 300
_NUL = rb"\u0000"
"""How JSON spells the one character that jsonb cannot hold."""
LONGEST_ID = 255


class StripeWebhookVerifier:
    """Accepts a signature by any of `secrets` (two while one is being rotated), at most five minutes old *or ahead*:
    the SDK itself accepts timestamps from the future."""

    def __init__(self, secrets: list[str]) -> None:
        self._secrets = secrets

    @property
    def enabled(self) -> bool:
        return bool(self._secrets)

    def verify(self, body: bytes, signature: str) -> ProviderEvent:
        """See `WebhookVerifier.verify`."""
        try:
            text = body.decode()
            if not any(self._signed_with(secret, text, signature) for secret in self._secrets):
                raise Invalid(BAD_SIGNATURE, "The signature does not match the body.")
            payload = orjson.loads(body)
            return _event(_storable(payload) if _NUL in body else payload)
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError) as error:
            # Hostile bytes make the SDK raise errors of many kinds; none of them is ours.
            raise Invalid(BAD_SIGNATURE, "The body is not a Stripe event.") from error

    def _signed_with(self, secret: str, text: str, signature: str) -> bool:
        try:
            WebhookSignature.verify_header(text, signature, secret, tolerance=TOLERANCE_SECONDS)
        except SignatureVerificationError:
            return False
        stamps = [int(part[2:]) for part in signature.split(",") if part.startswith("t=")]
        return len(stamps) == 1 and abs(time.time() - stamps[0]) <= TOLERANCE_SECONDS


def _storable(value: Any) -> Any:
    """`value` without NULs, which jsonb cannot hold: what Stripe has signed is never refused for its content."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, dict):
        return {_storable(name): _storable(item) for name, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list) else value


def _event(payload: dict[str, Any]) -> ProviderEvent:
    if payload["object"] != "event" or not isinstance(payload["data"]["object"], dict):
        raise ValueError("not a snapshot event")
    event_id, event_type, api_version = payload["id"], payload["type"], payload.get("api_version")
    if not (isinstance(event_id, str) and isinstance(event_type, str) and 0 < len(event_id) <= LONGEST_ID):
        raise ValueError("no id or type")
    if not isinstance(api_version, str | None):
        raise TypeError("no version")
    return ProviderEvent(
        id=event_id,
        type=event_type,
        api_version=api_version,
        created_at=datetime.fromtimestamp(payload["created"], UTC),
        payload=payload,
    )
