"""The mail panel: what waits, what was given up, and that a scrape looks at nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, text

from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only, transaction
from shared.messages import ledger
from tests.checked_client import CheckedClient
from tests.factories.messages import change_message, make_dead, make_message, make_sent
from tests.factories.organizations import Company
from tests.metrics.test_metrics import read_numbers


def test_it_begins_at_zero_for_every_state_and_kind(client: CheckedClient) -> None:
    found = read_numbers(client)
    for state in ("queued", "sending", "retrying", "dead"):
        assert found[f"crewline_messages {state}"] == found[f"crewline_message_oldest_seconds {state}"] == 0
    for kind in ("order_confirmed", "magic_link"):
        assert found[f"crewline_messages_dead {kind}"] == 0
    assert "crewline_messages sent" not in found


def test_it_counts_the_mails_of_all_organizations_and_tells_the_age_of_the_oldest(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    now = datetime.now(UTC)
    make_message(company)
    change_message(neighbour, make_message(neighbour), created_at=now - timedelta(minutes=20))
    change_message(company, make_message(company), state="retrying", created_at=now - timedelta(hours=1))
    make_sent(company)
    change_message(company, make_message(company), state="suppressed")
    make_dead(company)
    change_message(neighbour, make_dead(neighbour), created_at=now - timedelta(days=1))
    make_dead(company, kind="receipt")
    found = read_numbers(client)
    counts = [found[f"crewline_messages {state}"] for state in ("queued", "sending", "retrying", "dead")]
    assert counts == [2, 0, 1, 3]
    ages = {state: found[f"crewline_message_oldest_seconds {state}"] for state in ("queued", "retrying", "dead")}
    for state, age in {"queued": 1200, "retrying": 3600, "dead": 86400}.items():
        assert age <= ages[state] < age + 60
    assert found["crewline_messages_dead order_confirmed"] == 2
    assert found["crewline_messages_dead receipt"] == 1


MANY = 10_000
_SENT = """
    INSERT INTO messages (org_id, id, kind, recipient, variables, dedupe_key, state, created_at, attempts)
    SELECT :org, gen_random_uuid(), 'receipt', 'anna@client.test', '{}', :key || n, 'sent', now(), 1
    FROM generate_series(1, :many) AS n
"""


@pytest.mark.parametrize(
    ("look", "index"), [(ledger.count_unfinished, "ix_messages_due"), (ledger.count_dead, "ix_messages_dead")]
)
def test_a_scrape_looks_at_no_mail_that_was_sent(company: Company, look: Any, index: str) -> None:
    with transaction(company.scope) as session:
        session.execute(text(_SENT), {"org": company.org_id, "key": str(uuid4()), "many": MANY})
    make_dead(company)
    make_message(company)
    sent: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        sent.append((statement, parameters))

    with read_only(PLATFORM) as connection:
        event.listen(connection, "before_cursor_execute", note)
        look(connection, now=datetime.now(UTC))
        event.remove(connection, "before_cursor_execute", note)
        statement, parameters = sent.pop()
        explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, COSTS OFF) {statement}", parameters)
        plan = "\n".join(explained.scalars())
    assert index in plan
    assert "Seq Scan" not in plan
    assert "Removed" not in plan
