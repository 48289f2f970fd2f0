"""`worker.run`: scheduled jobs by hand, in the foreground."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from shared import schedule
from shared.core.settings import load_settings
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from tests.factories.order_photos import files_of, make_photo
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.factories.storage_deletes import make_storage_delete
from tests.job_runs.steps import make_run
from tests.order_photos.steps import deletes_of, state_of, usage
from tests.rows import row, rows

from .conftest import Command

NEVER = "315360000"
"""Seconds, ten years: a slot that does not end while a test runs."""


@pytest.fixture(autouse=True)
def first_run(services: Any) -> None:
    with transaction(PLATFORM) as session:
        session.execute(text("DELETE FROM job_runs"))
        session.execute(text("DELETE FROM storage_deletes"))


def _said(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.parametrize("name", ["storage_janitor", "storage-janitor"])
def test_the_janitor_does_now_what_is_due(worker_run: Command, company: Company, name: str) -> None:
    made = [make_storage_delete(company) for _ in range(3)]
    done = worker_run(name, STORAGE_DELETE_BATCH_SIZE="2")
    assert done.returncode == 0, done.stderr
    *batches, end = _said(done.stdout)
    assert [batch["counts"]["deleted"] for batch in batches] == [2, 3, 3], "a line for each batch, the last one empty"
    assert {batch["outcome"] for batch in batches} == {"running"}
    assert (end["job"], end["outcome"]) == ("storage_janitor", "done")
    assert end["counts"] == {"deleted": 3, "failed": 0, "stuck": 0}
    run = row("SELECT * FROM job_runs WHERE id = :id", id=end["run_id"])
    assert (run["state"], run["trigger"], run["org_id"]) == ("succeeded", "command", None)
    assert {file.stem for file in files_of(company)}.isdisjoint(str(one.owner_id) for one in made)


def test_what_has_run_in_this_slot_is_run_again_only_when_that_is_said(worker_run: Command, company: Company) -> None:
    first = worker_run("storage_janitor", SWEEP_INTERVAL_SECONDS=NEVER)
    assert (first.returncode, _said(first.stdout)[-1]["outcome"]) == (0, "done")
    make_storage_delete(company)
    again = worker_run("storage_janitor", SWEEP_INTERVAL_SECONDS=NEVER)
    assert again.returncode == 3
    assert _said(again.stdout) == [{"job": "storage_janitor", "outcome": "already running or done"}]
    assert len(deletes_of(company)) == 1
    said = worker_run("storage_janitor", "--again", SWEEP_INTERVAL_SECONDS=NEVER)
    assert (said.returncode, deletes_of(company)) == (0, [])


def test_one_organization_alone(worker_run: Command, company: Company, neighbour: Company) -> None:
    for each in (company, neighbour):
        make_storage_delete(each)
    done = worker_run("storage-janitor", "--org", company.slug)
    assert done.returncode == 0, done.stderr
    assert _said(done.stdout)[-1]["counts"]["deleted"] == 1
    assert (len(deletes_of(company)), len(deletes_of(neighbour))) == (0, 1)
    assert row("SELECT org_id FROM job_runs")["org_id"] == company.org_id


def test_one_organization_is_not_looked_after_while_all_are(worker_run: Command, company: Company) -> None:
    lease = datetime.now(UTC) + timedelta(minutes=5)
    make_run(job="storage_janitor", state="running", lease_until=lease, finished_at=None)
    make_storage_delete(company)
    for words in (["--org", company.slug], []):
        done = worker_run("storage-janitor", *words)
        assert (done.returncode, _said(done.stdout)[-1]["outcome"]) == (3, "already running or done")
    assert len(deletes_of(company)) == 1


def test_a_dry_run_changes_nothing(worker_run: Command, company: Company) -> None:
    make_storage_delete(company)
    for words in ([], ["--org", company.slug]):
        done = worker_run("storage-janitor", "--dry-run", *words)
        assert done.returncode == 0, done.stderr
        end = _said(done.stdout)[-1]
        assert (end["dry_run"], end["counts"]["deleted"]) == (True, 1)
    assert len(deletes_of(company)) == 1
    assert _said(worker_run("storage-janitor").stdout)[-1]["counts"]["deleted"] == 1


def test_cleanup_runs_from_the_command_line(worker_run: Command, company: Company) -> None:
    given_up = make_photo(company, make_order(company), state="uploading", due=timedelta(0))
    done = worker_run("cleanup", "--org", company.slug)
    assert done.returncode == 0, done.stderr
    assert _said(done.stdout)[-1]["counts"]["uploads"] == 1
    assert state_of(given_up.id) is None


def test_the_recount_puts_numbers_right(worker_run: Command, company: Company) -> None:
    photo = make_photo(company, make_order(company))
    with transaction(company.scope) as session:
        session.execute(text("UPDATE photo_usage SET bytes = 1 WHERE org_id = :org"), {"org": company.org_id})
    done = worker_run("photo_recount")
    assert done.returncode == 0, done.stderr
    said = _said(done.stdout)[-1]
    assert (said["job"], said["outcome"]) == ("photo_recount", "done")
    assert said["counts"]["wrong"] >= 1
    assert usage(company) == {"local": photo.size}


def test_a_run_that_cannot_be_made_is_a_failure(worker_run: Command) -> None:
    done = worker_run("storage_janitor", DATABASE_URL="postgresql://nobody:nothing@127.0.0.1:1/nowhere")
    assert done.returncode == 1
    (said,) = _said(done.stdout)
    assert said["outcome"] == "failed"
    assert "database" in said["error"]
    assert "Traceback" not in done.stderr


def test_every_job_is_listed_with_how_it_does(worker_run: Command) -> None:
    for _ in range(5):
        make_run(job="email_scan", state="failed", started_at=datetime(2026, 3, 1, 12, tzinfo=UTC))
    done = worker_run("--list")
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert set(lines) == {"JOB", *(job.name for job in schedule.table(load_settings()))}
    assert "failed" in lines["email_scan"]
    assert "5 !" in lines["email_scan"]
    assert "2026-03-01 12:00:00Z" in lines["email_scan"]
    assert "300 s" in lines["cleanup"]


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_it_says_how_it_is_used(worker_run: Command, word: str) -> None:
    done = worker_run(word)
    assert done.returncode == 0
    for expected in ("Usage:", "--org", "--dry-run", "--again", "--list", "Exit status"):
        assert expected in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Say which JOB"),
        (("storage_janitor2",), "There is no job storage_janitor2. There are: cleanup, csv_files.sweep, email_scan,"),
        (("webhooks",), "There is no job"),
        (("cleanup", "--org", "nobody-is-called-so"), "There is no organization nobody-is-called-so."),
        (("messages.sweep", "--dry-run"), "has no dry run"),
        (("photo-recount", "--org", "nobody"), "the whole installation"),
        (("cleanup", "--dry"), "No such option"),
    ],
    ids=str,
)
def test_other_words_are_refused(worker_run: Command, words: tuple[str, ...], said: str) -> None:
    done = worker_run(*words)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert rows("SELECT 1 FROM job_runs") == []
