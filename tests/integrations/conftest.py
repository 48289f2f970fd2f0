"""Cloudflare Images of the sandbox, and the product's storage in it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.core.settings import Settings
from shared.integrations.storage.cloudflare_images import CloudflareImagesStorage
from tests.sandbox_cloudflare import SandboxCloudflare, cloudflare_settings


@pytest.fixture
def cloudflare(sandbox_ports: dict[str, int]) -> Iterator[SandboxCloudflare]:
    """Cloudflare's side, with no fault in force at the start and at the end."""
    found = SandboxCloudflare(sandbox_ports)
    found.reset()
    yield found
    found.reset()


@pytest.fixture
def cloudflare_storage(settings: Settings, cloudflare: SandboxCloudflare) -> Callable[..., CloudflareImagesStorage]:
    """Makes our side, with these settings changed."""

    def make(**changes: Any) -> CloudflareImagesStorage:
        return CloudflareImagesStorage(settings.model_copy(update=cloudflare_settings(cloudflare) | changes))

    return make
