"""Teams, workers and blackouts, made through the domain."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from shared.core.transaction import transaction
from shared.crews import blackouts, teams, workers
from tests.factories.organizations import Company

_numbers = count(1)


def make_team(company: Company, **changes: Any) -> UUID:
    """An active team that works the company's hours everywhere."""
    wanted = {"name": f"Team {next(_numbers)}"} | changes
    with transaction(company.scope) as session:
        return teams.create(session, company.owner, **wanted, now=datetime.now(UTC)).id


def make_worker(company: Company, **changes: Any) -> UUID:
    """An active worker without team and account."""
    number = next(_numbers)
    wanted = {"name": f"Worker {number}", "email": f"worker-{number}@staff.test"} | changes
    with transaction(company.scope) as session:
        return workers.create(session, company.owner, **wanted, now=datetime.now(UTC)).id


def make_blackout(company: Company, **changes: Any) -> UUID:
    """Tomorrow's two hours of this time, for the whole company."""
    start = datetime.now(UTC) + timedelta(days=1)
    wanted = {"starts_at": start, "ends_at": start + timedelta(hours=2), "reason": "Holidays"} | changes
    with transaction(company.scope) as session:
        return blackouts.create(session, company.owner, **wanted, now=datetime.now(UTC)).id
