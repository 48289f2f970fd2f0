"""Keeps the bytes of photos under keys made of identifiers.

    slot = storage.allocate("orders/<org>/<order>/<photo>.jpg")     a place for an object, and the key a row remembers
    storage.put(slot, source, mime="image/jpeg")                    all of it or nothing
    with storage.open(slot.key) as stored: ...                      for workers, and for downloads through our API
    storage.link(slot.key, ...)                                     a signed URL of the storage's own, if it has them
    storage.delete([slot.key])                                      one that is gone already is fine

The row is written between `allocate` and `put`, so that no object is ever without a row that names it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from shared.core.errors import Unavailable, code

STORAGE_AWAY = code("storage.unavailable", "The photo storage is not available")
CIRCUIT_OPEN = code("storage.circuit_open", "The photo storage has failed and is left alone for a moment")
NOT_SET_UP = code("storage.not_set_up", "The photo storage is not set up")
DAMAGED = code("storage.damaged", "The photo storage gave back something else than it was given")
OBJECT_MISSING = code("storage.object_missing", "The file is not in the storage")

UNTRIED = frozenset({CIRCUIT_OPEN, NOT_SET_UP})
"""Refusals that were given without asking the storage: nothing was tried, so no try is used up."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for an object that is not there yet. `key` is what rows remember; `upload_url` is a provider's one-time
    address for putting it there, if it works so."""

    key: str
    upload_url: str | None = None


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that is being read: its `size` in bytes, and its content. Closes it at the end of a `with`."""

    size: int
    source: BinaryIO

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.source.close()


@dataclass(frozen=True, slots=True)
class ListedObject:
    """One object as the storage lists it. `path` is what `allocate` was asked for, which begins `orders/<org>/`; it is
    the key, except where the provider makes up keys of its own."""

    key: str
    path: str
    size: int
    modified_at: datetime


class Storage(Protocol):
    """One place for objects. Everything that goes wrong on the way there is `Unavailable`, with `STORAGE_AWAY`, or
    `CIRCUIT_OPEN` when it was not even tried.

    `backend` is the name that rows remember. `resizes`: it makes thumbnails itself, see `link`. `is_exact`: what is
    read is what was put, to the byte. `most_bytes`: the largest object it takes, None for any.
    """

    backend: str
    resizes: bool
    is_exact: bool
    most_bytes: int | None

    @property
    def spool(self) -> Path | None:
        """A folder whose temporary files `put` takes over without copying them; None when there is no such place."""

    def allocate(self, path: str) -> Slot:
        """A place for an object to come, `path` being where it would be if keys were free to choose."""

    def put(self, slot: Slot, source: BinaryIO, *, mime: str) -> None:
        """Write `source`, from its start, all of it or nothing; over what is there already."""

    def open(self, key: str) -> StoredObject:
        """Read `key`. Raises `NotFound` with `OBJECT_MISSING` when there is no such object."""

    def delete(self, keys: Iterable[str]) -> dict[str, Unavailable]:
        """Remove `keys`. Returns those that may still be there, each with why."""

    def link(self, key: str, *, mime: str, filename: str, expires_at: datetime, thumbnail: bool = False) -> str | None:
        """A signed URL at the storage, good until `expires_at`, that anybody may open; `thumbnail`: of the small form
        of the same object, where the storage `resizes`. None: downloads go through our API."""

    def list_objects(self, prefix: str = "") -> Iterator[ListedObject]:
        """Every object whose path begins with `prefix`; ordered by path, unless the provider cannot."""
