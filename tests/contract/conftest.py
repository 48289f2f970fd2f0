"""Two organizations with one of every thing, made once and shared by the tests of a file.

To make them costs more than most tests do. They lie in one transaction, which never commits; each test works in a
savepoint of it, and leaves them as they were. Where statements are counted, each test makes its own.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest
from sqlalchemy import Connection

from shared.core import transaction
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.conftest import savepoint
from tests.factories.catalog import make_estimate
from tests.factories.checklists import make_checklist_template
from tests.factories.crews import make_team, make_worker
from tests.factories.everything import Everything, make_everything
from tests.factories.exports import make_dead_export, make_endpoint
from tests.factories.leads import make_lead
from tests.factories.order_photos import make_photo
from tests.factories.orders import make_order
from tests.factories.organizations import Company, make_company
from tests.rows import row
from worker.core import boot

FRESH_SECONDS = 300
"""Well below the life of an access token, of which everybody has one."""

Both = tuple[Everything, Everything]


@dataclass
class World:
    """An open transaction with both organizations in it."""

    connection: Connection
    both: Both
    made_at: float

    @property
    def is_fresh(self) -> bool:
        return time.monotonic() - self.made_at < FRESH_SECONDS


class Worlds:
    """The world of a file, made anew when it is not fresh any more."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._world: World | None = None

    def current(self) -> World:
        if self._world is None or not self._world.is_fresh:
            self.close()
            self._world = self._make()
        return self._world

    def close(self) -> None:
        """Undo everything."""
        if self._world is not None:
            self._world.connection.close()
            self._world = None

    def _make(self) -> World:
        connection = self._services.database.writer.connect()
        connection.begin()
        bind(self._services, connection)
        boot.use(self._services)
        companies = make_company(self._services), make_company(self._services)
        mine, theirs = (make_everything(company) for company in companies)
        return World(connection, (mine, theirs), time.monotonic())


def bind(services: Services, connection: Connection) -> None:
    """Let the code under test work on `connection`."""
    transaction.bind(connection, partial(savepoint, connection), services.settings, services.broker.publish)


@pytest.fixture(scope="module")
def worlds(process_services: Services) -> Iterator[Worlds]:
    found = Worlds(process_services)
    yield found
    found.close()


@pytest.fixture
def database(request: pytest.FixtureRequest, process_services: Services) -> Iterator[Connection]:
    """What `tests/conftest.py` says; for a test of `inhabited` organizations, a savepoint of their world."""
    if "inhabited" not in request.fixturenames:
        with process_services.database.writer.connect() as connection:
            outer = connection.begin()
            yield from _clean(process_services, connection)
            outer.rollback()
        return
    connection = request.getfixturevalue("worlds").current().connection
    nested = connection.begin_nested()
    yield from _clean(process_services, connection)
    nested.rollback()


def _clean(services: Services, connection: Connection) -> Iterator[Connection]:
    services.redis.flushdb()
    bind(services, connection)
    yield connection


@pytest.fixture
def inhabited(worlds: Worlds, services: Services) -> Both:
    """Two organizations with a row in every tenant table."""
    return worlds.current().both


@pytest.fixture
def company(request: pytest.FixtureRequest, services: Services) -> Company:
    """The first of the inhabited organizations, if the test has them; or an empty one."""
    if "inhabited" in request.fixturenames:
        first: Everything = request.getfixturevalue("inhabited")[0]
        return first.company
    return make_company(services)


@pytest.fixture
def ids(client: CheckedClient, company: Company) -> dict[str, str]:
    """The `order_id` and the like of an organization that has what requests are counted on."""
    order_id = make_order(company)
    photo = make_photo(company, order_id)
    estimate_id, team_id = make_estimate(company), make_team(company)
    company.headers()
    client.get("/healthz")  # the checked client fetches the contract once, which is a request as well
    made = {
        "order": order_id,
        "photo": photo.id,
        "client": company.client_id,
        "estimate": estimate_id,
        "lead": make_lead(company),
        "export": make_dead_export(company, about=order_id),
    }
    for name, table in (("service", "services"), ("addon", "addons"), ("price_book", "price_books")):
        made[name] = row(f"SELECT id FROM {table} WHERE org_id = :org", org=company.org_id)["id"]
    make_checklist_template(company, made["service"])
    make_endpoint(company)
    made |= {"team": team_id, "worker": make_worker(company, team_id=team_id)}
    return {f"{name}_id": str(value) for name, value in made.items()}
