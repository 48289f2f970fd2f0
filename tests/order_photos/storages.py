"""Real storages with something in their way, and services that keep photos in them."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from shared.core.errors import Unavailable
from shared.integrations.storage import CIRCUIT_OPEN, Slot, Storage
from shared.integrations.storage.local_storage import LocalStorage
from shared.integrations.storage.memory_storage import MemoryStorage
from shared.wiring import Services
from tests.variants import with_settings
from worker.core import boot


class Meanwhile:
    """A storage in front of which something happens once, at the first of the named calls: `before allocate`,
    `before put`, `after put`, `before open` or `before delete`."""

    def __init__(self, real: Storage, when: str, happens: Callable[[], object]) -> None:
        self._real, self._when, self._happens = real, when, happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def allocate(self, path: str) -> Slot:
        self._at("before allocate")
        return self._real.allocate(path)

    def put(self, slot: Slot, source: BinaryIO, *, mime: str) -> None:
        self._at("before put")
        self._real.put(slot, source, mime=mime)
        self._at("after put")

    def open(self, key: str) -> Any:
        self._at("before open")
        return self._real.open(key)

    def delete(self, keys: Iterable[str]) -> dict[str, Unavailable]:
        self._at("before delete")
        return self._real.delete(keys)

    def _at(self, moment: str) -> None:
        if moment == self._when:
            self._when = ""
            self._happens()


class LeftAlone:
    """A storage behind an open circuit: nothing reaches it."""

    def __init__(self, real: Storage) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def put(self, *_: Any, **__: Any) -> None:
        raise _left_alone()

    def open(self, _: str) -> Any:
        raise _left_alone()

    def delete(self, keys: Iterable[str]) -> dict[str, Unavailable]:
        return {key: _left_alone() for key in keys}


def _left_alone() -> Unavailable:
    return Unavailable(CIRCUIT_OPEN, "The storage is left alone.")


@contextmanager
def at_work_on(services: Services) -> Iterator[Services]:
    """The tasks of this process work with `services`; with the ones before at the end."""
    usual = boot.services()
    boot.use(services)
    try:
        yield services
    finally:
        boot.use(usual)


def instead(services: Services, storage: object) -> Services:
    """`services` with `storage` in the place of the one that has its name."""
    one = cast(Storage, storage)
    return replace(services, storages=services.storages | {one.backend: one})


def broken(services: Services, folder: Path) -> Services:
    """`services` whose local storage can take no photo, give none and delete none: there is a file in their place."""
    root = folder / "broken"
    root.mkdir(exist_ok=True)
    (root / "orders").write_text("not a folder")
    return with_root(services, root)


def with_root(services: Services, root: Path) -> Services:
    """`services` whose local storage is another folder."""
    return instead(with_settings(services, order_upload_root=root), LocalStorage(root))


def with_memory(services: Services, *, new_photos: str = "local") -> Services:
    """`services` with a second storage, `memory`; photos that come go to `new_photos`."""
    return instead(with_settings(services, order_storage_backend=new_photos), MemoryStorage())


def keys_in(services: Services, backend: str) -> list[str]:
    """What the storage keeps, in order."""
    return sorted(one.key for one in services.storages[backend].list_objects())
