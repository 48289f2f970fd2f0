"""Runs that somebody has asked for, runs that have more to do, and those that have lost their message or worker."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from shared.core import clock
from shared.core.jobs import Queue
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.job_runs import jobs
from shared.job_runs import service as job_runs
from worker.core import background, periodic
from worker.core.backlog import is_backed_up
from worker.core.periodic import Counts, Run
from worker.core.task import task

SWEEP_BATCH = 100


@task(jobs.GO_ON)
def go_on(run_id: str) -> dict[str, Any]:
    """Take one turn of a run, unless somebody else is at it."""
    return periodic.go_on(UUID(run_id), maker=background.run)


@task(jobs.SWEEP)
@periodic.periodic(jobs.SWEEP.name)
def sweep(_: Run) -> Iterator[Counts]:
    """Close runs that have lost their worker, and have those made whose message was lost."""
    limit = 0 if is_backed_up(Queue.MAINTENANCE) else SWEEP_BATCH
    with transaction(PLATFORM) as session:
        counts = job_runs.sweep(session, now=clock.utc_now(), limit=limit)
    yield counts
