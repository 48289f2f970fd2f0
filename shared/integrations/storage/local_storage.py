"""Photos in a folder that the API and the workers share."""

import os
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from shared.core.errors import NotFound, Unavailable
from shared.integrations.storage import OBJECT_MISSING, STORAGE_AWAY, ListedObject, Slot, StoredObject

CHUNK_BYTES = 256 * 1024
FOLDER = "orders"
"""All keys begin so. Where it is missing, a file that is not there is not a file that is gone."""


class LocalStorage:
    """Files under `root`, written beside their place and renamed, so that nobody ever sees half a photo."""

    backend = "local"
    resizes = False
    is_exact = True
    most_bytes: int | None = None

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    @property
    def spool(self) -> Path | None:
        """The root itself: its temporary files have no names there (O_TMPFILE), and are given one by `put`."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(STORAGE_AWAY, f"There is no folder for photos: {error.strerror}.") from error
        return self._root

    def allocate(self, path: str) -> Slot:
        """See `Storage.allocate`."""
        self._path(path)
        return Slot(path)

    def put(self, slot: Slot, source: BinaryIO, *, mime: str) -> None:  # noqa: ARG002 - a file has no type
        """See `Storage.put`. The file and its name are on disk (fsync) before this returns."""
        path = self._path(slot.key)
        partial = _partial(path)
        try:
            _make_folder(path.parent)
            try:
                partial.unlink(missing_ok=True)
                if not _name(source, partial):
                    _copy(source, partial)
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
        return StoredObject(size=os.fstat(source.fileno()).st_size, source=source)

    def delete(self, keys: Iterable[str]) -> dict[str, Unavailable]:
        """See `Storage.delete`. Also removes what a crash in the middle of `put` left. Leaves the folders: removing one
        could race with an upload into it."""
        keys = list(keys)
        if not (self._root / FOLDER).is_dir():
            away = Unavailable(STORAGE_AWAY, "The upload folder is empty: is its volume mounted?")
            return dict.fromkeys(keys, away)
        failed: dict[str, Unavailable] = {}
        in_folders: dict[Path, list[str]] = {}
        for key in keys:
            path = self._path(key)
            try:
                path.unlink(missing_ok=True)
                _partial(path).unlink(missing_ok=True)
                in_folders.setdefault(path.parent, []).append(key)
            except OSError as error:
                failed[key] = _undeleted(error)
        for folder, gone in in_folders.items():
            try:
                if folder.exists():
                    _sync_folder(folder)  # or a power cut could bring back a photo whose row is forgotten
            except OSError as error:
                failed |= dict.fromkeys(gone, _undeleted(error))
        return failed

    def link(self, key: str, *, mime: str, filename: str, expires_at: datetime, thumbnail: bool = False) -> None:
        """See `Storage.link`: downloads go through our API."""

    def list_objects(self, prefix: str = "") -> Iterator[ListedObject]:
        """See `Storage.list_objects`. Half-written files are listed as well: they are objects without a row."""
        yield from self._walk(self._root, prefix)

    def _walk(self, folder: Path, prefix: str) -> Iterator[ListedObject]:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name) if folder.is_dir() else []
        for entry in entries:
            path = Path(entry.path).relative_to(self._root).as_posix()
            if entry.is_dir(follow_symlinks=False):
                if f"{path}/".startswith(prefix) or prefix.startswith(f"{path}/"):
                    yield from self._walk(Path(entry.path), prefix)
            elif path.startswith(prefix):
                found = entry.stat(follow_symlinks=False)
                yield ListedObject(path, path, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def _path(self, key: str) -> Path:
        path = (self._root / key).resolve()
        if not path.is_relative_to(self._root):
            raise ValueError("a storage key points outside the upload root")
        return path


def _name(source: BinaryIO, path: Path) -> bool:
    """Give a temporary file without a name the name `path`; no byte is copied. False when `source` is none of those, or
    on another disk."""
    try:
        descriptor = source.fileno()
        if os.fstat(descriptor).st_nlink:
            return False
        source.flush()
        os.fsync(descriptor)
        os.link(f"/proc/self/fd/{descriptor}", path, follow_symlinks=True)
    except (OSError, AttributeError):
        return False
    return True


def _copy(source: BinaryIO, path: Path) -> None:
    source.seek(0)
    with path.open("xb") as target:
        shutil.copyfileobj(source, target, CHUNK_BYTES)
        target.flush()
        os.fsync(target.fileno())


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _undeleted(error: OSError) -> Unavailable:
    return Unavailable(STORAGE_AWAY, f"The photo could not be deleted: {error.strerror}.")


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
