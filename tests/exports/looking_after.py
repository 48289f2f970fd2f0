"""The job that looks after dead events, and the drill, run here and now, whatever the slot."""

from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

from shared.core.ids import new_id
from shared.core.tenancy import PLATFORM, Scope
from tests.rows import row, rows
from worker.core.periodic import _WORKS, Run


def look_after(scope: Scope = PLATFORM, **of_run: Any) -> dict[str, int]:
    """What a run of the job counts, without what is zero."""
    found: Counter[str] = Counter()
    for counts in _WORKS["export_dead_letter"](Run(new_id(), scope, **of_run)):
        found.update(counts)
    return {name: number for name, number in found.items() if number}


def drill(scope: Scope, *, most: int | None = None, **of_run: Any) -> dict[str, Any]:
    """What a drill leaves in the details of its run, when its turn is over after `most` cases."""
    run = Run(**{"id": new_id(), "scope": scope, **of_run})
    for _ in islice(_WORKS["webhook_drill"](run), most):
        pass
    return run.details


def state_of(export_id: UUID) -> str:
    return str(row("SELECT state FROM exports WHERE id = :id", id=export_id)["state"])


def endpoint_of(org_id: UUID) -> dict[str, Any]:
    return row("SELECT * FROM webhook_endpoints WHERE org_id = :org", org=org_id)


def alerts_to(org_id: UUID) -> list[dict[str, Any]]:
    """The warnings that were promised to the organization's people, oldest first."""
    return rows("SELECT * FROM messages WHERE org_id = :org AND kind = 'operator_alert' ORDER BY id", org=org_id)


def now() -> datetime:
    return datetime.now(UTC)
