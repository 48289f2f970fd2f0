"""Events, promised through the domain; what has become of them; and time that passes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from shared.core.ids import new_id
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.exports import service as exports
from shared.exports.events import Event
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.rows import row, rows

PAYLOAD = {"number": 7, "note": "Zoë", "total": {"amount": 12900, "currency": "cad"}, "team_id": None}


def make_event(company: Company, event: Event = Event.ORDER_CREATED, **payload: Any) -> UUID:
    """An event that is owed; its job is enqueued, as it is with a real one."""
    return make_events(company, 1, event, **payload)[0]


def make_events(company: Company, count: int, event: Event = Event.ORDER_CREATED, **payload: Any) -> list[UUID]:
    """Several, of one transaction, oldest first."""
    resources = [new_id() for _ in range(count)]
    with transaction(company.scope) as session:
        for resource_id in resources:
            now = datetime.now(UTC)
            exports.record(session, company.owner, event, resource_id, PAYLOAD | payload, now=now)
    found = rows("SELECT id, resource_id FROM exports WHERE resource_id = ANY(:ids)", ids=resources)
    by_resource = {each["resource_id"]: each["id"] for each in found}
    return [by_resource[resource_id] for resource_id in resources]


def export(export_id: UUID) -> dict[str, Any]:
    return row("SELECT * FROM exports WHERE id = :id", id=export_id)


def state(export_id: UUID) -> tuple[str, int]:
    """(state, attempts)."""
    found = export(export_id)
    return found["state"], found["attempts"]


def endpoint(company: Company) -> dict[str, Any]:
    """The row of the company's target."""
    return row("SELECT * FROM webhook_endpoints WHERE org_id = :org", org=company.org_id)


def change(table: str, changes: str, **values: Any) -> None:
    """Change rows of all organizations of the test, as a worker, an API or time would."""
    with transaction(PLATFORM) as session:
        session.execute(text(f"UPDATE {table} SET {changes}"), values)


def sweep(jobs: JobsProbe) -> None:
    """The next sweep."""
    with transaction(PLATFORM) as session:
        session.execute(text("DELETE FROM job_runs"))
    jobs.run("exports.sweep")


def pass_time(by: timedelta) -> None:
    """As if everything that is owed, rests or is held were older. Clocks are left alone."""
    change("exports", "next_attempt_at = next_attempt_at - :by, owed_since = owed_since - :by", by=by)
    change(
        "webhook_endpoints",
        "rests_until = rests_until - :by, busy_until = busy_until - :by, created_at = created_at - :by,"
        " updated_at = updated_at - :by, last_success_at = last_success_at - :by,"
        " failing_since = failing_since - :by",
        by=by,
    )
