"""Which index serves which list of mails, as the planner of the real database decides."""

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
from psycopg2.extensions import make_dsn
from sqlalchemy import event, text

from shared.core.pages import PageRequest
from shared.core.settings import Settings
from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only, transaction
from shared.messages import ledger
from shared.messages.ledger import Filters
from tests.factories.organizations import Company
from tests.servers import Addresses

MANY = 20_000


NOW = datetime.now(UTC)


ABOUT = uuid4()


CHOICES: list[tuple[tuple[str, Any], ...]] = [
    (("states", None), ("states", ["dead"]), ("states", ["queued", "retrying", "dead"])),
    (("recipient", None), ("recipient", "Anna1@client.test")),
    (("resource_id", None), ("resource_id", ABOUT)),
    (("kind", None), ("kind", "order_confirmed")),
    (("created_from", None), ("created_from", NOW - timedelta(days=2))),
    (("created_to", None), ("created_to", NOW - timedelta(days=98))),
]


_FILL = """
    INSERT INTO messages (org_id, id, kind, recipient, variables, dedupe_key, resource_id, state, created_at, attempts)
    SELECT :org, (lpad(to_hex((extract(epoch FROM made) * 1000)::bigint), 12, '0') || '7000' || '8000' ||
            lpad(to_hex(n), 12, '0'))::uuid, (ARRAY['order_confirmed', 'receipt'])[1 + n % 2],
        'anna' || n % 2000 || '@client.test', '{}', n, CASE WHEN n % 4000 = 1 THEN :about ELSE gen_random_uuid() END,
        CASE n % 400 WHEN 0 THEN 'dead' WHEN 1 THEN 'queued' WHEN 2 THEN 'retrying' ELSE 'sent' END, made, 1
    FROM (SELECT n, :now - interval '100 days' * n / :many AS made FROM generate_series(1, :many) AS n) AS numbers
"""


@pytest.fixture
def nothing_known_of_values(addresses: Addresses, settings: Settings) -> None:
    """The planner knows how many mails there are, and nothing of what is in them: what it has learnt from the few of
    other tests would be wrong here."""
    database = settings.database_url.get_secret_value().rpartition("/")[2]
    connection = psycopg2.connect(make_dsn(addresses.superuser_dsn, dbname=database))
    with closing(connection), connection, connection.cursor() as cursor:
        tables = "('messages'::regclass, 'ix_messages_recipient'::regclass)"
        cursor.execute(f"DELETE FROM pg_statistic WHERE starelid IN {tables}")


@pytest.mark.usefixtures("nothing_known_of_values")
def test_no_list_reads_all_mails_of_the_organization(company: Company, neighbour: Company) -> None:
    """Of 20,000 mails, with all combinations of filters, as the planner of the real database decides."""
    for each in (company, neighbour):
        with transaction(each.scope) as session:
            filled = {"org": each.org_id, "about": ABOUT, "now": NOW, "many": MANY}
            session.execute(text(_FILL), filled)
    for chosen in product(*CHOICES):
        wanted = Filters(**dict(chosen))
        if wanted == Filters(kind="order_confirmed"):
            continue  # no index knows kinds
        plan = _plan_of(company, wanted)
        assert "Seq Scan" not in plan, (wanted, plan)
        read = sum(int(number) for number in re.findall(r"Rows Removed by Filter: (\d+)", plan))
        assert read < MANY / 40, (wanted, plan)


def _plan_of(company: Company, wanted: Filters) -> str:
    scope, look = (PLATFORM, ledger.find_to) if wanted.recipient else (company.scope, ledger.list_page)
    sent: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        sent.append((statement, parameters))

    with read_only(scope) as connection:
        event.listen(connection, "before_cursor_execute", note)
        look(connection, company.owner, PageRequest(), wanted)
        event.remove(connection, "before_cursor_execute", note)
        statement, parameters = sent.pop()
        explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, COSTS OFF) {statement}", parameters)
        return "\n".join(explained.scalars())
