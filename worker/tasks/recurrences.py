"""Orders that come back: placing them ahead of time, and the sweep that finds what is to be placed."""

from collections.abc import Iterator
from uuid import UUID

from shared.core import clock
from shared.core.jobs import Queue
from shared.core.tenancy import PLATFORM, Tenant
from shared.core.transaction import transaction
from shared.recurrences import jobs, placing
from worker.core.backlog import is_backed_up
from worker.core.periodic import Counts, Run, periodic, until_nothing
from worker.core.task import task

SWEEP_BATCH = 500


@task(jobs.PLACE)
def place(org_id: str, recurrence_id: str) -> dict[str, int]:
    """Place the next orders of a series, up to the horizon."""
    scope = Tenant(UUID(org_id))
    with transaction(scope) as session:
        return placing.place_ahead(session, scope.org_id, UUID(recurrence_id), now=clock.utc_now())


@task(jobs.SWEEP)
@periodic(jobs.SWEEP.name)
def sweep(_: Run) -> Iterator[Counts]:
    """Find series with days that have no orders yet, every day, and after a message was lost."""
    return until_nothing(_sweep)


def _sweep() -> Counts:
    if is_backed_up(Queue.MAINTENANCE):
        return {}
    with transaction(PLATFORM) as session:
        return placing.sweep(session, now=clock.utc_now(), limit=SWEEP_BATCH)
