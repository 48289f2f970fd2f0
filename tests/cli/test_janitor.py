"""`worker.run`: scheduled jobs by hand, in the foreground."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from tests.factories.order_photos import files_of, make_photo
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.factories.storage_deletes import make_storage_delete
from tests.order_photos.steps import deletes_of, state_of, usage

from .conftest import Command

PARTS = ["order_photos.sweep", "storage_deletes.sweep"]
NEVER = "315360000"
"""Seconds, ten years: a slot that does not end while a test runs."""


@pytest.fixture(autouse=True)
def first_run(services: Any) -> None:
    with transaction(PLATFORM) as session:
        session.execute(text("DELETE FROM job_runs"))


def _said(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines() if line.startswith('{"job"')]


@pytest.mark.parametrize("name", ["storage_janitor", "storage-janitor"])
def test_the_janitor_does_now_what_is_due(worker_run: Command, company: Company, name: str) -> None:
    given_up = make_photo(company, make_order(company), state="uploading", due=timedelta(0))
    made = [make_storage_delete(company) for _ in range(3)]
    done = worker_run(name)
    assert done.returncode == 0, done.stderr
    photos, deletes = _said(done.stdout)
    assert [photos["job"], deletes["job"]] == PARTS
    assert (photos["outcome"], photos["given_up"]) == ("done", 1)
    assert (deletes["outcome"], deletes["deleted"], deletes["failed"], deletes["stuck"]) == ("done", 3, 0, 0)
    assert state_of(given_up.id) is None
    assert [found["owner_id"] for found in deletes_of(company)] == [given_up.id]
    assert {file.stem for file in files_of(company)}.isdisjoint(str(one.owner_id) for one in made)


def test_what_has_run_in_this_slot_is_not_run_again(worker_run: Command, company: Company) -> None:
    first = worker_run("storage_janitor", SWEEP_INTERVAL_SECONDS=NEVER)
    assert [part["outcome"] for part in _said(first.stdout)] == ["done", "done"]
    make_storage_delete(company)
    again = worker_run("storage_janitor", SWEEP_INTERVAL_SECONDS=NEVER)
    assert again.returncode == 0
    assert [part["outcome"] for part in _said(again.stdout)] == ["already running or done"] * 2
    assert len(deletes_of(company)) == 1


def test_the_recount_puts_numbers_right(worker_run: Command, company: Company) -> None:
    photo = make_photo(company, make_order(company))
    with transaction(company.scope) as session:
        session.execute(text("UPDATE photo_usage SET bytes = 1 WHERE org_id = :org"), {"org": company.org_id})
    done = worker_run("photo_recount")
    assert done.returncode == 0, done.stderr
    (said,) = _said(done.stdout)
    assert (said["job"], said["outcome"]) == ("order_photos.recount", "done")
    assert said["wrong"] >= 1
    assert usage(company) == {"local": photo.size}


def test_a_part_that_could_not_be_done_is_a_failure(worker_run: Command) -> None:
    done = worker_run("storage_janitor", DATABASE_URL="postgresql://nobody:nothing@127.0.0.1:1/nowhere")
    assert done.returncode == 1
    assert [part["outcome"] for part in _said(done.stdout)] == ["later", "later"]


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_it_says_how_it_is_used(worker_run: Command, word: str) -> None:
    done = worker_run(word)
    assert done.returncode == 0
    for expected in ("Usage:", "photo_recount", "storage_janitor", "Exit status"):
        assert expected in done.stdout


@pytest.mark.parametrize("words", [(), ("storage_janitor2",), ("order_photos.sweep",)], ids=str)
def test_other_words_are_refused(worker_run: Command, words: tuple[str, ...]) -> None:
    done = worker_run(*words)
    assert done.returncode == 2
    assert "Usage:" in done.stderr
    assert "Traceback" not in done.stderr
