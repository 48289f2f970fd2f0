"""Forgetting what is over: what lives for hours, and what was kept for as long as it may be."""

from collections.abc import Iterator
from functools import partial

import structlog

from shared.core import clock
from shared.core.tenancy import PLATFORM, Scope
from shared.core.transaction import read_only, transaction
from shared.retention import cleaning, jobs
from shared.retention.cleaning import Step
from worker.core.periodic import Counts, Run, periodic, until_nothing
from worker.core.task import task

log = structlog.get_logger(__name__)


@task(jobs.CLEANUP)
@periodic("cleanup")
def cleanup(run: Run) -> Iterator[Counts]:
    """Give up orders whose deposit was not paid in time, and take away what is over."""
    faults: list[Exception] = []
    for step in cleaning.STEPS:
        if step.of_platform and run.scope is not PLATFORM:
            continue
        try:
            yield from _counted(step, run.scope) if run.dry_run else until_nothing(partial(_clean, step, run.scope))
        except Exception as fault:  # whatever it is, again and again perhaps, the other steps have their turn
            log.exception("cleanup.step_failed")
            faults.append(fault)
    if faults:
        raise faults[0]


def _clean(step: Step, scope: Scope) -> Counts:
    with transaction(scope) as session:
        return step.do(session, clock.utc_now())


def _counted(step: Step, scope: Scope) -> Iterator[Counts]:
    with read_only(scope) as session:
        yield step.count(session, clock.utc_now())
