"""Beat dies, or runs twice: sweeps go on, and each slot is run once."""

from collections import Counter
from functools import partial
from itertools import pairwise

from tests.faults.owner import Owner
from tests.faults.system import System
from tests.faults.waiting import eventually

SWEEPS = ("messages.sweep", "order_photos.sweep", "storage_janitor", "stripe_events.sweep")


def test_sweeps_run_again_after_beat_was_killed(system: System, owner: Owner) -> None:
    eventually(lambda: system.succeeded_runs() > 0, "a sweep has run")
    system.kill("beat")
    system.wait_idle()
    placed = owner.place_order()
    system.redis.delete("email")
    assert owner.confirm(placed).status_code == 200
    system.wait_idle()
    runs = system.succeeded_runs()
    assert system.succeeded_runs() == runs
    system.start("beat")
    eventually(lambda: system.succeeded_runs() > runs + 2, "sweeps run again")


def has_run_five_times(system: System, job: str) -> bool:
    return system.succeeded_runs((job,)) >= 5


def test_two_beats_run_each_slot_once(system: System) -> None:
    system.start("beat_2")
    system.sql("DELETE FROM job_runs WHERE state <> 'running'")
    for job in SWEEPS:
        eventually(partial(has_run_five_times, system, job), f"{job} has run five times")
    sent = [system.output(name).count("Sending due task messages.sweep") for name in ("beat", "beat_2")]
    assert all(count >= 4 for count in sent)  # both have really asked for it
    rows = system.sql("SELECT job, slot_at, started_at, finished_at, state FROM job_runs ORDER BY job, started_at")
    assert max(Counter((job, slot_at) for job, slot_at, *_ in rows).values()) == 1
    assert {state for *_, state in rows} <= {"succeeded", "running"}
    for earlier, later in pairwise(rows):
        if earlier[0] == later[0]:
            assert earlier[3] <= later[2], "a run has overlapped the one before"


def test_a_worker_killed_in_a_sweep_holds_up_the_next_one_for_a_lease_only(system: System) -> None:
    running = "SELECT id FROM job_runs WHERE job = 'messages.sweep' AND state = 'running'"
    with system.connection() as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        eventually(lambda: system.waits_for_lock() and system.sql(running), "a sweep has begun")
        system.program("worker").kill()
    cut_off = system.sql(running)
    system.sql("UPDATE job_runs SET lease_until = lease_until + interval '5 min' WHERE id = %s", *cut_off[0])
    system.start("worker")
    others = system.succeeded_runs(("order_photos.sweep",))
    eventually(lambda: system.succeeded_runs(("order_photos.sweep",)) > others + 1, "another sweep goes on")
    assert system.sql(running) == cut_off  # it might still be alive, for all that anybody knows
    runs = system.succeeded_runs()
    system.let_time_pass()
    eventually(lambda: system.succeeded_runs() > runs, "the sweep runs again")
    assert system.sql("SELECT state FROM job_runs WHERE id = %s", *cut_off[0]) == [("lost",)]
