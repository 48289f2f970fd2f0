"""The storage janitor: everything that is due, in batches, whatever has become of the messages and the workers."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.core.errors import Unavailable
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.integrations.storage.local_storage import LocalStorage
from shared.order_photos import quota
from shared.storage_deletes import service as storage_deletes
from shared.wiring import Services
from tests.factories.order_photos import files_of
from tests.factories.organizations import Company
from tests.factories.storage_deletes import make_storage_delete
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import deletes_of, let_time_pass, next_run, usage
from tests.order_photos.storages import Meanwhile, at_work_on, instead
from tests.rows import row
from tests.variants import with_settings

SWEEP = "storage_deletes.sweep"


class Watched(LocalStorage):
    """Writes down which keys each call deletes."""

    def __init__(self, services: Services) -> None:
        super().__init__(services.settings.order_upload_root)
        self.calls: list[list[str]] = []

    def delete(self, keys: Iterable[str]) -> dict[str, Unavailable]:
        self.calls.append(list(keys))
        return super().delete(self.calls[-1])


@pytest.fixture
def watched(company: Company) -> Watched:
    return Watched(company.services)


def _with(services: Services, storage: Watched, batch: int) -> Services:
    return replace(with_settings(services, storage_delete_batch_size=batch), storages={storage.backend: storage})


def _counts() -> dict[str, Any]:
    found: dict[str, Any] = row("SELECT counts FROM job_runs WHERE job = 'storage_janitor'")["counts"]
    return found


def test_it_deletes_everything_in_batches_of_the_setting(
    company: Company, neighbour: Company, jobs: JobsProbe, watched: Watched
) -> None:
    for number in range(120):
        make_storage_delete(company if number % 2 else neighbour, with_object=number < 4, held_bytes=1)
    with at_work_on(_with(company.services, watched, 50)):
        next_run(jobs, SWEEP)
    assert [len(keys) for keys in watched.calls] == [50, 50, 20]
    assert _counts() == {"deleted": 120, "failed": 0, "stuck": 0}
    assert deletes_of(company) + deletes_of(neighbour) == []
    assert files_of(company) + files_of(neighbour) == []


def test_it_takes_the_oldest_first_and_leaves_what_is_not_due(
    company: Company, jobs: JobsProbe, watched: Watched
) -> None:
    early = timedelta(minutes=1)
    made = [make_storage_delete(company, due=due) for due in (early, *[timedelta(seconds=-n) for n in range(3)])]
    with at_work_on(_with(company.services, watched, 1)):
        next_run(jobs, SWEEP)
    assert watched.calls == [[one.storage_key] for one in reversed(made[1:])]
    assert [found["id"] for found in deletes_of(company)] == [made[0].id]


def test_what_a_dead_worker_had_is_deleted_when_its_lease_is_over(company: Company, jobs: JobsProbe) -> None:
    make_storage_delete(company, state="deleting", attempts=1, due=timedelta(minutes=2))
    next_run(jobs, SWEEP)
    assert len(files_of(company)) == 1
    let_time_pass(company, timedelta(minutes=2))
    next_run(jobs, SWEEP)
    assert (files_of(company), deletes_of(company)) == ([], [])


def test_what_kills_its_worker_every_time_is_stuck(company: Company, jobs: JobsProbe) -> None:
    most = company.services.settings.storage_delete_max_attempts
    make_storage_delete(company, state="deleting", attempts=most)
    make_storage_delete(company, state="deleting", attempts=most, due=timedelta(minutes=1))
    next_run(jobs, SWEEP)
    states = [(found["state"], found["last_error"]) for found in deletes_of(company)]
    assert states == [("deleting", None), ("stuck", "the worker died while deleting, every time")]
    assert _counts() == {"deleted": 0, "failed": 0, "stuck": 1}
    assert len(files_of(company)) == 2


def test_a_late_worker_forgets_nothing_that_another_has(company: Company, jobs: JobsProbe) -> None:
    """Its lease has run out, and another has claimed the row."""
    made = make_storage_delete(company)

    def lease_runs_out() -> None:
        let_time_pass(company, timedelta(minutes=3))
        with transaction(PLATFORM) as session:
            (taken,) = storage_deletes.claim(session, now=datetime.now(UTC), owner=None, limit=9)
        assert taken.id == made.id

    late = Meanwhile(company.services.storages["local"], "before delete", lease_runs_out)
    with at_work_on(instead(company.services, late)):
        next_run(jobs, SWEEP)
    (found,) = deletes_of(company)
    assert (found["state"], found["attempts"]) == ("deleting", 2)


def test_it_gives_room_back_to_whom_it_belongs(company: Company, neighbour: Company, jobs: JobsProbe) -> None:
    for of, counted in ((company, 10), (neighbour, 20)):
        make_storage_delete(of, held_bytes=counted)
        with transaction(of.scope) as session:
            quota.add(session, of.org_id, "local", counted + 1)
    next_run(jobs, SWEEP)
    assert (usage(company), usage(neighbour)) == ({"local": 1}, {"local": 1})
