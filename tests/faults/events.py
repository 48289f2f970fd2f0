"""Many events at once, promised through the domain as the API does it, and what has become of them."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import TypeAdapter

from shared.core.ids import new_id
from shared.core.sealing import seal
from shared.core.setting_types import PostgresUrl
from shared.core.transaction import transaction
from shared.exports import service as exports
from shared.exports.events import Event
from shared.integrations.broker.celery_broker import CeleryBroker
from shared.wiring import Services
from tests.exports.receivers import SECRET, Receiver
from tests.factories.organizations import Company, make_company
from tests.faults.system import System
from tests.variants import bound


def export_settings(url: str, **more: str) -> dict[str, str]:
    """The environment of programs that send events to a receiver of this machine."""
    return {
        "EXPORT_MODE": "webhook",
        "EXPORT_WEBHOOK_URL": url,
        "EXPORT_WEBHOOK_SECRET": SECRET,
        "EXPORT_WEBHOOK_ALLOW_HTTP": "true",
        "EXPORT_WEBHOOK_BLOCK_PRIVATE_IPS": "false",
        "EXPORT_WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
        "EXPORT_WEBHOOK_BACKOFF_SECONDS": "1",
        **more,
    }


@dataclass
class Exporting:
    """Events of some companies of `system`, oldest first."""

    OURS: ClassVar = "org_id = ANY(%s::uuid[])"

    system: System
    services: Services
    companies: list[Company]
    ids: list[str] = field(default_factory=list)

    def promise(self, company: Company, count: int, **payload: Any) -> list[str]:
        """Promise `count` events in one transaction, and have them delivered."""
        resources = [new_id() for _ in range(count)]
        with transaction(company.scope) as session:
            for resource_id in resources:
                told = {"number": 1} | payload
                exports.record(session, company.owner, Event.ORDER_CREATED, resource_id, told, now=datetime.now(UTC))
        ours = "SELECT id FROM exports WHERE resource_id = ANY(%s::uuid[]) ORDER BY id"
        found = self.system.sql(ours, [str(each) for each in resources])
        promised = [str(row[0]) for row in found]
        self.ids += promised
        return promised

    def send_to(self, company: Company, target: Receiver) -> None:
        """Give the company a target of its own."""
        sealed = seal(self.services.settings, SECRET)
        self.system.sql(
            "INSERT INTO webhook_endpoints (org_id, url, sealed_secret, created_at, updated_at)"
            " VALUES (%s, %s, %s, now(), now())",
            str(company.org_id),
            target.url,
            sealed,
        )

    def pile_up(self, company: Company, count: int) -> None:
        """So many events that are due, of which no message tells."""
        self.system.sql(
            "INSERT INTO exports (org_id, id, event, resource_id, payload, state, next_attempt_at, created_at)"
            " SELECT %s, gen_random_uuid(), 'order.created', gen_random_uuid(), '{}', 'pending', now(), now()"
            " FROM generate_series(1, %s)",
            str(company.org_id),
            count,
        )

    @property
    def orgs(self) -> list[str]:
        """The value of `OURS`."""
        return [str(company.org_id) for company in self.companies]

    def rows(self) -> list[tuple[str, int]]:
        """(state, attempts) of the events, in the order in which they were promised."""
        found = self.system.sql(f"SELECT state, attempts FROM exports WHERE {self.OURS} ORDER BY id", self.orgs)
        return [(row[0], row[1]) for row in found]

    def states(self) -> Counter[str]:
        return Counter(state for state, _ in self.rows())

    def all_delivered(self) -> bool:
        return self.states() == {"delivered": len(self.ids)}

    def copies(self, target: Receiver) -> list[int]:
        """How often each event has arrived."""
        counts = Counter(target.ids)
        return [counts[event_id] for event_id in self.ids]


@contextmanager
def exporting(system: System, services: Services, *, companies: int) -> Iterator[Exporting]:
    """This process writes to the database and the broker of `system`, like one more process of the API."""
    url = TypeAdapter(PostgresUrl).validate_python(system.env["DATABASE_URL"])
    broker = CeleryBroker(system.redis_server.url())
    with bound(services, broker.publish, database_url=url, export_mode="webhook"):
        found = Exporting(system, services, [make_company(services) for _ in range(companies)])
        try:
            yield found
        finally:  # other tests must not deliver what this one has left
            system.sql(f"DELETE FROM exports WHERE {found.OURS}", found.orgs)
            system.sql(f"DELETE FROM webhook_endpoints WHERE {found.OURS}", found.orgs)
