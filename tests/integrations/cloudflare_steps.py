"""What tests of Cloudflare Images do again and again."""

from collections.abc import Callable
from typing import Any

import pytest

from ops.sandbox.cloudflare import account
from shared.core.errors import Unavailable
from shared.integrations.storage.cloudflare_images import CloudflareImagesStorage


def read(storage: CloudflareImagesStorage, key: str) -> bytes:
    with storage.open(key) as stored:
        return stored.source.read()


def refused(call: Callable[..., Any], *arguments: Any, **named: Any) -> Unavailable:
    """How the call is refused: as unavailable, and with nothing in it that is not for clients."""
    with pytest.raises(Unavailable) as refusal:
        call(*arguments, **named)
    assert not any(word in refusal.value.detail for word in ("http", "127.0.0.1", account.API_TOKEN, "Authentic"))
    return refusal.value
