"""Beat dies: the table of jobs shows it, its supervisor starts it again, and each job makes up with one run."""

import os
import signal
from datetime import UTC, datetime
from typing import Any

from ops.demo.staff import Staff
from ops.demo.story import Story, eventually, expect
from ops.demo.world import World

Found = dict[str, Any]
SHOWN = ("cleanup", "email_scan", "export_dead_letter", "storage_janitor", "retention", "exports.sweep")


LATE_SECONDS = 8.0
"""More than the cadence of the sweeps here."""


def outlive_beat(world: World, story: Story) -> None:
    """Look at the jobs, stop and kill beat, look again, and see them run on."""
    owner = Staff(world, "owner")
    before = _jobs(owner)
    story.proved("GET /v1/admin/jobs, while all is well", *_lines(before))
    beat = world.pid("beat")
    os.kill(beat, signal.SIGSTOP)
    late = eventually(lambda: _overdue(owner), "no job is overdue while beat stands still")
    story.proved("Beat stands still: jobs that should have run are overdue", *_lines(late))
    os.kill(beat, signal.SIGKILL)
    new = eventually(lambda: world.pid("beat") != beat and world.pid("beat"), "beat was not started again")
    runs = {name: job["last_run"] and job["last_run"]["id"] for name, job in late.items()}
    after = eventually(lambda: _have_run(owner, runs), "the jobs did not run again")
    story.proved(
        f"It is killed (pid {beat}), its successor (pid {new}) lets each run once, and time goes on", *_lines(after)
    )


def _jobs(owner: Staff) -> dict[str, Found]:
    return {job["name"]: job for job in owner.get("/v1/admin/jobs")["data"] if job["name"] in SHOWN}


def _overdue(owner: Staff) -> dict[str, Found] | None:
    found = _jobs(owner)
    expect(set(SHOWN) <= set(found), f"the table has {sorted(found)}")
    return found if _overdue_seconds(found["exports.sweep"]) > LATE_SECONDS else None


def _have_run(owner: Staff, runs: dict[str, Any]) -> dict[str, Found] | None:
    found = _jobs(owner)
    again = [name for name in ("cleanup", "exports.sweep") if found[name]["last_run"]["id"] != runs[name]]
    return found if len(again) == 2 else None


def _overdue_seconds(job: Found) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(job["next_due_at"])).total_seconds()


def _lines(jobs: dict[str, Found]) -> list[str]:
    return [_line(jobs[name]) for name in SHOWN]


def _line(job: Found) -> str:
    last = job["last_run"]
    ran = f"{last['state']} at {last['started_at'][11:19]}" if last else "has not run"
    late = f", overdue for {_overdue_seconds(job):.0f} s" if _overdue_seconds(job) > LATE_SECONDS else ""
    return (
        f"{job['name']:<19} every {job['cadence_seconds']:>7.0f} s  {ran}, {job['consecutive_failures']} failures{late}"
    )
