"""Runs in any state, as rows."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from shared.core.ids import new_id
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.job_runs.model import JobRun


def make_run(org_id: UUID | None = None, job: str = "cleanup", **values: Any) -> UUID:
    """A run that has succeeded a minute ago, unless `values` say otherwise; each in a slot of its own."""
    then = datetime.now(UTC) - timedelta(minutes=1)
    run: dict[str, Any] = {
        "id": new_id(),
        "org_id": org_id,
        "job": job,
        "slot_at": then,
        "state": "succeeded",
        "created_at": then,
        "started_at": then,
        "finished_at": then + timedelta(seconds=3),
        "counts": {"expired": 7},
        "details": {},
    } | values
    with transaction(PLATFORM) as session:
        session.execute(insert(JobRun).values(run))
    made: UUID = run["id"]
    return made
