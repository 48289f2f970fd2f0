"""A worker that dies with a photo in its hands, and messages that never leave: the photo is processed all the same."""

import pytest
import requests

from tests.faults.owner import Owner, photo
from tests.faults.photo_steps import (
    assert_nothing_is_left,
    assert_stored,
    delete,
    objects,
    states,
)
from tests.faults.system import System


def test_an_upload_whose_message_never_left_is_processed_by_the_sweep(system: System, owner: Owner) -> None:
    placed, content = owner.place_order(), photo()
    system.kill("api")
    crashing = system.arm("api", "before publish")
    with pytest.raises(requests.ConnectionError):
        owner.upload(placed, content)
    crashing.wait_killed()
    assert states(system, placed) == ["uploaded"]
    system.usual("api")
    system.start("api")
    again = owner.upload(placed, content)
    assert again.status_code == 409
    system.let_time_pass()
    assert again.json()["photo_id"] == assert_stored(system, owner, placed)["id"]


@pytest.mark.parametrize(("crash_point", "left"), [("before put", 1), ("in put", 2), ("after put", 2)])
def test_a_photo_whose_worker_died_is_processed_again(
    system: System, owner: Owner, crash_point: str, left: int
) -> None:
    placed = owner.place_order()
    system.kill("worker")
    crashing = system.arm("worker", crash_point)
    assert owner.upload(placed, photo()).status_code == 201
    crashing.wait_killed()
    assert states(system, placed) == ["processing"]
    assert [found["state"] for found in owner.photos(placed)] == ["processing"]
    assert len(objects(system, placed)) == left
    system.kill("worker")
    system.usual("worker")
    system.let_time_pass()
    system.start("worker")
    assert_stored(system, owner, placed)


def test_a_photo_that_is_removed_after_its_worker_died_leaves_nothing(system: System, owner: Owner) -> None:
    placed = owner.place_order()
    system.kill("worker")
    crashing = system.arm("worker", "after put")
    photo_id = owner.upload(placed, photo()).json()["id"]
    crashing.wait_killed()
    assert delete(owner, placed, photo_id) == 204
    system.kill("worker")
    system.usual("worker")
    system.start("worker")
    system.let_time_pass()
    assert_nothing_is_left(system, placed)
