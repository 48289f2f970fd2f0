"""Jobs, when several ask at once, when beat was away, when one raises, and when a worker or a message is gone."""

import shelve
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from shared.core.ids import new_id
from tests import forking
from tests.faults.owner import Owner
from tests.faults.system import System
from tests.faults.waiting import eventually

CLEANUP, RECOUNT = "retention.cleanup", "order_photos.recount"
AWAY = timedelta(hours=1)


def press(owner: Owner, path: str = "cleanup?wait=true") -> Any:
    answer = owner.call("POST", f"/v1/admin/{path}", timeout=60)
    assert answer.status_code in {200, 202}, answer.text
    return answer


def run_by_command(system: System, *words: str) -> int:
    return forking.run("worker.run", words, system.env).returncode


def runs(system: System, job: str, columns: str = "state") -> list[tuple[Any, ...]]:
    """The runs of the whole installation, as they were asked for."""
    return system.sql(f"SELECT {columns} FROM job_runs WHERE job = %s AND org_id IS NULL ORDER BY id", job)


def state_of(system: System, run_id: Any) -> str:
    found: str = system.sql("SELECT state FROM job_runs WHERE id = %s", str(run_id))[0][0]
    return found


def shown(owner: Owner, name: str) -> dict[str, Any]:
    jobs: list[dict[str, Any]] = owner.call("GET", "/v1/admin/jobs").json()["data"]
    return next(job for job in jobs if job["name"] == name)


@pytest.fixture
def stage(system: System) -> System:
    """Nothing asks by itself, nothing has run, and nobody works yet."""
    system.kill("beat", "worker")
    system.redis.delete("maintenance", "storage")
    system.sql("DELETE FROM job_runs")
    return system


def test_beats_workers_an_operator_and_staff_at_the_same_second_make_one_run(stage: System, owner: Owner) -> None:
    stage.publish_again(CLEANUP, "maintenance", times=4)  # of two beats, each of which stammers
    with ThreadPoolExecutor(8) as at_once:
        commands = [at_once.submit(run_by_command, stage, "cleanup") for _ in range(2)]
        pressed = [at_once.submit(press, owner) for _ in range(4)]
        stage.start("worker", "worker_2")
        assert {each.result() for each in commands} <= {0, 3}
        answered = {each.result().json()["id"] for each in pressed}
    eventually(lambda: not stage.queued("maintenance"), "every message is taken")
    stage.wait_idle()
    slots = Counter(slot for (slot,) in runs(stage, "cleanup", "slot_at"))
    assert set(slots.values()) == {1}
    assert 1 <= len(slots) <= 2  # two when the next five minutes began meanwhile
    for run_id in answered:
        eventually(lambda run_id=run_id: state_of(stage, run_id) == "succeeded", "what was answered is done")  # type: ignore[misc]
    own = stage.sql("SELECT slot_at, id FROM job_runs WHERE org_id IS NOT NULL")
    assert len({slot for slot, _ in own}) == len(own) <= 2
    assert {str(run_id) for _, run_id in own} <= answered


def test_a_beat_that_was_away_makes_up_for_it_with_one_run_of_each_job(system: System) -> None:
    eventually(lambda: system.succeeded_runs() > 0, "beat has begun")
    system.kill("beat")
    system.wait_idle()
    system.sql("DELETE FROM job_runs")
    now = datetime.now(UTC)
    for job, ago in (("cleanup", AWAY), ("photo_recount", timedelta(days=1)), ("email_scan", AWAY)):
        slot = now - ago - timedelta(minutes=6)
        system.sql(
            "INSERT INTO job_runs (id, job, slot_at, state, created_at, started_at, finished_at, counts)"
            " VALUES (%s, %s, %s, 'succeeded', %s, %s, %s, '{}')",
            *(str(new_id()), job, slot, slot, slot, slot),
        )
    with shelve.open(str(system.folder / "beat-schedule"), writeback=True) as kept:
        for entry in kept["entries"].values():
            entry.last_run_at -= AWAY
    system.start("beat")
    for job in ("cleanup", "photo_recount", "email_scan"):
        eventually(lambda job=job: len(runs(system, job)) > 1, f"{job} is made up for")  # type: ignore[misc]
    swept = system.succeeded_runs()
    eventually(lambda: system.succeeded_runs() > swept + 3, "beat goes on")
    for job in ("cleanup", "photo_recount", "email_scan"):
        assert runs(system, job) == [("succeeded",)] * 2, f"{job}: one run for all that was missed"


