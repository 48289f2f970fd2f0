"""Runs a scheduled job in the foreground: `python -m worker.run JOB`."""

import json
import sys
import time
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import click
import structlog

from shared import schedule
from shared.core import clock
from shared.core.errors import Refusal
from shared.core.log import configure_logging
from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only, transaction
from shared.job_runs import overview, reading
from shared.job_runs import service as job_runs
from shared.job_runs.model import OPEN, RunState, Trigger
from shared.job_runs.service import Asked
from shared.organizations import service as organizations
from shared.schedule import Scheduled
from worker.app import app
from worker.core import periodic
from worker.core.boot import services

log = structlog.get_logger(__name__)

DONE, FAILED, ALREADY = 0, 1, 3
"""Exit status. 2 is a usage error."""
PAUSE = 0.5
"""Seconds between two looks at a run that a worker has taken the next turn of."""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("job", required=False, callback=lambda _, __, word: word and word.replace("-", "_"))
@click.option("--org", metavar="SLUG", help="Only the rows of this organization; for jobs that staff may ask for.")
@click.option("--dry-run", is_flag=True, help="Count what would be done, and change nothing; for the same jobs.")
@click.option("--again", is_flag=True, help="Run even if the job has run in this slot, such as today.")
@click.option("--list", "is_list", is_flag=True, help="Show every job: last run, failures in a row, when it is due.")
def main(job: str | None, org: str | None, *, dry_run: bool, again: bool, is_list: bool) -> None:
    """Run JOB now, in this process, and print what it does: a line of JSON for each batch, and one at the end.

    A run claims its slot as beat's runs do: a job that runs at this moment, or has run in its slot, is not run a second
    time. With --org, a slot is a minute. A job with much to do takes turns until it is done; workers may take some of
    them. `--list` names the jobs.

    Settings come from the environment. Exit status: 0 done, 1 failed, 2 wrong usage, 3 already running or done.
    """
    if is_list:
        _list()
        return
    if job is None:
        raise click.UsageError("Say which JOB, or --list.")
    app.loader.import_default_modules()
    raise SystemExit(_run(_entry(job), org, dry_run=dry_run, again=again))


def _entry(name: str) -> Scheduled:
    jobs = {job.name: job for job in schedule.table(services().settings)}
    dashed = {each.replace("-", "_"): each for each in jobs}
    if name not in dashed or not periodic.has_work(dashed[name]):
        known = ", ".join(sorted(filter(periodic.has_work, jobs)))
        raise click.UsageError(f"There is no job {name}. There are: {known}.")
    return jobs[dashed[name]]


def _run(job: Scheduled, slug: str | None, *, dry_run: bool, again: bool) -> int:
    if (slug or dry_run) and not job.by_hand:
        raise click.UsageError(f"{job.name} looks after the whole installation, and has no dry run.")
    try:
        return _make(job, _organization(slug), dry_run=dry_run, again=again)
    except click.UsageError:
        raise
    except Refusal as refusal:
        _say(job=job.name, outcome="failed", error=f"{refusal.code}: {refusal.detail}")
    except Exception as error:
        log.exception("job.failed")
        _say(job=job.name, outcome="failed", error=f"{type(error).__name__}: {error}")
    return FAILED


def _make(job: Scheduled, org_id: UUID | None, *, dry_run: bool, again: bool) -> int:
    now = clock.utc_now()
    is_taken = org_id is not None and not dry_run and _is_covered(job, now)
    slot_at = None if dry_run else (job.hand_slot(now) if org_id or again else job.slot(now))
    asked = Asked(job.name, org_id, Trigger.COMMAND, "worker.run", slot_at=slot_at, dry_run=dry_run)
    outcome: dict[str, Any] = {"outcome": periodic.ALREADY}
    if not is_taken:
        outcome = periodic.run_now(asked, partial(_tell, job.name))
    if "run_id" not in outcome:
        _say(job=job.name, outcome=periodic.ALREADY)
        return ALREADY
    return _to_the_end(job.name, UUID(outcome["run_id"]))


def _to_the_end(name: str, run_id: UUID) -> int:
    """Take the next turns of the run, or wait while workers do."""
    while True:
        with read_only(PLATFORM) as session:
            run = reading.read(session, run_id)
        if run.state not in OPEN:
            break
        if "run_id" not in periodic.go_on(run_id, partial(_tell, name)):
            time.sleep(PAUSE)
            with transaction(PLATFORM) as session:
                job_runs.close_lost(session, now=clock.utc_now(), job=name)
    is_done = run.state == RunState.SUCCEEDED
    told = {"details": run.details} if run.details else {}
    told |= {} if is_done else {"error": run.error}
    _say(
        job=name,
        run_id=str(run_id),
        outcome="done" if is_done else run.state,
        dry_run=run.dry_run,
        counts=run.counts,
        **told,
    )
    return DONE if is_done else FAILED


def _organization(slug: str | None) -> UUID | None:
    if slug is None:
        return None
    with read_only(PLATFORM) as session:
        found = organizations.find_by_slug(session, slug)
    if found is None:
        raise click.UsageError(f"There is no organization {slug}.")
    org_id: UUID = found.id
    return org_id


def _is_covered(job: Scheduled, now: datetime) -> bool:
    with read_only(PLATFORM) as session:
        return job_runs.find_covering(session, job.name, job.hand_slot(now), now=now) is not None


def _tell(name: str, run_id: UUID, counts: dict[str, int]) -> None:
    _say(job=name, run_id=str(run_id), outcome="running", counts=counts)


def _say(**what: Any) -> None:
    click.echo(json.dumps(what))


def _list() -> None:
    """A table for people; `GET /v1/admin/jobs` has the same for programs."""
    now, jobs = clock.utc_now(), schedule.table(services().settings)
    with read_only(PLATFORM) as session:
        health = overview.read_health(session, [job.name for job in jobs])
    head = ("JOB", "EVERY", "LAST RUN", "STATE", "LAST SUCCESS", "FAILURES", "NEXT DUE")
    rows = [head]
    for job in jobs:
        of_job = health[job.name]
        last, done = of_job.last, of_job.done
        rows.append(
            (
                job.name,
                f"{job.every:.0f} s" if job.every else "when asked",
                _time(last.started_at if last else None),
                last.state if last else "-",
                _time(done.finished_at if done else None),
                f"{of_job.failures}{' !' if of_job.is_failing else ''}",
                _time(job.next_due(of_job.taken_slot, now)),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        click.echo("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip())


def _time(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%SZ") if moment else "-"


if __name__ == "__main__":
    configure_logging("warning", sys.stderr)
    main()
