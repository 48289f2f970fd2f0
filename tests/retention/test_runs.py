"""A run of retention: many pages, many turns, organizations that fail, workers that die."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg2
import pytest
from sqlalchemy import text

from shared.clients.holding import LOCK
from shared.core.locks import lock_number
from shared.core.transaction import transaction
from shared.job_runs.model import Trigger
from shared.job_runs.service import Asked
from shared.retention import forgetting as pages
from shared.retention import removing
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.retention import aged, steps
from tests.retention.steps import ago
from tests.rows import footprint, row, rows
from worker.core import periodic
from worker.core.periodic import IncompleteError

MANY = 11
PAGE = 5


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", PAGE)


@pytest.fixture
def short_turns(monkeypatch: pytest.MonkeyPatch, jobs: JobsProbe) -> JobsProbe:
    """A turn is over after one transaction."""
    monkeypatch.setattr(periodic, "TIME_BUDGET", timedelta())
    jobs.enqueued()
    return jobs


def fill(company: Company, number: int = MANY, since: datetime | None = None) -> None:
    """So many old rows of every kind."""
    for _ in range(number):
        for _, _, days, make in aged.CASES.values():
            make(company, since or ago(days + 1))


EXPECTED = {
    "messages": 2 * MANY,
    "leads": 2 * MANY,
    "exports": 2 * MANY,
    "photos": MANY,
    "sessions": 2 * MANY,
    "csv_files": MANY,
    "client_exports": MANY,
    "job_runs": MANY,
    "audit_entries": MANY,
}


def test_many_pages_are_done_and_each_is_written_down(company: Company, small_pages: None) -> None:
    fill(company)
    assert steps.counts(company, dry_run=True) == EXPECTED
    assert steps.counts(company) == EXPECTED
    sql = """
        SELECT after ->> 'category' AS category, count(*) AS pages, sum((after ->> 'removed')::int)::int AS removed,
               max((after ->> 'removed')::int) AS most
        FROM audit_entries WHERE org_id = :org AND action = 'retention.forget' GROUP BY 1
    """
    written = rows(sql, org=company.org_id)
    assert {each["category"]: each["removed"] for each in written} == EXPECTED
    assert all(each["most"] <= PAGE for each in written)
    assert all(each["pages"] == -(-each["removed"] // PAGE) for each in written)
    assert steps.counts(company) == {}


@pytest.mark.parametrize("dry_run", [True, False])
def test_turn_by_turn_the_counts_are_those_of_one(
    company: Company, neighbour: Company, small_pages: None, short_turns: JobsProbe, dry_run: bool
) -> None:
    fill(company, 6)
    fill(neighbour, 1)
    aged.stripe_event(ago(100))
    outcome = periodic.run_now(Asked("retention", None, Trigger.COMMAND, dry_run=dry_run))
    assert short_turns.drain().count("job_runs.go_on") > 15
    done = row("SELECT * FROM job_runs WHERE id = :id", id=outcome["run_id"])
    assert (done["state"], done["details"], done["error"]) == ("succeeded", {}, None)
    expected = {name: number // MANY * 7 for name, number in EXPECTED.items()}
    found = {name: number for name, number in done["counts"].items() if number}
    assert found == expected | {"stripe_events": 1}


def test_what_a_hold_keeps_does_not_keep_the_rest(company: Company, small_pages: None) -> None:
    """The oldest pages are all under hold; the run walks past them, and comes to its end."""
    steps.execute("UPDATE clients SET legal_hold_at = now() WHERE id = :id", id=company.client_id)
    for _ in range(MANY):
        aged.export(company, ago(200))
    for _ in range(MANY):
        aged.export(company, ago(100), about=company.owner.user_id)
    assert steps.counts(company, dry_run=True) == steps.counts(company) == {"exports": MANY}


def test_a_session_with_very_many_used_tokens_goes_bit_by_bit(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removing, "MOST_TOKENS", 10)
    session = aged.session(company, ago(31))
    for number in range(35):
        steps.add(
            "used_refresh_tokens",
            org_id=company.org_id,
            session_id=session,
            token_hash=f"used-{number}",
            used_at=ago(40),
        )
    young = aged.session(company, ago(3))
    steps.add("used_refresh_tokens", org_id=company.org_id, session_id=young, token_hash="kept", used_at=ago(40))
    assert steps.counts(company, dry_run=True) == steps.counts(company) == {"sessions": 1}
    assert rows("SELECT token_hash FROM used_refresh_tokens WHERE org_id = :o", o=company.org_id) == [
        {"token_hash": "kept"}
    ]


@contextmanager
def busy(company: Company) -> Iterator[None]:
    """Somebody places a legal hold in the organization, and does not come to an end."""
    url = company.services.settings.database_url.get_secret_value()
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock_number(LOCK, company.org_id)])
        yield


def test_one_organization_that_fails_does_not_keep_the_others(company: Company, neighbour: Company) -> None:
    fill(company, 1)
    fill(neighbour, 1)
    before = footprint(company.org_id)
    with busy(company), pytest.raises(IncompleteError, match="1 organizations failed"):
        steps.run()
    done = row("SELECT * FROM job_runs WHERE job = 'retention' AND org_id IS NULL ORDER BY id DESC LIMIT 1")
    assert done["state"] == "failed"
    assert re.search(f"^1 organizations failed.*{company.org_id}: database.busy: ", done["error"])
    assert done["counts"]["exports"] == 2
    assert footprint(company.org_id) == before
    assert steps.counts(neighbour) == {}
    assert steps.counts(company)["exports"] == 2


def test_one_that_goes_on_for_too_long_has_failed_if_an_organization_has(
    company: Company, neighbour: Company, short_turns: JobsProbe
) -> None:
    fill(company, 1)
    fill(neighbour, 1)
    short_turns.enqueued()
    run_id = periodic.run_now(Asked("retention", None, Trigger.COMMAND))["run_id"]
    with busy(company):
        while "failed" not in row("SELECT details FROM job_runs WHERE id = :id", id=run_id)["details"]:
            short_turns.run(*short_turns.enqueued()[0])
    steps.set_age("job_runs", run_id, started_at=ago(0, seconds=7201))
    with pytest.raises(IncompleteError, match="time was up for the rest"):
        short_turns.drain()
    ended = row("SELECT state, error FROM job_runs WHERE id = :id", id=run_id)
    assert ended["state"] == "failed"
    assert f"1 organizations failed, time was up for the rest: ask again: {company.org_id}: " in ended["error"]


@pytest.mark.parametrize("dry_run", [True, False])
def test_one_of_staff_that_goes_on_for_too_long_says_that_not_all_is_done(
    company: Company, small_pages: None, short_turns: JobsProbe, dry_run: bool
) -> None:
    fill(company)
    short_turns.enqueued()
    asked = Asked("retention", company.org_id, Trigger.STAFF, dry_run=dry_run)
    run_id = periodic.run_now(asked)["run_id"]
    steps.set_age("job_runs", run_id, started_at=ago(0, seconds=7201))
    with pytest.raises(IncompleteError):
        short_turns.drain()
    ended = row("SELECT state, error FROM job_runs WHERE id = :id", id=run_id)
    assert ended == {"state": "failed", "error": "time was up for the rest: ask again"}


def test_what_the_database_says_is_not_told_to_staff(
    company: Company, short_turns: JobsProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        with transaction(company.scope) as session:
            session.execute(text("SELECT 1 FROM there_is_no_such_table"))

    monkeypatch.setattr(pages, "forget", broken)
    run_id = periodic.run_now(Asked("retention", company.org_id, Trigger.STAFF))["run_id"]
    with pytest.raises(IncompleteError):
        short_turns.drain()
    kept = row("SELECT state, details, error FROM job_runs WHERE id = :id", id=run_id)
    assert kept["state"] == "failed"
    assert "ProgrammingError; the worker's log says more" in kept["error"]
    assert "no_such_table" not in str(kept)


def test_photos_go_with_their_objects_and_what_they_took(company: Company, jobs: JobsProbe) -> None:
    photo = aged.photo(company, ago(800))
    jobs.enqueued()
    taken = row("SELECT bytes FROM photo_usage WHERE org_id = :o", o=company.org_id)["bytes"]
    assert steps.counts(company) == {"photos": 1}
    (owed,) = rows("SELECT owner_id, held_bytes FROM storage_deletes WHERE org_id = :o", o=company.org_id)
    assert (owed["owner_id"], owed["held_bytes"]) == (photo, taken)
    assert set(jobs.drain()) == {"storage_deletes.purge"}
    assert rows("SELECT 1 FROM storage_deletes WHERE org_id = :o", o=company.org_id) == []
    assert row("SELECT bytes FROM photo_usage WHERE org_id = :o", o=company.org_id)["bytes"] == 0


def test_beat_claims_the_day_once(company: Company, jobs: JobsProbe) -> None:
    aged.export(company, ago(31))
    jobs.run("retention.forget")
    jobs.run("retention.forget")
    (done,) = rows("SELECT * FROM job_runs WHERE job = 'retention'")
    assert (done["state"], done["trigger"], done["counts"]["exports"]) == ("succeeded", "beat", 1)


def test_beat_lets_a_run_that_has_failed_rest_for_an_hour(company: Company, jobs: JobsProbe) -> None:
    aged.export(company, ago(31))
    with busy(company), pytest.raises(IncompleteError):
        jobs.run("retention.forget")
    jobs.run("retention.forget")
    (failed,) = rows("SELECT * FROM job_runs WHERE job = 'retention'")
    assert failed["state"] == "failed"
    steps.set_age("job_runs", failed["id"], finished_at=ago(0, seconds=3601))
    jobs.run("retention.forget")
    states = rows("SELECT state FROM job_runs WHERE job = 'retention' ORDER BY id")
    assert [run["state"] for run in states] == ["failed", "succeeded"]


@pytest.mark.parametrize("state", ["lost", "failed"])
def test_only_what_raised_today_rests(company: Company, jobs: JobsProbe, state: str) -> None:
    aged.export(company, ago(31))
    slot_at = ago(0) if state == "lost" else ago(2)
    steps.execute(
        "INSERT INTO job_runs (id, job, slot_at, state, counts, finished_at)"
        " VALUES (gen_random_uuid(), 'retention', :slot_at, :state, '{}', now())",
        slot_at=slot_at,
        state=state,
    )
    jobs.run("retention.forget")
    assert rows("SELECT 1 FROM exports WHERE org_id = :o", o=company.org_id) == []
