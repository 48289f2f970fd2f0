"""The job panel: how jobs do in the whole installation, and that a dead beat shows."""

from datetime import UTC, datetime, timedelta

import pytest

from shared import schedule
from tests.checked_client import CheckedClient
from tests.factories.organizations import Company
from tests.job_runs.steps import make_run
from tests.jobs_probe import JobsProbe
from tests.metrics.test_metrics import read_numbers


def test_what_has_never_run_has_a_cadence_and_no_times(client: CheckedClient, company: Company) -> None:
    found = read_numbers(client)
    for job in schedule.table(company.services.settings):
        if job.every is None:
            assert not any(key.endswith(f" {job.name}") for key in found)
            continue
        assert found[f"crewline_job_cadence_seconds {job.name}"] == job.every
        assert found[f"crewline_job_consecutive_failures {job.name}"] == 0
        assert found[f"crewline_job_running {job.name}"] == 0
        assert f"crewline_job_last_success_timestamp_seconds {job.name}" not in found
        assert f"crewline_job_last_duration_seconds {job.name}" not in found


def test_it_tells_of_the_last_success_and_of_failures_since(client: CheckedClient, company: Company) -> None:
    done = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
    make_run(started_at=done - timedelta(seconds=12), finished_at=done, slot_at=done)
    make_run(company.org_id, state="failed")
    for state in ("failed", "lost", "failed"):
        make_run(state=state)
    make_run(state="running", lease_until=datetime.now(UTC) + timedelta(seconds=30), finished_at=None)
    found = read_numbers(client)
    assert found["crewline_job_last_success_timestamp_seconds cleanup"] == done.timestamp()
    assert found["crewline_job_last_duration_seconds cleanup"] == 12
    assert found["crewline_job_consecutive_failures cleanup"] == 3
    assert found["crewline_job_running cleanup"] == 1


def test_a_dead_beat_shows(client: CheckedClient, company: Company) -> None:
    now = datetime.now(UTC)
    for job in schedule.table(company.services.settings):
        if job.every is not None:
            make_run(job=job.name, slot_at=job.slot(now) - timedelta(hours=48 if job.every > 3600 else 1))
    found = read_numbers(client)
    assert 3300 - 300 <= found["crewline_job_overdue_seconds cleanup"] < 3700
    assert 86400 <= found["crewline_job_overdue_seconds retention"] < 2 * 86400 + 60
    make_run(slot_at=schedule.entry(company.services.settings, "cleanup").slot(now))
    assert read_numbers(client)["crewline_job_overdue_seconds cleanup"] == 0


def test_what_really_runs_is_what_is_shown(client: CheckedClient, jobs: JobsProbe) -> None:
    jobs.run("retention.cleanup")
    found = read_numbers(client)
    assert found["crewline_job_last_success_timestamp_seconds cleanup"] == pytest.approx(
        datetime.now(UTC).timestamp(), abs=60
    )
    assert found["crewline_job_running cleanup"] == 0