def test_a_job_that_raises_is_seen_and_keeps_no_other_from_its_run(system: System, owner: Owner) -> None:
    """A daily one: it is tried again when it is asked for again, and not the next day."""
    eventually(lambda: system.succeeded_runs() > 0, "sweeps run")
    system.sql("DELETE FROM job_runs WHERE job = 'photo_recount'")
    system.sql("ALTER TABLE photo_usage RENAME TO photo_usage_away")
    try:
        for number in range(1, 6):
            system.publish_again(RECOUNT, "maintenance", times=1)
            eventually(partial(has_failed, system, number), f"it has failed {number} times")
            let_it_rest(system)
        swept = system.succeeded_runs()
        eventually(lambda: system.succeeded_runs() > swept + 1, "other jobs go on")
        job = shown(owner, "photo_recount")
        assert (job["consecutive_failures"], job["is_failing"]) == (5, True)
        assert job["last_run"]["error"] is None, "no company is shown it"
        operators = Owner(system.url, "a-token-for-prometheus")
        assert "UndefinedTable" in shown(operators, "photo_recount")["last_run"]["error"]
    finally:
        system.sql("ALTER TABLE photo_usage_away RENAME TO photo_usage")
    metrics = operators.call("GET", "/v1/metrics").text
    assert 'crewline_job_consecutive_failures{name="photo_recount"} 5.0' in metrics
    system.publish_again(RECOUNT, "maintenance", times=1)
    eventually(lambda: runs(system, "photo_recount")[-1] == ("succeeded",), "it is tried again, on the same day")
    assert len({slot for (slot,) in runs(system, "photo_recount", "slot_at")}) == 1
    assert shown(owner, "photo_recount")["consecutive_failures"] == 0


def let_it_rest(system: System) -> None:
    """Hours go by: after a failure it is left alone for one."""
    moved = ", ".join(f"{name} = {name} - interval '2 h'" for name in ("created_at", "started_at", "finished_at"))
    system.sql(f"UPDATE job_runs SET {moved} WHERE job = 'photo_recount'")


def has_failed(system: System, times: int) -> bool:
    return runs(system, "photo_recount") == [("failed",)] * times


def test_a_run_whose_worker_was_killed_is_closed_and_says_so(system: System, owner: Owner) -> None:
    """Of staff, which no later run of beat's stumbles over."""
    system.sql("DELETE FROM job_runs WHERE job = 'cleanup'")
    with system.connection() as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE password_links IN ACCESS EXCLUSIVE MODE")
        run_id = press(owner, "cleanup").json()["id"]
        eventually(lambda: state_of(system, run_id) == "running" and system.waits_for_lock(), "it has begun")
        system.program("worker").kill()
    assert state_of(system, run_id) == "running", "it might still be alive, for all that anybody knows"
    system.let_time_pass()
    system.start("worker")
    eventually(lambda: state_of(system, run_id) == "lost", "the sweep closes it")
    told = owner.call("GET", f"/v1/admin/jobs/{run_id}").json()
    assert (told["state"], told["error"]) == ("lost", "its worker never came back")
    assert told["finished_at"]
    again = press(owner).json()
    assert again["id"] != run_id
    eventually(lambda: state_of(system, again["id"]) == "succeeded", "pressing again works")


def paused_run(system: System, owner: Owner) -> str:
    """A run between two turns, whose message is gone."""
    run_id, ago = str(uuid4()), datetime.now(UTC) - timedelta(minutes=10)
    system.sql(
        "INSERT INTO job_runs (id, org_id, job, trigger, slot_at, state, created_at, started_at, counts)"
        " VALUES (%s, %s, 'cleanup', 'staff', %s, 'queued', %s, %s, '{\"expired\": 3}')",
        *(run_id, owner.org_id, ago, ago, ago),
    )
    return run_id


def test_a_run_between_two_turns_whose_message_is_lost_goes_on(system: System, owner: Owner) -> None:
    system.sql("DELETE FROM job_runs WHERE job = 'cleanup'")
    run_id = paused_run(system, owner)
    eventually(lambda: state_of(system, run_id) == "succeeded", "it goes on")
    told = owner.call("GET", f"/v1/admin/jobs/{run_id}").json()
    assert told["counts"]["expired"] >= 3, "what its first turn has done is not forgotten"
    assert "uploads" in told["counts"], "and its second turn was really taken"


def test_two_messages_of_one_run_do_not_both_work(stage: System, owner: Owner) -> None:
    run_id = paused_run(stage, owner)
    stage.publish_again("job_runs.go_on", "maintenance", times=6, run_id=run_id)
    with stage.connection() as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE password_links IN ACCESS EXCLUSIVE MODE")
        stage.start("worker", "worker_2")
        # Five have found nothing to do while the sixth is still at work.
        eventually(lambda: stage.output("worker", "worker_2").count("nothing to do") == 5, "the others turn away")
        assert state_of(stage, run_id) == "running"
        waiting = stage.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        assert waiting == [(1,)]
    eventually(lambda: state_of(stage, run_id) == "succeeded", "it is done")


def test_who_waits_for_a_frozen_worker_is_answered_and_stands_in_nobodys_way(system: System, owner: Owner) -> None:
    system.sql("DELETE FROM job_runs WHERE job = 'cleanup'")
    system.kill("beat")
    system.program("worker").freeze()
    begun = datetime.now(UTC)
    with ThreadPoolExecutor(40) as at_once:
        pressed = [at_once.submit(press, owner) for _ in range(40)]
        eventually(lambda: sum(each.done() for each in pressed) >= 20, "most are answered at once", seconds=20)
        assert owner.call("GET", "/v1/orders").status_code == 200
        statuses = {each.result().status_code for each in pressed}
    assert statuses == {202}
    assert datetime.now(UTC) - begun < timedelta(seconds=50)
    system.program("worker").thaw()
    eventually(lambda: state_of(system, pressed[0].result().json()["id"]) == "succeeded", "what was asked for is done")
