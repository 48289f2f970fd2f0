"""Many mails at once, promised through the domain as the API does it, and what has become of them."""

import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import TypeAdapter

from shared.core.setting_types import PostgresUrl
from shared.core.transaction import transaction
from shared.integrations.broker.celery_broker import CeleryBroker
from shared.messages import service as messages
from shared.messages.model import MessageKind
from shared.wiring import Services
from tests.factories.messages import VARIABLES
from tests.factories.organizations import Company, make_company
from tests.faults.system import System
from tests.variants import bound


@dataclass
class Mailing:
    """Mails of some companies of `system`, one to each recipient. `ids` maps recipients to messages."""

    OURS: ClassVar = "org_id = ANY(%s::uuid[])"

    system: System
    companies: list[Company]
    ids: dict[str, str] = field(default_factory=dict)

    def promise(self, company: Company, count: int) -> None:
        """Promise `count` mails in one transaction, and have them sent."""
        self.promise_to(company, [f"mailing-{secrets.token_hex(6)}@client.test" for _ in range(count)])

    def promise_to(self, company: Company, recipients: list[str]) -> None:
        """Promise a mail to each, whom nobody has written to before."""
        with transaction(company.scope) as session:
            for recipient in recipients:
                promised = messages.queue(
                    session,
                    company.owner,
                    MessageKind.ORDER_CONFIRMED,
                    recipient,
                    VARIABLES,
                    dedupe_key=recipient,
                    now=datetime.now(UTC),
                )
                assert promised is not None
                self.ids[recipient] = str(promised.id)

    @property
    def orgs(self) -> list[str]:
        """The value of `OURS`."""
        return [str(company.org_id) for company in self.companies]

    def states(self) -> Counter[str]:
        """How many of the mails are in which state."""
        query = f"SELECT state, count(*) FROM messages WHERE {self.OURS} GROUP BY state"
        return Counter(dict(self.system.sql(query, self.orgs)))

    def rows(self) -> list[tuple[str, int]]:
        """(state, attempts) of the mails, in the order in which they were promised."""
        query = f"SELECT state, attempts FROM messages WHERE {self.OURS} ORDER BY id"
        return [(row[0], row[1]) for row in self.system.sql(query, self.orgs)]

    def all_sent(self) -> bool:
        return self.states() == {"sent": len(self.ids)}

    def attempts(self) -> dict[str, int]:
        """How many tries each recipient's mail has used up."""
        return dict(self.system.sql(f"SELECT recipient, attempts FROM messages WHERE {self.OURS}", self.orgs))

    def replay(self) -> list[str]:
        """Have the dead mails sent after all, as staff does. Returns why they were dead."""
        again = "UPDATE messages SET state = 'queued', next_attempt_at = now() WHERE state = 'dead' AND "
        return [row[0] for row in self.system.sql(f"{again} {self.OURS} RETURNING last_error", self.orgs)]

    def let_wait_end(self, prefix: str) -> None:
        """As if it were long ago that somebody took the mails to recipients that begin so, and that the others were
        queued. What another worker has in its hands is left to it."""
        now = f"UPDATE messages SET next_attempt_at = now() WHERE {self.OURS} AND (state = 'queued' OR "
        self.system.sql(f"{now} state = 'sending' AND recipient LIKE %s)", self.orgs, f"{prefix}%")

    def message_ids(self) -> dict[str, set[str]]:
        """What must be in each recipient's copies."""
        return {recipient: {f"<{message_id}@crewline.test>"} for recipient, message_id in self.ids.items()}

    def copies(self) -> dict[str, list[str]]:
        """The Message-IDs of what each recipient has got, in the order in which they were promised."""
        found: dict[str, list[str]] = {recipient: [] for recipient in self.ids}
        for mail in self.system.all_mails():
            if mail.to in found:
                found[mail.to].append(mail.message_id)
        return found


@contextmanager
def mailing(system: System, services: Services, *, companies: int) -> Iterator[Mailing]:
    """This process writes to the database and the broker of `system`, like one more process of the API."""
    url = TypeAdapter(PostgresUrl).validate_python(system.env["DATABASE_URL"])
    broker = CeleryBroker(system.redis_server.url())
    with bound(services, broker.publish, database_url=url):
        yield Mailing(system, [make_company(services) for _ in range(companies)])
