"""The export panel: what waits, what was given up, targets that take nothing, and that a scrape looks at nothing
else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only, transaction
from shared.exports import counting
from tests.checked_client import CheckedClient
from tests.factories.exports import make_dead_export, make_endpoint, make_export
from tests.factories.organizations import Company
from tests.metrics.test_metrics import read_numbers
from tests.variants import client_on, with_settings


@pytest.fixture
def client(company: Company) -> CheckedClient:
    """Of an installation that delivers, and has no target of its own."""
    return client_on(with_settings(company.services, export_mode="webhook", export_webhook_url=""))


def test_it_begins_at_zero_for_every_state(client: CheckedClient) -> None:
    found = read_numbers(client)
    for state in ("pending", "delivering", "retrying", "dead"):
        assert found[f"crewline_exports {state}"] == found[f"crewline_export_oldest_seconds {state}"] == 0
    for state in ("disabled", "resting"):
        assert found[f"crewline_webhook_endpoints {state}"] == 0
    assert "crewline_exports delivered" not in found


def test_it_counts_the_events_of_all_organizations_and_tells_the_age_of_the_oldest(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    now = datetime.now(UTC)
    make_endpoint(company)
    make_export(company)
    make_export(company, created_at=now - timedelta(minutes=20))
    make_export(company, state="delivered")
    make_export(neighbour, created_at=now - timedelta(days=3))  # has no target: nobody can act upon its age
    make_dead_export(neighbour, created_at=now - timedelta(days=1))
    make_dead_export(company, event="order.created")
    make_export(company, state="dead", payload={})  # its person was erased: it was not given up
    found = read_numbers(client)
    counts = [found[f"crewline_exports {state}"] for state in ("pending", "delivering", "retrying", "dead")]
    assert counts == [3, 0, 0, 2]
    assert 1200 <= found["crewline_export_oldest_seconds pending"] < 1260
    assert 86400 <= found["crewline_export_oldest_seconds dead"] < 86460
    assert found["crewline_exports_dead order.created"] == found["crewline_exports_dead order.confirmed"] == 1


@pytest.mark.parametrize("values", [{"state": "disabled"}, {"rests_until": datetime.now(UTC) + timedelta(hours=1)}])
def test_what_waits_for_a_target_that_takes_nothing_is_not_late(
    client: CheckedClient, company: Company, values: dict[str, Any]
) -> None:
    make_endpoint(company, **values)
    make_export(company, created_at=datetime.now(UTC) - timedelta(hours=1))
    found = read_numbers(client)
    assert found["crewline_exports pending"] == 1
    assert found["crewline_export_oldest_seconds pending"] == 0
    shown = {state: found[f"crewline_webhook_endpoints {state}"] for state in ("disabled", "resting")}
    assert shown == {"disabled": int("state" in values), "resting": int("rests_until" in values)}


def test_while_nothing_is_delivered_nothing_is_late(company: Company) -> None:
    client = client_on(with_settings(company.services, export_mode="off"))
    make_endpoint(company)
    make_export(company, created_at=datetime.now(UTC) - timedelta(hours=1))
    found = read_numbers(client)
    assert (found["crewline_exports pending"], found["crewline_export_oldest_seconds pending"]) == (1, 0)


MANY = 10_000
_DELIVERED = """
    INSERT INTO exports (org_id, id, event, resource_id, payload, state, created_at, attempts)
    SELECT :org, gen_random_uuid(), 'order.created', gen_random_uuid(), '{}', 'delivered', now(), 1
    FROM generate_series(1, :many) AS n
"""


def test_a_scrape_looks_at_no_event_that_was_delivered(company: Company) -> None:
    with transaction(company.scope) as session:
        session.execute(text(_DELIVERED), {"org": company.org_id, "many": MANY})
    make_dead_export(company)
    make_export(company)
    settings, now = company.services.settings, datetime.now(UTC)
    looks = {
        "ix_exports_owed": lambda session: counting.count_unfinished(session, settings, now=now),
        "ix_exports_dead": lambda session: counting.count_dead(session, now=now),
    }
    for index, look in looks.items():
        sent: list[tuple[str, Any]] = []

        def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
            sent.append((statement, parameters))  # noqa: B023 - called within this round

        with read_only(PLATFORM) as connection:
            event.listen(connection, "before_cursor_execute", note)
            look(connection)
            event.remove(connection, "before_cursor_execute", note)
            statement, parameters = sent.pop()
            explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, COSTS OFF) {statement}", parameters)
            plan = "\n".join(explained.scalars())
        assert index in plan
        assert "Seq Scan on exports" not in plan
        assert "Removed" not in plan
