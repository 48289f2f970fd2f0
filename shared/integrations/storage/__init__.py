"""Keeps the bytes of photos under keys made of identifiers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from shared.core.errors import code

STORAGE_AWAY = code("storage.unavailable", "The photo storage is not available")
OBJECT_MISSING = code("storage.object_missing", "The file is not in the storage")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object ready to be read once: its `size` in bytes and its content in chunks."""

    size: int
    chunks: Iterator[bytes]


class Storage(Protocol):
    """One place for objects. `backend` is the name that rows remember."""

    backend: str

    def put(self, key: str, source: BinaryIO) -> None:
        """Write `source` to `key`, all of it or nothing. Raises `Unavailable`."""

    def open(self, key: str) -> StoredObject:
        """Read `key`. Raises `NotFound` when there is no such object, `Unavailable` when the storage is away."""

    def delete(self, key: str) -> None:
        """Remove `key`; one that is already gone is fine. Raises `Unavailable`."""
