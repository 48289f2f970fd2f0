"""Deleting what is owed: tried as often as is allowed, never forgotten before it is gone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.core.outbox import PUBLISH_GRACE
from shared.core.transaction import transaction
from shared.storage_deletes import service as storage_deletes
from shared.storage_deletes.model import StorageDelete
from shared.storage_deletes.service import PURGE_LEASE, Unwanted
from tests.factories.order_photos import files_of
from tests.factories.organizations import Company
from tests.factories.storage_deletes import make_storage_delete
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import deletes_of, let_time_pass, purge_of, sweep
from tests.order_photos.storages import LeftAlone, Meanwhile, at_work_on, broken, instead

PURGE, SWEEP = "storage_deletes.purge", "storage_deletes.sweep"


def _only(company: Company) -> dict[str, Any]:
    (found,) = deletes_of(company)
    return found


def _owe(company: Company, made: StorageDelete, due: timedelta = timedelta(0), held: int = 0) -> None:
    moment = datetime.now(UTC) + due
    one = Unwanted(company.org_id, made.owner_id, made.backend, made.storage_key, held, moment)
    with transaction(company.scope) as session:
        storage_deletes.owe(session, [one])


def test_a_message_deletes_what_belonged_to_one_owner(company: Company, jobs: JobsProbe) -> None:
    owner_id = uuid4()
    for _ in range(3):
        make_storage_delete(company, owner_id=owner_id, due=PUBLISH_GRACE)
    other = make_storage_delete(company, due=timedelta(minutes=1))
    for _ in range(2):
        jobs.run(PURGE, purge_of(company, owner_id))
        assert [found["id"] for found in deletes_of(company)] == [other.id]
        assert [file.stem for file in files_of(company)] == [str(other.owner_id)]


def test_a_message_of_another_organization_deletes_nothing(
    company: Company, neighbour: Company, jobs: JobsProbe
) -> None:
    made = make_storage_delete(company)
    jobs.run(PURGE, purge_of(neighbour, made.owner_id))
    assert (_only(company)["state"], len(files_of(company))) == ("waiting", 1)


def test_a_message_leaves_what_is_due_in_an_hour(company: Company, jobs: JobsProbe) -> None:
    owner_id = uuid4()
    make_storage_delete(company, owner_id=owner_id)
    later = make_storage_delete(company, owner_id=owner_id, due=timedelta(hours=1))
    jobs.run(PURGE, purge_of(company, owner_id))
    assert (_only(company)["id"], _only(company)["attempts"]) == (later.id, 0)
    assert len(files_of(company)) == 1


@pytest.mark.parametrize("state", ["deleting", "stuck"])
def test_a_message_leaves_what_somebody_else_has(company: Company, jobs: JobsProbe, state: str) -> None:
    made = make_storage_delete(company, state=state, due=timedelta(minutes=1), attempts=1)
    before = deletes_of(company)
    jobs.run(PURGE, purge_of(company, made.owner_id))
    assert (deletes_of(company), len(files_of(company))) == (before, 1)


def test_an_object_that_is_gone_already_is_deleted(company: Company, jobs: JobsProbe) -> None:
    made = make_storage_delete(company, with_object=False)
    jobs.run(PURGE, purge_of(company, made.owner_id))
    assert deletes_of(company) == []


def test_a_delete_that_fails_is_tried_again_later_each_time_and_then_stuck(
    company: Company, jobs: JobsProbe, tmp_path: Path
) -> None:
    made, waits = make_storage_delete(company), []
    most = company.services.settings.storage_delete_max_attempts
    with at_work_on(broken(company.services, tmp_path)):
        for attempt in range(1, most + 1):
            began = datetime.now(UTC)
            for _ in range(3):  # the others find nothing that is due
                sweep(jobs, SWEEP)
            found = _only(company)
            assert (found["attempts"], found["state"]) == (attempt, "waiting" if attempt < most else "stuck")
            assert found["last_error"]
            if attempt < most:
                waits.append((found["next_attempt_at"] - began).total_seconds())
                let_time_pass(company, timedelta(seconds=waits[-1]))
    assert all(30 * 2**n <= wait < 30 * 2**n * 1.2 + 5 for n, wait in enumerate(waits)), waits
    let_time_pass(company, timedelta(days=1))
    sweep(jobs, SWEEP)
    jobs.run(PURGE, purge_of(company, made.owner_id))
    assert (_only(company)["state"], _only(company)["next_attempt_at"], len(files_of(company))) == ("stuck", None, 1)


@pytest.mark.parametrize("how", ["left alone", "not set up"])
def test_a_storage_that_was_not_asked_uses_up_no_try(company: Company, jobs: JobsProbe, how: str) -> None:
    make_storage_delete(company)
    away = instead(company.services, LeftAlone(company.services.storages["local"]))
    if how == "not set up":
        del away.storages["local"]
    with at_work_on(away):
        for _ in range(company.services.settings.storage_delete_max_attempts + 1):
            sweep(jobs, SWEEP)
            found = _only(company)
            assert (found["state"], found["attempts"]) == ("waiting", 0)
            assert found["last_error"]
            let_time_pass(company, timedelta(minutes=1))
    sweep(jobs, SWEEP)
    assert (deletes_of(company), files_of(company)) == ([], [])


def test_one_backend_that_is_away_does_not_hold_up_another(company: Company, jobs: JobsProbe) -> None:
    make_storage_delete(company)
    away = make_storage_delete(company, backend="s3", with_object=False)
    sweep(jobs, SWEEP)
    assert (_only(company)["id"], files_of(company)) == (away.id, [])


def test_what_is_owed_again_while_it_is_being_deleted_is_not_forgotten(company: Company, jobs: JobsProbe) -> None:
    """As of an object that is written a second time, after the storage was asked to delete the first."""
    made = make_storage_delete(company, held_bytes=7)
    meanwhile = Meanwhile(company.services.storages["local"], "before delete", lambda: _owe(company, made, held=5))
    with at_work_on(instead(company.services, meanwhile)):
        jobs.run(PURGE, purge_of(company, made.owner_id))
    found = _only(company)
    assert (found["state"], found["held_bytes"]) == ("deleting", 12)
    let_time_pass(company, PURGE_LEASE)
    sweep(jobs, SWEEP)
    assert deletes_of(company) == []


@pytest.mark.parametrize("state", ["waiting", "stuck"])
def test_what_is_owed_twice_is_deleted_once_when_it_was_asked_last(
    company: Company, jobs: JobsProbe, state: str
) -> None:
    made = make_storage_delete(company, state=state, held_bytes=7, due=timedelta(hours=1))
    _owe(company, made, held=5)
    found = _only(company)
    assert (found["id"], found["state"], found["held_bytes"]) == (made.id, "waiting", 12)
    assert jobs.drain() == [PURGE]
    assert (deletes_of(company), files_of(company)) == ([], [])


def test_only_what_is_due_first_gets_a_message(company: Company, jobs: JobsProbe) -> None:
    now, soon, late = datetime.now(UTC), uuid4(), uuid4()
    with transaction(company.scope) as session:
        storage_deletes.owe(
            session,
            [
                Unwanted(company.org_id, owner, "local", f"orders/{number}", 0, now + due)
                for number, (owner, due) in enumerate([(soon, PUBLISH_GRACE), (late, timedelta(hours=1))] * 2)
            ],
        )
        storage_deletes.owe(session, [])
    assert jobs.enqueued() == [(PURGE, purge_of(company, soon))]
    assert len(deletes_of(company)) == 4


def test_hundreds_that_are_owed_at_once_do_not_flood_the_queue(company: Company, jobs: JobsProbe) -> None:
    now, number = datetime.now(UTC), storage_deletes.BATCH + 30
    owners = [UUID(int=n) for n in range(number)]
    with transaction(company.scope) as session:
        storage_deletes.owe(
            session, [Unwanted(company.org_id, owner, "local", f"orders/{owner}", 0, now) for owner in owners]
        )
    assert len(jobs.enqueued()) == storage_deletes.MOST_ENQUEUED
    assert len(deletes_of(company)) == number
