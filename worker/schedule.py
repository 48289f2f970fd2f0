"""What beat sends, and how often: heartbeats, and the table of `shared/schedule.py`, in Celery's words. Beat may run
twice: slots are claimed in Postgres, heartbeats are harmless."""

from typing import Any

from shared.core.heartbeats import HEARTBEATS
from shared.core.jobs import Job
from shared.core.settings import Settings
from shared.schedule import table

SHORTEST_LIFE = 60.0
"""Seconds. A message that waits longer than this, and than its cadence, is dropped: the next one is there."""


def schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    """Celery's `beat_schedule`, by the names of the jobs."""
    asked = [(job, settings.job_heartbeat_interval_seconds) for job in HEARTBEATS.values()]
    asked += [(entry.job, entry.asked_every) for entry in table(settings) if entry.job and entry.asked_every]
    return {job.name: _entry(job, seconds) for job, seconds in asked}


def _entry(job: Job, seconds: float) -> dict[str, Any]:
    options = {"queue": str(job.queue), "expires": max(seconds, SHORTEST_LIFE)}
    return {"task": job.name, "schedule": seconds, "options": options}
