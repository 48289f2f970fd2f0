"""Every line of the crash table of `shared/order_photos`, with processes that really die there, on files and on S3.

Whatever dies wherever, it ends with a photo that is stored or one that is gone: no row is left over, no object either.
"""

from collections.abc import Iterator

import pytest
import requests

from shared.storage_deletes.service import WRITING_PATIENCE
from tests.faults.owner import Owner, photo
from tests.faults.photo_steps import (
    KEPT,
    assert_nothing_is_left,
    assert_stored,
    delete,
    deletes,
    keep_photos_in,
    objects,
    states,
    stored_photo,
)
from tests.faults.system import System
from tests.faults.waiting import eventually


@pytest.fixture(scope="module", autouse=True, params=["local", "s3"])
def backend(request: pytest.FixtureRequest, installation: System) -> Iterator[str]:
    yield from keep_photos_in(request.param, installation)


@pytest.mark.parametrize(("crash_point", "left"), [("before put", 0), ("in put", 0), ("after put", 1)])
def test_an_upload_whose_process_died_is_given_up_and_leaves_nothing(
    system: System, owner: Owner, backend: str, crash_point: str, left: int
) -> None:
    placed, content = owner.place_order(), photo()
    system.kill("api")
    crashing = system.arm("api", crash_point)
    with pytest.raises(requests.ConnectionError):
        owner.upload(placed, content)
    crashing.wait_killed()
    assert states(system, placed) == ["uploading"]
    half_a_file = backend == "local" and crash_point == "in put"  # S3 takes an object as a whole
    assert len(objects(system, placed)) == left + half_a_file
    system.usual("api")
    system.start("api")
    assert owner.photos(placed) == []
    again = owner.upload(placed, content)  # what died does not stand in the way
    assert again.status_code == 201, again.text
    eventually(lambda: "stored" in states(system, placed), "the second is stored")
    system.let_time_pass(WRITING_PATIENCE.total_seconds() + 1)
    assert_stored(system, owner, placed)
    assert delete(owner, placed, again.json()["id"]) == 204
    assert_nothing_is_left(system, placed)


def test_a_delete_whose_message_never_left_is_done_by_the_sweep(system: System, owner: Owner) -> None:
    placed, photo_id = stored_photo(system, owner)
    system.kill("api")
    crashing = system.arm("api", "before publish")
    with pytest.raises(requests.ConnectionError):
        delete(owner, placed, photo_id)
    crashing.wait_killed()
    assert (states(system, placed), deletes(system, placed)) == ([], ["waiting"] * KEPT)
    assert len(objects(system, placed)) == KEPT
    system.usual("api")
    system.start("api")
    assert owner.photos(placed) == []
    system.let_time_pass()
    assert_nothing_is_left(system, placed)


@pytest.mark.parametrize(("crash_point", "left"), [("before delete", KEPT), ("after delete", 0)])
def test_a_purge_whose_worker_died_is_done_again(system: System, owner: Owner, crash_point: str, left: int) -> None:
    placed, photo_id = stored_photo(system, owner)
    system.kill("worker")
    crashing = system.arm("worker", crash_point)
    assert delete(owner, placed, photo_id) == 204
    crashing.wait_killed()
    assert (states(system, placed), deletes(system, placed)) == ([], ["deleting"] * KEPT)
    assert len(objects(system, placed)) == left
    system.kill("worker")
    system.usual("worker")
    system.let_time_pass()
    system.start("worker")
    assert_nothing_is_left(system, placed)


def test_messages_that_arrive_five_times_at_two_workers_do_one_thing(system: System, owner: Owner) -> None:
    system.start("worker_2")
    bystander, bystander_id = stored_photo(system, owner)
    placed = owner.place_order()
    system.kill("worker", "worker_2", "beat")
    photo_id = owner.upload(placed, photo()).json()["id"]
    system.publish_again("order_photos.process", "storage", times=4, org_id=owner.org_id, photo_id=photo_id)
    system.start("worker", "worker_2", "beat")
    assert_stored(system, owner, placed)
    system.kill("worker", "worker_2", "beat")
    assert delete(owner, placed, photo_id) == 204
    system.publish_again("storage_deletes.purge", "storage", times=4, org_id=owner.org_id, owner_id=photo_id)
    system.start("worker", "worker_2", "beat")
    assert_nothing_is_left(system, placed)
    assert "task.crashed" not in system.output("worker", "worker_2")
    assert [found["id"] for found in owner.photos(bystander)] == [bystander_id]
    assert len(objects(system, bystander)) == KEPT
