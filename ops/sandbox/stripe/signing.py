"""Stripe's signature of a webhook, and the headers that it comes with."""

import hashlib
import hmac
import time

HEADERS = {
    "Accept": "*/*",
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
}


def signature(payload: bytes, secret: str, timestamp: int) -> str:
    """The ``Stripe-Signature`` header: HMAC-SHA256 over ``timestamp.payload`` in hexadecimal, scheme v1.

    Source: https://docs.stripe.com/webhooks/signature (verifying manually).
    """
    digest = hmac.new(secret.encode(), str(timestamp).encode() + b"." + payload, hashlib.sha256)
    return f"t={timestamp},v1={digest.hexdigest()}"


def signed_headers(payload: bytes, secret: str, timestamp_offset: int) -> dict[str, str]:
    """The headers of one try. Stripe signs each anew, at its own time: a retry must not look like a replay."""
    return HEADERS | {"Stripe-Signature": signature(payload, secret, int(time.time()) + timestamp_offset)}
