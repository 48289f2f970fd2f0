"""The storages that the contract is held against. A new one is an entry of `KINDS`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.core.settings import Settings
from shared.integrations.storage import Storage
from shared.integrations.storage.cloudflare_images import CloudflareImagesStorage
from shared.integrations.storage.local_storage import LocalStorage
from shared.integrations.storage.memory_storage import MemoryStorage
from shared.integrations.storage.s3_storage import r2_storage, s3_storage
from tests.integrations.pictures import picture
from tests.sandbox_cloudflare import SandboxCloudflare, cloudflare_settings
from tests.sandbox_s3 import SandboxS3, storage_settings


@dataclass(frozen=True)
class World:
    """What a storage may be built from: the run's settings, the ports of the sandbox, a folder of its own."""

    settings: Settings
    sandbox_ports: dict[str, int]
    folder: Path

    def changed(self, **changes: Any) -> Settings:
        """The settings with the sandbox's storages in them, and with `changes`."""
        s3 = storage_settings(SandboxS3(self.sandbox_ports))
        cloudflare = cloudflare_settings(SandboxCloudflare(self.sandbox_ports))
        return self.settings.model_copy(update=s3 | cloudflare | changes)


@dataclass(frozen=True)
class Kind:
    """How to build one storage, and what it can do beside what every one must.

    `start` is what an object has to begin with in order to be taken, and `most_bytes` is how long it may be.
    """

    build: Callable[[World], Storage]
    has_links: bool = False
    lists_in_order: bool = True
    overwrites: bool = True
    resizes: bool = False
    tells_sizes: bool = True
    start: bytes = b""
    most_bytes: int = 10 * 1024 * 1024


KINDS: dict[str, Kind] = {
    "local": Kind(lambda world: LocalStorage(world.folder)),
    "memory": Kind(lambda _: MemoryStorage()),
    "s3": Kind(lambda world: s3_storage(world.changed()), has_links=True),
    "r2": Kind(lambda world: r2_storage(world.changed()), has_links=True),
    "cloudflare_images": Kind(
        lambda world: CloudflareImagesStorage(world.changed()),
        has_links=True,
        lists_in_order=False,
        overwrites=False,
        resizes=True,
        tells_sizes=False,
        start=picture("JPEG", width=8, height=8),
        most_bytes=10_000_000,
    ),
}


@dataclass(frozen=True)
class Subject:
    """One storage under test; `prefix` is a place in it that nobody else uses."""

    name: str
    kind: Kind
    storage: Storage
    prefix: str

    def photo(self, content: bytes) -> bytes:
        """An object that the storage takes, and that has `content` in it."""
        return self.kind.start + content[: self.kind.most_bytes - len(self.kind.start)]
