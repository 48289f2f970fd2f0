"""Real servers for every test: Postgres, Redis and the sandbox, started and stopped by the run itself.

Most tests live inside one outer transaction that is rolled back (`database`); code under test really commits, into
savepoints, and its after-commit jobs really reach Redis. `jobs.drain()` runs them. Tests that need real commits or
processes of their own are in `tests/faults` and `tests/concurrency`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import structlog
from flask import Flask
from sqlalchemy import Connection

from api.app import create_app
from shared.core import transaction
from shared.core.settings import Settings, load_settings
from shared.wiring import Services, build_mailer, build_services
from tests.checked_client import CheckedClient
from tests.factories.organizations import Company, make_company
from tests.hashing import CHEAP, REAL, hashing
from tests.jobs_probe import JobsProbe
from tests.servers import Addresses, Servers, create_database, environment, plain, sandbox
from worker.core import boot

_servers: list[Servers] = []
_KEY = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    # Without this, structlog prints every local of every frame: seconds for one traceback, and the tokens in them.
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )
    if hasattr(config, "workerinput"):
        config.stash[_KEY] = config.workerinput["addresses"]
    elif not config.option.collectonly:
        servers = Servers()
        _servers.append(servers)
        config.stash[_KEY] = plain(servers.start())


def pytest_configure_node(node: Any) -> None:
    node.workerinput["addresses"] = node.config.stash[_KEY]


def pytest_unconfigure(config: pytest.Config) -> None:
    while _servers:
        _servers.pop().stop()


@pytest.fixture(scope="session")
def addresses(pytestconfig: pytest.Config) -> Addresses:
    """The servers of the run, with the template database."""
    return Addresses(**pytestconfig.stash[_KEY])


@pytest.fixture(scope="session")
def sandbox_ports() -> Iterator[dict[str, int]]:
    with sandbox() as ports:
        yield ports


@pytest.fixture(scope="session")
def settings(
    addresses: Addresses, worker_id: str, sandbox_ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Settings of this test process, on a database and a Redis number of its own."""
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    mine = create_database(addresses, f"crewline_{worker_id}", number)
    os.environ.update(
        environment(
            mine,
            EMAIL_MODE="smtp",
            EMAIL_FROM="no-reply@crewline.test",
            SMTP_HOST="127.0.0.1",
            SMTP_PORT=str(sandbox_ports["smtp_port"]),
            SMTP_USE_TLS="false",
            ORDER_UPLOAD_ROOT=str(tmp_path_factory.mktemp("uploads")),
        )
    )
    return load_settings()


@pytest.fixture(scope="session")
def process_services(settings: Settings) -> Services:
    return build_services(settings)


@pytest.fixture(scope="session", autouse=True)
def cheap_hashing() -> Iterator[None]:
    """Passwords cost next to nothing in this process."""
    with hashing(CHEAP):
        yield


@pytest.fixture
def real_hashing() -> Iterator[None]:
    """Passwords cost in this test what they cost in production."""
    with hashing(REAL):
        yield


@pytest.fixture
def database(process_services: Services) -> Iterator[Connection]:
    """Everything the test does is in one transaction that never commits; Redis is empty at the start."""
    services = process_services
    services.redis.flushdb()
    with services.database.writer.connect() as connection:
        outer = connection.begin()
        transaction.bind(connection, partial(savepoint, connection), services.settings, services.broker.publish)
        yield connection
        outer.rollback()


@contextmanager
def savepoint(connection: Connection) -> Iterator[Connection]:
    """What `read_only` gets in place of a pooled connection; what a read sets is undone at its end.

    By hand, because SQLAlchemy compiles these statements each time, and leaves each savepoint open below the next one:
    Postgres walks through all of them for every row that the test has written.
    """
    with connection.connection.cursor() as cursor:
        cursor.execute("SAVEPOINT reading")
        try:
            yield connection
        finally:
            cursor.execute("ROLLBACK TO reading; RELEASE reading")


@pytest.fixture
def services(process_services: Services, database: Connection) -> Services:
    """The process's services, with a mailer that has no bad memories. Tests change one with `dataclasses.replace`
    through `use_services`."""
    fresh = replace(process_services, mailer=build_mailer(process_services.settings))
    boot.use(fresh)
    return fresh


@pytest.fixture(scope="session")
def process_app(process_services: Services) -> Flask:
    """The application on the process's services. Making one costs more than most tests do, and it keeps nothing of
    what is asked of it but what `/readyz` saw last."""
    application = create_app(process_services.settings, process_services)
    application.test_client_class = CheckedClient
    return application


@pytest.fixture
def app(process_app: Flask, services: Services) -> Flask:
    return process_app


@pytest.fixture
def client(app: Flask) -> CheckedClient:
    """A caller who is not signed in; every answer is checked against the published contract."""
    return app.test_client()


@pytest.fixture
def jobs(services: Services) -> JobsProbe:
    return JobsProbe(services)


@pytest.fixture
def company(services: Services) -> Company:
    """An organization with an owner and a client."""
    return make_company(services)


@pytest.fixture
def neighbour(services: Services) -> Company:
    """Another organization on the same installation."""
    return make_company(services)
