"""Every storage, the providers in the sandbox, and listeners that webhooks must not reach."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any
from uuid import uuid4

import pytest

from shared.core.settings import Settings
from shared.integrations.mail.sendgrid_mailer import SendGridMailer
from shared.integrations.storage.cloudflare_images import CloudflareImagesStorage
from shared.integrations.storage.s3_storage import S3Storage, r2_storage, s3_storage
from tests.exports.receivers import Receiver, receiver
from tests.integrations.storages import KINDS, Subject, World
from tests.sandbox_cloudflare import SandboxCloudflare
from tests.sandbox_s3 import SandboxS3
from tests.sandbox_sendgrid import SandboxSendGrid, sendgrid_settings

MakeSubject = Callable[[str], Subject]
MakeS3 = Callable[..., S3Storage]
MakeCloudflare = Callable[..., CloudflareImagesStorage]
MakeSendGrid = Callable[..., SendGridMailer]

HERE = ("127.0.0.1", "127.0.0.2", "127.8.8.8", "::1")


@pytest.fixture(scope="session")
def world(settings: Settings, sandbox_ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(settings, sandbox_ports, tmp_path_factory.mktemp("storage"))


@pytest.fixture(scope="session")
def make_subject(world: World) -> MakeSubject:
    """Builds the storage of a name once, for that takes a while, and gives each test a place of its own in it."""
    build = cache(lambda name: KINDS[name].build(world))
    return lambda name: Subject(name, KINDS[name], build(name), f"orders/{uuid4()}")


@pytest.fixture(params=KINDS)
def subject(request: pytest.FixtureRequest, make_subject: MakeSubject) -> Subject:
    """One storage of each kind."""
    return make_subject(request.param)


@pytest.fixture(params=[name for name, kind in KINDS.items() if kind.overwrites])
def overwriting(request: pytest.FixtureRequest, make_subject: MakeSubject) -> Subject:
    """One of each kind that writes over what is there."""
    return make_subject(request.param)


@pytest.fixture(params=[name for name, kind in KINDS.items() if kind.has_links])
def linking(request: pytest.FixtureRequest, make_subject: MakeSubject) -> Subject:
    """One of each kind that has links."""
    return make_subject(request.param)


@pytest.fixture
def s3(sandbox_ports: dict[str, int]) -> Iterator[SandboxS3]:
    """Amazon's side, with no fault in force at the start and at the end."""
    found = SandboxS3(sandbox_ports)
    found.fault("ok")
    yield found
    found.fault("ok")


@pytest.fixture(params=["s3", "r2"])
def backend(request: pytest.FixtureRequest) -> str:
    """Each of those that speak S3."""
    name: str = request.param
    return name


@pytest.fixture
def make_s3(backend: str, world: World, s3: SandboxS3) -> MakeS3:
    """Makes a storage that tries once and never gives up; `secret_key` and the like are settings of its backend."""

    def make(*, failures: int = 1000, recovery_seconds: float = 60.0, **changes: Any) -> S3Storage:
        own = {"connect_timeout_seconds": 2.0, "read_timeout_seconds": 5.0, "max_attempts": 1} | changes
        settings = world.changed(
            storage_circuit_failure_threshold=failures,
            storage_circuit_recovery_seconds=recovery_seconds,
            **{f"{backend}_{name}": value for name, value in own.items()},
        )
        return s3_storage(settings) if backend == "s3" else r2_storage(settings)

    return make


@pytest.fixture
def cloudflare(sandbox_ports: dict[str, int]) -> Iterator[SandboxCloudflare]:
    """Cloudflare's side, with no fault in force at the start and at the end."""
    found = SandboxCloudflare(sandbox_ports)
    found.reset()
    yield found
    found.reset()


@pytest.fixture
def make_cloudflare(world: World, cloudflare: SandboxCloudflare) -> MakeCloudflare:
    """Makes a storage there, with these settings changed."""
    return lambda **changes: CloudflareImagesStorage(world.changed(**changes))


@pytest.fixture
def sendgrid(sandbox_ports: dict[str, int]) -> Iterator[SandboxSendGrid]:
    """SendGrid's side, with no fault in force at the start and at the end."""
    found = SandboxSendGrid(sandbox_ports["http_port"])
    found.fault("ok")
    yield found
    found.fault("ok")


@pytest.fixture
def make_sendgrid(settings: Settings, sendgrid: SandboxSendGrid) -> MakeSendGrid:
    """Makes a mailer there, with these settings changed."""
    usual = sendgrid_settings(sendgrid) | {"sendgrid_timeout_seconds": 5.0}
    return lambda **changes: SendGridMailer(settings.model_copy(update=usual | changes))


@pytest.fixture
def listeners() -> Iterator[list[Receiver]]:
    """On several of this machine's own addresses."""
    with ExitStack() as stack:
        yield [stack.enter_context(receiver(host=host)) for host in HERE]
