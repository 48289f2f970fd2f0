"""Standard Webhooks: who receives one can tell that it is ours, whole and fresh. https://www.standardwebhooks.com/"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from shared.core.webhook_secrets import key_of
from shared.integrations.export import Envelope, Signed


def sign(envelope: Envelope, secrets: Sequence[str]) -> Signed:
    """`envelope`, signed with each of `secrets`: receivers that know any of them accept it. Raises ValueError for what
    is no secret."""
    timestamp = str(int(envelope.at.timestamp()))
    signed = f"{envelope.id}.{timestamp}.".encode() + envelope.body
    signatures = [_signature(key_of(secret), signed) for secret in secrets]
    headers = {
        "webhook-id": envelope.id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }
    return Signed(headers, envelope.body)


def _signature(key: bytes, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
