from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from shared.job_runs.overview import Health
from shared.schedule import Scheduled


class JobNumbers(Collector):
    """The job panel: how each job that beat asks for does, in the whole installation. Times that do not exist yet, of a
    job that has never run, are left out: an absent number is not an old one."""

    def __init__(self, jobs: Sequence[Scheduled], health: Mapping[str, Health], now: datetime) -> None:
        self._jobs = [job for job in jobs if job.every is not None]
        self._health = health
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """The metrics, by the name that operators call a job."""
        cadence = _gauge("crewline_job_cadence_seconds", "How often the job is to run")
        success = _gauge("crewline_job_last_success_timestamp_seconds", "When its last run that succeeded ended")
        duration = _gauge("crewline_job_last_duration_seconds", "How long that run took")
        failures = _gauge("crewline_job_consecutive_failures", "Runs since then that failed or lost their worker")
        running = _gauge("crewline_job_running", "Whether a run is going on")
        overdue = _gauge("crewline_job_overdue_seconds", "For how long the next run is due; 0 while it is ahead")
        for job in self._jobs:
            health, due = self._health[job.name], job.next_due(self._health[job.name].taken_slot, self._now)
            cadence.add_metric([job.name], job.every or 0.0)
            failures.add_metric([job.name], health.failures)
            running.add_metric([job.name], float(health.is_running))
            overdue.add_metric([job.name], max(0.0, (self._now - (due or self._now)).total_seconds()))
            if health.done is not None:
                success.add_metric([job.name], health.done.finished_at.timestamp())
                took = health.done.finished_at - health.done.started_at
                duration.add_metric([job.name], max(0.0, took.total_seconds()))
        yield from (cadence, success, duration, failures, running, overdue)


def _gauge(name: str, meaning: str) -> GaugeMetricFamily:
    """`name` and not `job`, which Prometheus calls the target that it scrapes."""
    return GaugeMetricFamily(name, meaning, labels=["name"])
