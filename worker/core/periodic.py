"""Runs of scheduled jobs: claimed once per slot, recorded, never overlapping (`shared/job_runs`)."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any
from uuid import UUID

from shared.core import clock
from shared.core.settings import Settings
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.job_runs import service as job_runs
from worker.core.boot import services

TIME_BUDGET = timedelta(seconds=20)
"""A run stops after this long; the next slot goes on where it stopped."""

Counts = dict[str, int]
Batch = Callable[[], Counts]
Cadence = Callable[[Settings], float]


def once_per_slot(job: str, cadence: Cadence) -> Callable[[Batch], Callable[[], dict[str, Any]]]:
    """Make a run of `job` out of one batch: repeated until there is nothing more to do, at most once in each
    `cadence(settings)` seconds, whoever asks for it."""

    def decorate(batch: Batch) -> Callable[[], dict[str, Any]]:
        @wraps(batch)
        def run() -> dict[str, Any]:
            slot_at = job_runs.slot_of(clock.utc_now(), timedelta(seconds=cadence(services().settings)))
            with transaction(PLATFORM) as session:
                run_id = job_runs.claim(session, job, slot_at, now=clock.utc_now())
            if run_id is None:
                return {"outcome": "already running or done"}
            try:
                counts = _until_done(run_id, batch)
            except Exception as error:
                with transaction(PLATFORM) as session:
                    job_runs.fail(session, run_id, f"{type(error).__name__}: {error}", now=clock.utc_now())
                raise
            with transaction(PLATFORM) as session:
                job_runs.finish(session, run_id, counts, now=clock.utc_now())
            return dict(counts)

        return run

    return decorate


def _until_done(run_id: UUID, batch: Batch) -> Counts:
    deadline = clock.utc_now() + TIME_BUDGET
    totals: Counts = {}
    while True:
        counts = batch()
        totals = {name: totals.get(name, 0) + count for name, count in counts.items()}
        if not any(counts.values()) or clock.utc_now() >= deadline:
            return totals
        with transaction(PLATFORM) as session:
            job_runs.renew(session, run_id, now=clock.utc_now())
