"""Every line of the crash table of `shared/order_photos`, with processes that really die there.

Whatever dies wherever, it ends with a photo that is stored or one that is gone: no row is left over, no file either.
"""

from pathlib import Path

import pytest
import requests

from shared.order_photos.service import UPLOAD_PATIENCE
from tests.faults.owner import Owner, Placed, photo
from tests.faults.system import System
from tests.faults.waiting import eventually


def states(system: System, placed: Placed) -> list[str]:
    return [row[0] for row in system.sql("SELECT state FROM order_photos WHERE order_id = %s", placed.id)]


def files(system: System, placed: Placed) -> list[Path]:
    """Everything on disk that belongs to the order, half a file included."""
    return [path for path in system.uploads.rglob("*") if path.is_file() and placed.id in path.parts]


def assert_nothing_is_left(system: System, placed: Placed) -> None:
    eventually(lambda: not states(system, placed), "the row is gone")
    system.wait_idle()
    assert files(system, placed) == []


def stored_photo(system: System, owner: Owner) -> tuple[Placed, str]:
    placed = owner.place_order()
    answer = owner.upload(placed, photo())
    assert answer.status_code == 201, answer.text
    assert len(files(system, placed)) == 1
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
    system.let_time_pass(UPLOAD_PATIENCE.total_seconds() + 1)
    eventually(lambda: states(system, placed) == ["stored"], "the upload that died is given up")
    eventually(lambda: len(files(system, placed)) == 1, "its file is gone")
    assert delete(owner, placed, again.json()["id"]) == 204
    assert_nothing_is_left(system, placed)


def test_a_delete_whose_message_never_left_is_done_by_the_sweep(system: System, owner: Owner) -> None:
    placed, photo_id = stored_photo(system, owner)
    system.kill("api")
    crashing = system.arm("api", "before publish")
    with pytest.raises(requests.ConnectionError):
        delete(owner, placed, photo_id)
    crashing.wait_killed()
    assert states(system, placed) == ["deleting"]
    assert len(files(system, placed)) == 1
    system.usual("api")
    system.start("api")
    assert owner.photos(placed) == []
    system.let_time_pass()
    assert_nothing_is_left(system, placed)


@pytest.mark.parametrize(("crash_point", "files_left"), [("before delete", 1), ("after delete", 0)])
def test_a_purge_whose_worker_died_is_done_again(
    system: System, owner: Owner, crash_point: str, files_left: int
) -> None:
    placed, photo_id = stored_photo(system, owner)
    system.kill("worker")
    crashing = system.arm("worker", crash_point)
    assert delete(owner, placed, photo_id) == 204
    crashing.wait_killed()
    assert states(system, placed) == ["purging"]
    assert len(files(system, placed)) == files_left
    system.kill("worker")
    system.usual("worker")
    system.let_time_pass()
    system.start("worker")
    assert_nothing_is_left(system, placed)


def test_a_purge_that_arrives_five_times_at_two_workers_purges_once(system: System, owner: Owner) -> None:
    system.start("worker_2")
    placed, photo_id = stored_photo(system, owner)
    bystander, bystander_id = stored_photo(system, owner)
    system.kill("worker", "worker_2", "beat")
    assert delete(owner, placed, photo_id) == 204
    system.publish_again("order_photos.purge", "storage", times=4, org_id=owner.org_id, photo_id=photo_id)
    system.start("worker", "worker_2", "beat")
    eventually(lambda: not states(system, placed), "the row is gone")
    system.wait_idle()
    assert "task.crashed" not in system.output("worker", "worker_2")
    assert [found["id"] for found in owner.photos(bystander)] == [bystander_id]
    assert len(files(system, bystander)) == 1
    assert_nothing_is_left(system, placed)
