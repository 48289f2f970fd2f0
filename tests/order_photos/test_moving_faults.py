"""Moves that fail, are interrupted, or come too late: the photo stays where it is, and nothing else is left."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import pytest

from shared.core.transaction import transaction
from shared.order_photos import moving
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.factories.order_photos import files_of, make_photo, path_of
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import (
    ask_to_move,
    deletes_of,
    let_time_pass,
    message_of,
    moves_of,
    remove,
    row_of,
    shown,
    state_of,
    stored,
    sweep,
    usage,
)
from tests.order_photos.storages import LeftAlone, Meanwhile, at_work_on, instead, keys_in
from tests.variants import client_on

HOUR = timedelta(hours=1)


@pytest.fixture
def client(both: Services) -> CheckedClient:
    return client_on(both)


def test_a_move_that_fails_is_tried_five_times_and_resumed_when_somebody_asks(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    photo = make_photo(company, order_id)
    content = path_of(company, photo).read_bytes()
    path_of(company, photo).write_bytes(b"damaged")
    ask_to_move(company)
    for attempts in range(1, moving.MOST_ATTEMPTS + 1):
        assert row_of(photo.id)["next_attempt_at"] is not None
        assert sweep(jobs, "order_photos.sweep") == ["order_photos.move"]
        assert row_of(photo.id)["attempts"] == attempts
        let_time_pass(company, timedelta(minutes=10))
    found = row_of(photo.id)
    assert (found["state"], found["backend"], found["next_attempt_at"]) == ("stored", "local", None)
    assert "something else" in found["last_error"]
    assert moves_of(company) == [("local", "memory", True, 1)]
    assert sweep(jobs, "order_photos.sweep") == []
    assert client.get(shown(client, company, order_id, photo.id)["url"]).status_code == 200
    path_of(company, photo).write_bytes(content)
    assert ask_to_move(company) == 1
    sweep(jobs)
    found = row_of(photo.id)
    assert (found["backend"], found["last_error"], found["attempts"]) == ("memory", None, 0)


def test_a_photo_whose_file_has_vanished_is_given_up(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, both: Services
) -> None:
    photo = make_photo(company, order_id, with_object=False)
    ask_to_move(company)
    for _ in range(moving.MOST_ATTEMPTS):
        sweep(jobs, "order_photos.sweep")
        let_time_pass(company, timedelta(minutes=10))
    assert moves_of(company) == [("local", "memory", True, 1)]
    let_time_pass(company, HOUR)
    sweep(jobs)
    assert (state_of(photo.id), keys_in(both, "memory"), deletes_of(company)) == ("stored", [], [])


@pytest.mark.parametrize("how", ["left alone", "not set up"])
def test_a_storage_that_was_not_asked_uses_up_no_try(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, both: Services, how: str
) -> None:
    photo = make_photo(company, order_id)
    ask_to_move(company)
    away = instead(both, LeftAlone(both.storages["memory"])) if how == "left alone" else company.services
    with at_work_on(away):
        for _ in range(moving.MOST_ATTEMPTS + 1):
            assert sweep(jobs, "order_photos.sweep") == ["order_photos.move"]
            assert row_of(photo.id)["attempts"] == 0
            let_time_pass(company, timedelta(minutes=1))
    sweep(jobs)
    assert row_of(photo.id)["backend"] == "memory"


@pytest.mark.parametrize("when", ["before put", "after put"])
def test_of_a_photo_that_is_removed_while_it_moves_nothing_is_left(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, both: Services, when: str
) -> None:
    photo = stored(client, company, jobs, order_id)
    removing = lambda: remove(client, company, order_id, photo["id"])  # noqa: E731
    ask_to_move(company)
    with at_work_on(instead(both, Meanwhile(both.storages["memory"], when, removing))):
        sweep(jobs)
    assert state_of(photo["id"]) is None
    let_time_pass(company, HOUR + timedelta(minutes=1))
    sweep(jobs)
    assert (files_of(company), keys_in(both, "memory"), deletes_of(company), usage(company)) == ([], [], [], {})


def test_a_late_mover_has_nothing_deleted_where_the_photo_is_by_now(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, both: Services
) -> None:
    photo_id, late = stored(client, company, jobs, order_id)["id"], []

    def lease_runs_out() -> None:
        let_time_pass(company, moving.MOVE_LEASE)
        sweep(jobs)
        late.append(row_of(photo_id)["backend"])

    ask_to_move(company)
    with at_work_on(instead(both, Meanwhile(both.storages["memory"], "before allocate", lease_runs_out))):
        jobs.run("order_photos.move", message_of(company, photo_id))
    assert late == ["memory"]
    let_time_pass(company, 2 * HOUR)
    sweep(jobs)
    assert (len(keys_in(both, "memory")), deletes_of(company)) == (2, [])


class Death(BaseException):
    """The worker ends here."""


def die() -> None:
    raise Death


@pytest.fixture
def half_moved(client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, both: Services) -> str:
    """A photo whose mover has died between the copies and the row."""
    photo_id: str = stored(client, company, jobs, order_id)["id"]
    ask_to_move(company)
    dying = Meanwhile(both.storages["memory"], "after put", die)
    with at_work_on(instead(both, dying)), pytest.raises(Death):
        jobs.run("order_photos.move", message_of(company, photo_id))
    assert len(keys_in(both, "memory")) == 1
    return photo_id


def test_what_a_dead_mover_has_copied_is_taken_over_by_the_next(
    client: CheckedClient, company: Company, jobs: JobsProbe, half_moved: str, both: Services
) -> None:
    wait = deletes_of(company)[0]["next_attempt_at"] - datetime.now(UTC)
    assert timedelta(minutes=59) < wait <= HOUR
    sweep(jobs)
    assert row_of(half_moved)["backend"] == "local", "the lease is not over"
    let_time_pass(company, moving.MOVE_LEASE)
    sweep(jobs)
    assert (row_of(half_moved)["backend"], deletes_of(company)) == ("memory", [])
    let_time_pass(company, 2 * HOUR)
    sweep(jobs)
    assert len(keys_in(both, "memory")) == 2


def test_what_a_dead_mover_has_copied_of_a_removed_photo_goes_in_an_hour(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, half_moved: str, both: Services
) -> None:
    remove(client, company, order_id, half_moved)
    sweep(jobs)
    assert (files_of(company), len(keys_in(both, "memory"))) == ([], 1)
    let_time_pass(company, HOUR)
    sweep(jobs)
    assert (keys_in(both, "memory"), deletes_of(company), usage(company)) == ([], [], {})


def test_a_move_that_kills_its_worker_every_time_is_given_up(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, both: Services
) -> None:
    photo_id = stored(client, company, jobs, order_id)["id"]
    ask_to_move(company)
    for _ in range(moving.MOST_ATTEMPTS):
        dying = Meanwhile(both.storages["memory"], "before put", die)
        with at_work_on(instead(both, dying)), pytest.raises(Death):
            sweep(jobs, "order_photos.sweep")
        let_time_pass(company, moving.MOVE_LEASE)
    assert sweep(jobs, "order_photos.sweep") == []
    found = row_of(photo_id)
    assert (found["state"], found["backend"], found["next_attempt_at"]) == ("stored", "local", None)
    assert "died" in found["last_error"]
    assert ask_to_move(company) == 1
    sweep(jobs)
    assert row_of(photo_id)["backend"] == "memory"


def test_a_picture_that_cannot_be_read_for_its_thumbnail_is_given_up(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    photo = make_photo(company, order_id)
    content = b"what a storage that makes thumbnails itself has kept"
    path_of(company, photo).write_bytes(content)
    with transaction(company.scope) as session:
        session.merge(photo).kept_sha256 = sha256(content).hexdigest()
    ask_to_move(company)
    for _ in range(moving.MOST_ATTEMPTS):
        assert sweep(jobs, "order_photos.sweep") == ["order_photos.move"]
        let_time_pass(company, timedelta(minutes=10))
    assert moves_of(company) == [("local", "memory", True, 1)]
