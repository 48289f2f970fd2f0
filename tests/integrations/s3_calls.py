"""Asking a storage that speaks S3, in every way that there is."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from shared.core.errors import Unavailable
from shared.integrations.storage import Slot
from shared.integrations.storage.s3_storage import S3Storage

MIME = "image/jpeg"


def put(storage: S3Storage, key: str, content: bytes = b"content") -> None:
    storage.put(Slot(key), BytesIO(content), mime=MIME)


def read(storage: S3Storage, key: str) -> bytes:
    with storage.open(key) as stored:
        return stored.source.read()


def _delete(storage: S3Storage, key: str) -> None:
    for refusal in storage.delete([key]).values():
        raise refusal


CALLS: dict[str, Callable[[S3Storage, str], Any]] = {
    "put": put,
    "get": read,
    "list": lambda storage, key: list(storage.list_objects(key)),
    "delete": _delete,
}
"""By the sandbox's name of the operation. The object is still there when the last is called."""


def refused(storage: S3Storage, call: str, key: str) -> Unavailable:
    """What the storage raises, which has to be `Unavailable`."""
    with pytest.raises(Unavailable) as refusal:
        CALLS[call](storage, key)
    return refusal.value
