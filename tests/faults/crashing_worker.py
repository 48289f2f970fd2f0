"""The worker with a crash point: `celery -A tests.faults.crashing_worker worker`."""

from typing import Any

from celery.signals import worker_process_init

from tests.faults.crash_points import dying
from worker.app import app
from worker.core import boot

__all__ = ["app"]


@worker_process_init.connect
def _arm(**_: Any) -> None:
    """After the worker's own start-up, which connected first."""
    boot.use(dying(boot.services()))
