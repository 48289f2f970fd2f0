"""Runs of scheduled jobs: each slot once, never two at a time, and every end written down."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.core.ids import new_id
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.job_runs import service as job_runs
from shared.job_runs.model import Trigger
from shared.job_runs.service import Asked
from tests.jobs_probe import JobsProbe
from tests.rows import row, rows
from worker.core import periodic
from worker.core.periodic import Counts, IncompleteError, Run, until_nothing

MINUTE = timedelta(minutes=1)
NOW = datetime(2026, 3, 1, 12, 0, 20, tzinfo=UTC)


def _claim(job: str = "tests.job", *, now: datetime = NOW, cadence: timedelta = MINUTE) -> UUID | None:
    asked = Asked(job, None, Trigger.BEAT, slot_at=job_runs.slot_of(now, cadence))
    with transaction(PLATFORM) as session:
        claimed = job_runs.claim(session, asked, now=now)
    return claimed.id if claimed is not None else None


def _end(run_id: UUID | None, **values: Any) -> None:
    assert run_id is not None
    with transaction(PLATFORM) as session:
        if "error" in values:
            job_runs.fail(session, run_id, values["error"], now=NOW)
        else:
            job_runs.finish(session, run_id, values, {}, now=NOW)


def _run(run_id: UUID | None) -> dict[str, Any]:
    return row("SELECT * FROM job_runs WHERE id = :id", id=run_id)


@pytest.fixture(autouse=True)
def _in_a_transaction(jobs: JobsProbe) -> JobsProbe:
    return jobs


def test_a_slot_is_counted_from_the_epoch() -> None:
    assert job_runs.slot_of(NOW, MINUTE) == datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert job_runs.slot_of(NOW, timedelta(hours=1)) == datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert job_runs.slot_of(NOW, timedelta(seconds=7)) <= NOW
    assert job_runs.slot_of(NOW + timedelta(seconds=39), MINUTE) == job_runs.slot_of(NOW, MINUTE)
    assert job_runs.slot_of(NOW + timedelta(seconds=40), MINUTE) == job_runs.slot_of(NOW, MINUTE) + MINUTE


def test_a_slot_is_claimed_once() -> None:
    first = _claim()
    assert first is not None
    assert _claim() is None
    _end(first, done=3)
    assert _claim() is None
    assert (_run(first)["state"], _run(first)["counts"]) == ("succeeded", {"done": 3})
    assert _claim(now=NOW + MINUTE) is not None


def test_a_run_does_not_overlap_itself() -> None:
    first = _claim()
    assert _claim(now=NOW + timedelta(seconds=25), cadence=timedelta(seconds=5)) is None
    _end(first)
    assert _claim(now=NOW + timedelta(seconds=25), cadence=timedelta(seconds=5)) is not None


def test_two_jobs_do_not_stand_in_each_others_way() -> None:
    assert _claim("tests.one") is not None
    assert _claim("tests.two") is not None


def test_a_run_whose_worker_died_is_closed_by_the_next() -> None:
    dead = _claim()
    later = NOW + job_runs.LEASE + timedelta(seconds=1)
    new = _claim(now=later + MINUTE)
    assert new is not None
    assert _run(dead)["state"] == "lost"
    assert _run(dead)["error"]
    assert _run(dead)["finished_at"] is not None


def test_a_run_that_renews_its_lease_is_not_lost() -> None:
    alive = _claim()
    assert alive is not None
    with transaction(PLATFORM) as session:
        job_runs.renew(session, alive, {"so_far": 1}, now=NOW + timedelta(seconds=29))
    assert _claim(now=NOW + timedelta(seconds=55), cadence=timedelta(seconds=5)) is None
    assert _run(alive)["state"] == "running"


def test_a_lost_run_that_comes_back_changes_nothing() -> None:
    dead = _claim()
    assert _claim(now=NOW + timedelta(hours=1)) is not None
    _end(dead, done=1)
    assert _run(dead)["state"] == "lost"
    _end(dead, error="too late")
    assert _run(dead)["error"] != "too late"


def test_a_run_that_raises_is_recorded_and_raises_and_frees_its_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Run) -> Iterator[Counts]:
        yield {"done": 2}
        raise ZeroDivisionError("by nothing")

    run_slot = _instead_of_cleanup(monkeypatch, broken)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            run_slot()
    first, second = rows("SELECT * FROM job_runs WHERE job = 'cleanup' ORDER BY id")
    for run in (first, second):
        assert (run["state"], run["error"], run["counts"]) == ("failed", "ZeroDivisionError: by nothing", {"done": 2})
        assert run["finished_at"] >= run["started_at"]
    assert first["slot_at"] <= second["slot_at"]


def test_a_run_repeats_its_batch_until_there_is_nothing_more_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    left = [3, 5, 2, 0, 9]
    run_slot = _instead_of_cleanup(monkeypatch, lambda _: until_nothing(lambda: {"moved": left.pop(0)}))
    assert run_slot()["moved"] == 10
    assert left == [9]
    assert row("SELECT state, counts FROM job_runs WHERE job = 'cleanup'") == {
        "state": "succeeded",
        "counts": {"moved": 10},
    }


def _instead_of_cleanup(monkeypatch: pytest.MonkeyPatch, work: periodic.Work) -> Callable[[], periodic.Outcome]:
    """What beat would call if `work` were the work of the job `cleanup`."""
    monkeypatch.setattr(periodic, "_WORKS", dict(periodic._WORKS))
    return periodic.periodic("cleanup")(work)


@pytest.mark.parametrize(
    "job", ["messages.sweep", "order_photos.sweep", "privacy.sweep", "stripe_events.sweep", "job_runs.sweep"]
)
def test_every_sweep_writes_down_its_run_once_per_slot(jobs: JobsProbe, job: str) -> None:
    before = datetime.now(UTC)
    for _ in range(3):
        jobs.run(job)
    runs = rows("SELECT * FROM job_runs WHERE job = :job", job=job)
    slots = {job_runs.slot_of(moment, MINUTE) for moment in (before, datetime.now(UTC))}
    assert {run["slot_at"] for run in runs} <= slots
    assert len(runs) <= len(slots)
    assert {run["state"] for run in runs} == {"succeeded"}


def test_one_that_passes_over_many_names_the_first_and_counts_them_all() -> None:
    run = Run(new_id(), PLATFORM)
    for number in range(7):
        run.pass_over(f"organization-{number}", ValueError(f"broken\nDETAIL: {number}"))
    assert list(run.details["reasons"]) == [f"organization-{number}" for number in range(5)]
    with pytest.raises(IncompleteError) as said:
        run.demand_complete(is_done=True, wants_all=True)
    assert str(said.value).startswith(
        "7 organizations failed, the others are done: organization-0: ValueError: broken; "
    )
    assert "DETAIL" not in str(said.value)
