"""An installation whose transactions really commit, so that commands in processes of their own see what tests make."""

import subprocess
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from shared.core.settings import Settings
from shared.wiring import Services
from tests import forking
from tests.checked_client import CheckedClient
from tests.servers import Addresses, create_database, environment
from tests.variants import bound, client_on, with_settings
from worker.core import boot

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def installation(addresses: Addresses, worker_id: str) -> Addresses:
    return create_database(addresses, f"crewline_cli_{worker_id}", 0)


@pytest.fixture
def services(process_services: Services, installation: Addresses) -> Iterator[Services]:
    """The process's services on the installation of the commands."""
    url = Settings(database_url=installation.app_url).database_url  # type: ignore[arg-type]
    mine = with_settings(process_services, database_url=url)
    boot.use(mine)
    with bound(mine, database_url=url):
        yield mine


@pytest.fixture
def client(services: Services) -> CheckedClient:
    """A caller of the installation of the commands."""
    return client_on(services)


@pytest.fixture
def command(services: Services, installation: Addresses) -> Command:
    """`python -m ops.cli` with these words, and settings beside the usual ones."""
    return partial(_run, "ops.cli", installation)


@pytest.fixture
def worker_run(services: Services, installation: Addresses) -> Command:
    """`python -m worker.run` with these words, and settings beside the usual ones."""
    uploads = str(services.settings.order_upload_root)
    return partial(_run, "worker.run", installation, ORDER_UPLOAD_ROOT=uploads)


def _run(module: str, installation: Addresses, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return forking.run(module, words, environment(installation, **more))
