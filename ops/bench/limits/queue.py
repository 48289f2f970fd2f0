"""A bare Celery task with our worker's settings: the same queues, late acknowledgement, prefetch of one, no results.

Nothing of ours runs in its processes: no wiring, no database, no log line.
"""

from celery import Celery

from worker.app import configuration

app = Celery("limits")
app.conf.update(configuration() | {"beat_schedule": {}})


@app.task(name="limits.noop")
def noop() -> None:
    """Do nothing."""
