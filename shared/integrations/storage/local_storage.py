"""Photos in a folder that the API and the workers share."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from shared.core.errors import NotFound, Unavailable
from shared.integrations.storage import OBJECT_MISSING, STORAGE_AWAY, StoredObject

CHUNK_BYTES = 256 * 1024


class LocalStorage:
    """Files under `root`, written beside their place and renamed, so that nobody ever sees half a photo."""

    backend = "local"

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def put(self, key: str, source: BinaryIO) -> None:
        """See `Storage.put`. The file and its name are on disk (fsync) before this returns."""
        path = self._path(key)
        partial = _partial(path)
        try:
            _make_folder(path.parent)
            try:
                with partial.open("wb") as target:
                    shutil.copyfileobj(source, target, CHUNK_BYTES)
                    target.flush()
                    os.fsync(target.fileno())
                partial.rename(path)
                _sync_folder(path.parent)
            finally:
                partial.unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(STORAGE_AWAY, f"The photo could not be written: {error.strerror}.") from error

    def open(self, key: str) -> StoredObject:
        """See `Storage.open`."""
        try:
            source = self._path(key).open("rb")
        except FileNotFoundError as error:
            raise NotFound(OBJECT_MISSING, "The file is gone.") from error
        except OSError as error:
            raise Unavailable(STORAGE_AWAY, f"The photo could not be read: {error.strerror}.") from error
        return StoredObject(size=os.fstat(source.fileno()).st_size, chunks=_chunks(source))

    def delete(self, key: str) -> None:
        """See `Storage.delete`. Also removes what a crash in the middle of `put` left. Leaves the folders: removing one
        could race with an upload into it."""
        path = self._path(key)
        try:
            path.unlink(missing_ok=True)
            _partial(path).unlink(missing_ok=True)
            if path.parent.exists():
                _sync_folder(path.parent)  # or a power cut could bring back a photo whose row is forgotten
        except OSError as error:
            raise Unavailable(STORAGE_AWAY, f"The photo could not be deleted: {error.strerror}.") from error

    def _path(self, key: str) -> Path:
        path = (self._root / key).resolve()
        if not path.is_relative_to(self._root):
            raise ValueError("a storage key points outside the upload root")
        return path


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    with source:
        while chunk := source.read(CHUNK_BYTES):
            yield chunk


def _make_folder(folder: Path) -> None:
    """`mkdir -p`, each new name on disk before the next."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
