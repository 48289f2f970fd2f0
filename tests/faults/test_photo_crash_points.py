"""Every line of the crash table of `shared/order_photos`, with processes that really die there.

Whatever dies wherever, it ends with a photo that is stored or one that is gone: no row is left over, no file either.
"""

from pathlib import Path
from typing import Any

import pytest
import requests

from shared.storage_deletes.service import WRITING_PATIENCE
from tests.faults.owner import Owner, Placed, photo
from tests.faults.system import System
from tests.faults.waiting import eventually

KEPT = 2
"""Files of a stored photo: the picture and its thumbnail."""


def states(system: System, placed: Placed) -> list[str]:
    return [row[0] for row in system.sql("SELECT state FROM order_photos WHERE order_id = %s", placed.id)]


def deletes(system: System, placed: Placed) -> list[str]:
    """States of what is to be deleted for the order."""
    key = f"orders/{placed.org_id}/{placed.id}/%"
    return [row[0] for row in system.sql("SELECT state FROM storage_deletes WHERE storage_key LIKE %s", key)]


def files(system: System, placed: Placed) -> list[Path]:
    """Everything on disk that belongs to the order, half a file included."""
    return [path for path in system.uploads.rglob("*") if path.is_file() and placed.id in path.parts]


def assert_nothing_is_left(system: System, placed: Placed) -> None:
    eventually(lambda: not states(system, placed) and not deletes(system, placed), "the rows are gone")
    system.wait_idle()
    assert files(system, placed) == []


def assert_stored(system: System, owner: Owner, placed: Placed) -> dict[str, Any]:
    """One photo, which opens, and nothing else."""
    eventually(lambda: states(system, placed) == ["stored"] and not deletes(system, placed), "it is stored")
    system.wait_idle()
    assert len(files(system, placed)) == KEPT
    (found,) = owner.photos(placed)
    for url in (found["url"], found["thumbnail_url"]):
        assert owner.call("GET", url.removeprefix(owner.base_url)).status_code == 200
    return found


def stored_photo(system: System, owner: Owner) -> tuple[Placed, str]:
    placed = owner.place_order()
    answer = owner.upload(placed, photo())
    assert answer.status_code == 201, answer.text
    assert_stored(system, owner, placed)
    return placed, answer.json()["id"]


def delete(owner: Owner, placed: Placed, photo_id: str) -> int:
    return owner.call("DELETE", f"/v1/orders/{placed.id}/photos/{photo_id}").status_code


@pytest.mark.parametrize(("crash_point", "files_left"), [("before put", 0), ("in put", 1), ("after put", 1)])
def test_an_upload_whose_process_died_is_given_up_and_leaves_nothing(
    system: System, owner: Owner, crash_point: str, files_left: int
) -> None:
    placed, content = owner.place_order(), photo()
    system.kill("api")
    crashing = system.arm("api", crash_point)
    with pytest.raises(requests.ConnectionError):
        owner.upload(placed, content)
    crashing.wait_killed()
    assert states(system, placed) == ["uploading"]
    assert len(files(system, placed)) == files_left
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


@pytest.mark.parametrize(("crash_point", "files_left"), [("before put", 1), ("in put", 2), ("after put", 2)])
def test_a_photo_whose_worker_died_is_processed_again(
    system: System, owner: Owner, crash_point: str, files_left: int
) -> None:
    placed = owner.place_order()
    system.kill("worker")
    crashing = system.arm("worker", crash_point)
    assert owner.upload(placed, photo()).status_code == 201
    crashing.wait_killed()
    assert states(system, placed) == ["processing"]
    assert [found["state"] for found in owner.photos(placed)] == ["processing"]
    assert len(files(system, placed)) == files_left
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


def test_a_delete_whose_message_never_left_is_done_by_the_sweep(system: System, owner: Owner) -> None:
    placed, photo_id = stored_photo(system, owner)
    system.kill("api")
    crashing = system.arm("api", "before publish")
    with pytest.raises(requests.ConnectionError):
        delete(owner, placed, photo_id)
    crashing.wait_killed()
    assert (states(system, placed), deletes(system, placed)) == ([], ["waiting"] * KEPT)
    assert len(files(system, placed)) == KEPT
    system.usual("api")
    system.start("api")
    assert owner.photos(placed) == []
    system.let_time_pass()
    assert_nothing_is_left(system, placed)


@pytest.mark.parametrize(("crash_point", "files_left"), [("before delete", KEPT), ("after delete", 0)])
def test_a_purge_whose_worker_died_is_done_again(
    system: System, owner: Owner, crash_point: str, files_left: int
) -> None:
    placed, photo_id = stored_photo(system, owner)
    system.kill("worker")
    crashing = system.arm("worker", crash_point)
    assert delete(owner, placed, photo_id) == 204
    crashing.wait_killed()
    assert (states(system, placed), deletes(system, placed)) == ([], ["deleting"] * KEPT)
    assert len(files(system, placed)) == files_left
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
    assert len(files(system, bystander)) == KEPT
