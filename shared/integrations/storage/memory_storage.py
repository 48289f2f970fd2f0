"""Photos in the memory of one process, gone with it: for tests that need no disk."""

import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from shared.core.errors import NotFound, Unavailable
from shared.integrations.storage import OBJECT_MISSING, ListedObject, Slot, StoredObject


class MemoryStorage:
    """Objects in a dictionary."""

    backend = "memory"
    resizes = False
    is_exact = True
    most_bytes: int | None = None
    spool: Path | None = None

    def __init__(self) -> None:
        self._objects: dict[str, tuple[bytes, datetime]] = {}
        self._lock = threading.Lock()

    def allocate(self, path: str) -> Slot:
        """See `Storage.allocate`."""
        return Slot(path)

    def put(self, slot: Slot, source: BinaryIO, *, mime: str) -> None:  # noqa: ARG002 - bytes have no type
        """See `Storage.put`."""
        source.seek(0)
        content = source.read()
        with self._lock:
            self._objects[slot.key] = (content, datetime.now(UTC))

    def open(self, key: str) -> StoredObject:
        """See `Storage.open`."""
        with self._lock:
            found = self._objects.get(key)
        if found is None:
            raise NotFound(OBJECT_MISSING, "The file is gone.")
        return StoredObject(size=len(found[0]), source=BytesIO(found[0]))

    def delete(self, keys: Iterable[str]) -> dict[str, Unavailable]:
        """See `Storage.delete`."""
        with self._lock:
            for key in keys:
                self._objects.pop(key, None)
        return {}

    def link(self, key: str, *, mime: str, filename: str, expires_at: datetime, thumbnail: bool = False) -> None:
        """See `Storage.link`: downloads go through our API."""

    def list_objects(self, prefix: str = "") -> Iterator[ListedObject]:
        """See `Storage.list_objects`."""
        with self._lock:
            kept = sorted(self._objects.items())
        for key, (content, modified_at) in kept:
            if key.startswith(prefix):
                yield ListedObject(key, key, len(content), modified_at)
