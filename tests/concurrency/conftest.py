"""Threads that really commit, on a database and a Redis number of their own: nothing is rolled back here.

The fixtures of `tests/conftest.py` (`app`, `jobs`, `company`) work on these services, because `services` is this one.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr

from api.app import create_app
from shared.core import transaction
from shared.core.settings import Settings
from shared.wiring import Services, build_services
from tests.servers import Addresses, create_database
from worker.app import app as celery_app
from worker.core import boot

CONNECTIONS = 25  # more than threads: who waits shall wait for a lock, not for a connection
REDIS_DATABASES = 16


@pytest.fixture(scope="session")
def committing_services(
    settings: Settings, addresses: Addresses, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    mine = create_database(addresses, f"crewline_concurrency_{worker_id}", REDIS_DATABASES - 1 - number)
    services = build_services(
        Settings(
            database_url=SecretStr(mine.app_url),
            redis_url=SecretStr(mine.redis_url),
            database_pool_size=CONNECTIONS,
            database_pool_timeout_seconds=60,  # of two hundred at once, some wait for the others on a slow machine
            order_upload_root=tmp_path_factory.mktemp("committed-uploads"),
        )
    )
    celery_app.loader.import_default_modules()  # the tasks, as a worker does when it starts
    yield services
    services.database.writer.dispose()
    services.database.reader.dispose()


@pytest.fixture
def services(committing_services: Services) -> Services:
    """This process's services, whose transactions commit for everybody to see; Redis is empty at the start."""
    given = committing_services
    transaction.bind(given.database.writer, given.database.reader.connect, given.settings, given.broker.publish)
    boot.use(given)
    given.redis.flushdb()
    return given


@pytest.fixture(scope="session")
def committing_app(committing_services: Services) -> Flask:
    application = create_app(committing_services.settings, committing_services)
    application.test_client_class = FlaskClient
    return application


@pytest.fixture
def app(committing_app: Flask, services: Services) -> Flask:
    return committing_app


@pytest.fixture
def uploads(services: Services) -> Path:
    return services.settings.order_upload_root
