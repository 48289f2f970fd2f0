"""Heartbeats: one task per queue, so that each proves its own."""

from collections.abc import Callable

from shared.core import clock, heartbeats
from shared.core.jobs import Queue
from worker.core.boot import services
from worker.core.task import task


def _beat_of(queue: Queue) -> Callable[[], None]:
    def beat() -> None:
        """Record that a worker consumed this queue just now."""
        heartbeats.write(services().redis, queue, clock.utc_now())

    return beat


for _queue, _job in heartbeats.HEARTBEATS.items():
    task(_job)(_beat_of(_queue))
