"""Photos that are moved from one backend to another: none is lost on the way, nothing is left behind."""

from datetime import timedelta
from uuid import UUID

import pytest

from shared.core.transaction import transaction
from shared.order_photos import quota
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.factories.order_photos import files_of, make_photo
from tests.factories.orders import make_order
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
    stored,
    sweep,
    uploaded,
    usage,
)
from tests.order_photos.storages import keys_in
from tests.variants import client_on

HOUR = timedelta(hours=1)


@pytest.fixture
def client(both: Services) -> CheckedClient:
    return client_on(both)


def test_a_photo_is_moved_and_its_links_go_on_working(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, both: Services
) -> None:
    photo = stored(client, company, jobs, order_id)
    picture, small = client.get(photo["url"]).data, client.get(photo["thumbnail_url"]).data
    taken = usage(company)["local"]
    assert ask_to_move(company) == 1
    assert client.get(photo["url"]).data == picture, "until it has been moved it is where it was"
    assert sweep(jobs, "order_photos.sweep") == ["order_photos.move", "storage_deletes.purge"]
    found = row_of(photo["id"])
    assert (found["backend"], found["move_to"], found["next_attempt_at"], found["attempts"]) == (
        "memory",
        None,
        None,
        0,
    )
    assert keys_in(both, "memory") == [found["storage_key"], found["thumbnail_key"]]
    assert files_of(company) == []
    assert deletes_of(company) == []
    assert usage(company) == {"memory": taken}
    assert (client.get(photo["url"]).data, client.get(photo["thumbnail_url"]).data) == (picture, small)
    again = shown(client, company, order_id, photo["id"])
    assert {name: again[name] for name in again if "url" not in name} == {
        name: photo[name] for name in photo if "url" not in name
    }


def test_a_moved_photo_is_deleted_from_where_it_is(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, both: Services
) -> None:
    photo = stored(client, company, jobs, order_id)
    ask_to_move(company)
    sweep(jobs)
    remove(client, company, order_id, photo["id"])
    assert {row["backend"] for row in deletes_of(company)} == {"memory"}
    jobs.drain()
    assert (keys_in(both, "memory"), deletes_of(company), usage(company)) == ([], [], {})


def test_a_photo_comes_back_to_the_same_place(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, both: Services
) -> None:
    photo = stored(client, company, jobs, order_id)
    files, taken = files_of(company), usage(company)
    for target in ("memory", "local", "memory", "local"):
        assert ask_to_move(company, target) == 1
        sweep(jobs, "order_photos.sweep")
    let_time_pass(company, 2 * HOUR)
    sweep(jobs)
    assert (files_of(company), usage(company), keys_in(both, "memory")) == (files, taken, [])
    assert client.get(shown(client, company, order_id, photo["id"])["url"]).status_code == 200


def test_a_photo_without_a_thumbnail_gets_one(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, both: Services
) -> None:
    """As one that comes from a storage that has made thumbnails itself."""
    photo = make_photo(company, order_id)
    assert photo.thumbnail_key is None
    ask_to_move(company)
    sweep(jobs)
    path = f"orders/{company.org_id}/{order_id}/{photo.id}"
    assert keys_in(both, "memory") == [f"{path}.png", f"{path}.small.jpg"]
    small = client.get(shown(client, company, order_id, photo.id)["thumbnail_url"])
    assert (small.status_code, small.mimetype) == (200, "image/jpeg")


def test_what_is_moved_can_be_chosen(
    client: CheckedClient, company: Company, neighbour: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    photos = [make_photo(company, order_id) for _ in range(3)]
    make_photo(neighbour, make_order(neighbour))
    for state in ("uploading", "uploaded", "processing", "rejected"):
        make_photo(company, order_id, state=state)
    assert ask_to_move(company, "local") == 0, "they are there"
    assert ask_to_move(company, source="s3") == 0
    assert ask_to_move(company, after=(company.org_id, photos[0].id)) == 2
    assert ask_to_move(company, source="local") == 1, "two have been asked for"
    assert ask_to_move(company) == 0
    assert moves_of(company) == [("local", "memory", False, 3)]
    sweep(jobs)
    assert {row_of(photo.id)["backend"] for photo in photos} == {"memory"}
    assert moves_of(company) == [("memory", None, False, 3)]
    assert usage(neighbour).keys() == {"local"}


def test_a_message_that_comes_twice_moves_once(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    photo = make_photo(company, order_id)
    ask_to_move(company)
    for _ in range(2):
        jobs.run("order_photos.move", message_of(company, photo.id))
    before = row_of(photo.id), usage(company)
    jobs.drain()
    jobs.run("order_photos.move", message_of(company, photo.id))
    assert (row_of(photo.id), usage(company)) == before
    assert before[0]["backend"] == "memory"


def test_the_numbers_are_right_after_a_move(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    stored(client, company, jobs, order_id)
    uploaded(client, company, order_id)
    ask_to_move(company)
    sweep(jobs)
    with transaction(company.scope) as session:
        assert quota.recount(session, company.org_id) == 0
    assert usage(company).keys() == {"local", "memory"}
