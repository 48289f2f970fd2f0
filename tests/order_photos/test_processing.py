"""A worker with a photo in its hands, and what can come in between."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from shared.core.transaction import transaction
from shared.integrations.storage import Slot
from shared.order_photos import processing
from shared.order_photos.model import OrderPhoto
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.factories.order_photos import files_of, image_bytes, make_photo, path_of, put_object
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import (
    deletes_of,
    let_time_pass,
    message_of,
    next_run,
    remove,
    row_of,
    shown,
    state_of,
    sweep,
    uploaded,
    usage,
)
from tests.order_photos.storages import LeftAlone, Meanwhile, at_work_on, broken, instead, with_root

PROCESS = "order_photos.process"


def _meanwhile(company: Company, when: str, happens: Any) -> Services:
    return instead(company.services, Meanwhile(company.services.storages["local"], when, happens))


def test_a_message_that_comes_twice_is_worked_on_once(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    photo_id = uploaded(client, company, order_id)
    jobs.enqueued()
    jobs.run(PROCESS, message_of(company, photo_id))
    before, written = row_of(photo_id), [(file, file.stat().st_ino) for file in files_of(company)]
    jobs.run(PROCESS, message_of(company, photo_id))
    assert before["state"] == "stored"
    assert row_of(photo_id) == before
    assert [(file, file.stat().st_ino) for file in files_of(company)] == written


def test_a_second_worker_leaves_the_photo_to_the_first(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    photo_id = uploaded(client, company, order_id)
    seen: list[dict[str, Any]] = []

    def second_worker() -> None:
        before = row_of(photo_id)
        jobs.run(PROCESS, message_of(company, photo_id))
        seen.extend([before, row_of(photo_id)])

    with at_work_on(_meanwhile(company, "before put", second_worker)):
        jobs.drain()
    assert seen[0] == seen[1]
    assert (seen[0]["state"], seen[0]["attempts"]) == ("processing", 1)
    assert (row_of(photo_id)["state"], len(files_of(company))) == ("stored", 2)


def test_of_two_workers_the_late_one_changes_nothing(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    """The first is so slow that its lease runs out; another takes the photo over and is done before it."""
    photo_id, seen = uploaded(client, company, order_id), []

    def lease_runs_out() -> None:
        let_time_pass(company, timedelta(minutes=6))
        sweep(jobs)
        seen.append(row_of(photo_id))

    with at_work_on(_meanwhile(company, "after put", lease_runs_out)):
        jobs.drain()
    assert (seen[0]["state"], row_of(photo_id)) == ("stored", seen[0])
    let_time_pass(company, timedelta(hours=2))
    sweep(jobs)
    photo = shown(client, company, order_id, photo_id)
    assert client.get(photo["url"]).status_code == client.get(photo["thumbnail_url"]).status_code == 200
    assert (len(files_of(company)), deletes_of(company)) == (2, [])


def test_a_late_worker_ends_nothing_that_another_has_begun(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    photo_id = uploaded(client, company, order_id)

    def another_begins() -> None:
        let_time_pass(company, timedelta(minutes=6))
        next_run(jobs, "order_photos.sweep")
        with transaction(company.scope) as session:
            now = row_of(photo_id)["next_attempt_at"]
            assert processing.claim(session, company.org_id, UUID(photo_id), now=now) is not None

    jobs.enqueued()
    with at_work_on(_meanwhile(company, "after put", another_begins)):
        jobs.run(PROCESS, message_of(company, photo_id))
    found = row_of(photo_id)
    assert (found["state"], found["attempts"], len(files_of(company))) == ("processing", 2, 3)
    assert deletes_of(company) == []


@pytest.mark.parametrize("when", ["before open", "before put", "after put"])
def test_of_a_photo_that_is_removed_meanwhile_nothing_is_left(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, when: str
) -> None:
    photo_id = uploaded(client, company, order_id)
    with at_work_on(_meanwhile(company, when, lambda: remove(client, company, order_id, photo_id))):
        jobs.drain()
    assert state_of(photo_id) is None
    let_time_pass(company, timedelta(minutes=7))  # the lease of the worker
    sweep(jobs)
    assert (files_of(company), deletes_of(company), usage(company)) == ([], [], {})


def test_what_is_removed_while_its_worker_dies_goes_when_the_lease_is_over(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    photo = make_photo(company, order_id, state="processing", due=processing.PROCESS_LEASE)
    remove(client, company, order_id, photo.id)
    jobs.drain()
    sweep(jobs)
    assert path_of(company, photo).exists(), "the worker may still be writing"
    let_time_pass(company, timedelta(minutes=6))
    sweep(jobs)
    assert (files_of(company), deletes_of(company), usage(company)) == ([], [], {})


@pytest.mark.parametrize("how", ["broken", "left alone", "not set up"])
def test_a_storage_that_is_away_is_waited_for_without_using_up_tries(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, tmp_path: Path, how: str
) -> None:
    photo_id = uploaded(client, company, order_id)
    away = {
        "broken": lambda: broken(company.services, tmp_path),
        "left alone": lambda: instead(company.services, LeftAlone(company.services.storages["local"])),
        "not set up": lambda: _without_local(company.services),
    }[how]()
    with at_work_on(away):
        assert jobs.drain() == [PROCESS]
        for _ in range(processing.MOST_ATTEMPTS + 1):
            found = row_of(photo_id)
            assert (found["state"], found["attempts"]) == ("uploaded", 0)
            assert found["last_error"]
            let_time_pass(company, timedelta(minutes=1))
            assert sweep(jobs, "order_photos.sweep") == [PROCESS]
    let_time_pass(company, timedelta(minutes=1))
    sweep(jobs)
    found = row_of(photo_id)
    assert (found["state"], found["attempts"], found["last_error"]) == ("stored", 0, None)


@pytest.mark.parametrize("when", ["before open", "before put"])
def test_a_storage_that_takes_all_the_time_of_a_task_uses_up_no_try(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, when: str
) -> None:
    def time_is_over() -> None:
        raise SoftTimeLimitExceeded  # as the signal does, wherever the worker waits

    photo_id = uploaded(client, company, order_id)
    with at_work_on(_meanwhile(company, when, time_is_over)):
        jobs.drain()
    assert (row_of(photo_id)["state"], row_of(photo_id)["attempts"]) == ("uploaded", 0)


def _without_local(services: Services) -> Services:
    away = instead(services, services.storages["local"])
    del away.storages["local"]
    return away


def test_a_damaged_object_is_read_again_and_then_rejected(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    photo_id = uploaded(client, company, order_id)
    (file,) = files_of(company)
    file.write_bytes(image_bytes())
    jobs.drain()
    for attempts in range(1, processing.MOST_ATTEMPTS):
        assert (row_of(photo_id)["state"], row_of(photo_id)["attempts"]) == ("uploaded", attempts)
        let_time_pass(company, timedelta(minutes=5))
        sweep(jobs)
    photo = shown(client, company, order_id, photo_id)
    assert (photo["state"], photo["rejection"]) == ("rejected", "storage.damaged")
    assert (files_of(company), deletes_of(company), usage(company)) == ([], [], {})


def test_an_object_that_was_damaged_on_the_way_only_is_stored(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    photo_id = uploaded(client, company, order_id)
    (file,) = files_of(company)
    right = file.read_bytes()
    file.write_bytes(right[:-1])
    jobs.drain()
    file.write_bytes(right)
    let_time_pass(company, timedelta(minutes=5))
    sweep(jobs)
    assert state_of(photo_id) == "stored"


def test_an_object_that_has_vanished_is_looked_for_again_and_then_rejected(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    photo_id = uploaded(client, company, order_id)
    (file,) = files_of(company)
    file.unlink()
    jobs.drain()
    for attempts in range(1, processing.MOST_ATTEMPTS):
        assert (row_of(photo_id)["state"], row_of(photo_id)["attempts"]) == ("uploaded", attempts)
        let_time_pass(company, timedelta(minutes=5))
        sweep(jobs)
    photo = shown(client, company, order_id, photo_id)
    assert (photo["state"], photo["rejection"]) == ("rejected", "storage.object_missing")
    assert (deletes_of(company), usage(company)) == ([], {})


def test_an_object_that_a_worker_cannot_see_yet_is_not_given_up(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, tmp_path: Path
) -> None:
    photo_id = uploaded(client, company, order_id)
    with at_work_on(with_root(company.services, tmp_path / "not mounted")):
        jobs.drain()
    let_time_pass(company, timedelta(minutes=5))
    sweep(jobs)
    assert state_of(photo_id) == "stored"


def test_a_worker_without_room_waits_for_it_without_using_up_tries(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo_id = uploaded(client, company, order_id)
    with monkeypatch.context() as without_room:
        without_room.setattr(tempfile, "tempdir", "/dev/null/no-room")
        jobs.drain()
        for _ in range(processing.MOST_ATTEMPTS + 1):
            assert (row_of(photo_id)["state"], row_of(photo_id)["attempts"]) == ("uploaded", 0)
            let_time_pass(company, timedelta(minutes=5))
            sweep(jobs)
    let_time_pass(company, timedelta(minutes=5))
    sweep(jobs)
    assert state_of(photo_id) == "stored"


def test_what_was_named_in_the_try_that_ends_in_a_rejection_is_deleted_too(
    company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    photo = make_photo(company, order_id, state="uploaded")
    key = f"{photo.upload_key}.picture"
    put_object(company, key, b"written before the fault was found")
    with transaction(company.scope) as session:
        claimed = processing.claim(session, company.org_id, photo.id, now=photo.created_at)
        assert claimed is not None
        processing.name_objects(session, claimed[0], Slot(key), None, now=photo.created_at)
        processing.reject(session, claimed[0], "order_photos.undecodable", now=photo.created_at)
    jobs.drain()
    assert (state_of(photo.id), files_of(company), usage(company)) == ("rejected", [], {})


def test_a_file_that_kills_its_worker_three_times_is_rejected(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    photo_id = uploaded(client, company, order_id)
    jobs.enqueued()
    for attempts in range(1, processing.MOST_ATTEMPTS + 1):
        with transaction(company.scope) as session:  # as far as a worker that dies at once comes
            now = session.get_one(OrderPhoto, (company.org_id, UUID(photo_id))).created_at
            assert processing.claim(session, company.org_id, UUID(photo_id), now=now) is not None
        let_time_pass(company, timedelta(minutes=6))
        if attempts < processing.MOST_ATTEMPTS:
            next_run(jobs, "order_photos.sweep")
            assert jobs.enqueued() == [(PROCESS, message_of(company, photo_id))]
    sweep(jobs)
    photo = shown(client, company, order_id, photo_id)
    assert (photo["state"], photo["rejection"]) == ("rejected", "order_photos.undecodable")
    assert (files_of(company), deletes_of(company), usage(company)) == ([], [], {})
