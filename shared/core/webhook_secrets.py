"""Secrets that sign webhooks: `whsec_` and base64 of 24 to 64 random bytes (https://www.standardwebhooks.com/)."""

import base64
import binascii
import secrets

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""Bytes."""
_USUAL = 32


def make() -> str:
    """A new secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_USUAL)).decode()


def key_of(secret: str) -> bytes:
    """The key of `secret`. Raises ValueError, which does not repeat it, when it is none."""
    if not secret.startswith(PREFIX):
        raise ValueError(f"must begin with {PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"must be {PREFIX} and base64") from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"must hold {SHORTEST} to {LONGEST} bytes")
    return key
