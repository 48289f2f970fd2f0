"""`storage`: where photos are, moving them, and comparing storage and table, as an operator runs it."""

import json
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ops.cli.storage_reconcile import delete_orphans
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.integrations.storage.local_storage import LocalStorage
from shared.order_photos.model import OrderPhoto, PhotoUsage
from shared.storage_deletes.model import StorageDelete
from shared.wiring import Services
from tests.factories.order_photos import make_photo, put_object
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.factories.storage_deletes import make_storage_delete
from tests.rows import row

from .conftest import Command

OLD = timedelta(hours=3).total_seconds()


@pytest.fixture(autouse=True)
def root(services: Services, tmp_path: Path) -> Iterator[Path]:
    """A storage of the test's own, and no photos of other tests."""
    storages = services.storages
    storages["local"], usual = LocalStorage(tmp_path), storages["local"]
    with transaction(PLATFORM) as session:
        for table in (OrderPhoto, StorageDelete, PhotoUsage):
            session.query(table).delete()
    yield tmp_path
    storages["local"] = usual


def _age(root: Path) -> None:
    """Everything was written hours ago."""
    for path in root.rglob("*"):
        os.utime(path, (time.time() - OLD, time.time() - OLD))


def _reconciled(command: Command, root: Path, *words: str) -> tuple[int, dict[str, list[dict[str, str]]]]:
    done = command("storage", "reconcile", "--json", *words, ORDER_UPLOAD_ROOT=str(root))
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_where_nothing_differs_nothing_is_reported(command: Command, company: Company, root: Path) -> None:
    order_id = make_order(company)
    make_photo(company, order_id)
    make_photo(company, order_id, state="uploaded", due=timedelta(0))
    make_storage_delete(company)
    _age(root)
    status, found = _reconciled(command, root)
    assert (status, found) == (0, {"listed": 3, "orphans": [], "missing": []})


def test_orphans_and_missing_objects_are_reported_and_only_orphans_deleted(
    command: Command, company: Company, root: Path
) -> None:
    order_id = make_order(company)
    kept, lost = make_photo(company, order_id), make_photo(company, order_id)
    (root / str(lost.storage_key)).unlink()
    orphan = f"orders/{company.org_id}/{order_id}/left-behind.jpg"
    put_object(company, orphan, b"left behind")
    put_object(company, "orders/nobody/left-behind.jpg", b"of no organization")
    _age(root)
    status, found = _reconciled(command, root)
    assert status == 1
    assert {each["key"] for each in found["orphans"]} == {orphan, "orders/nobody/left-behind.jpg"}
    assert [each["photo_id"] for each in found["missing"]] == [str(lost.id)]
    assert (root / orphan).exists(), "it was only to report"
    status, _ = _reconciled(command, root, "--apply")
    assert status == 1, "a photo is still without its object"
    assert not (root / orphan).exists()
    assert (root / str(kept.storage_key)).exists()


def test_young_orphans_are_left_alone(command: Command, company: Company, root: Path) -> None:
    put_object(company, f"orders/{company.org_id}/x/being-written.jpg", b"now")
    status, found = _reconciled(command, root, "--apply")
    assert (status, found["orphans"]) == (0, [])
    assert list(root.rglob("being-written.jpg"))


def test_a_bucket_of_somebody_else_is_not_emptied(command: Command, company: Company, root: Path) -> None:
    for number in range(101):
        put_object(company, f"orders/{company.org_id}/other/{number}.jpg", b"theirs")
    _age(root)
    assert _reconciled(command, root, "--apply")[0] == 1
    assert len(list(root.rglob("*.jpg"))) == 101
    assert _reconciled(command, root, "--apply", "--force")[0] == 0
    assert list(root.rglob("*.jpg")) == []


def test_a_few_objects_of_somebody_else_are_not_deleted_either(command: Command, company: Company, root: Path) -> None:
    for number in range(20):
        put_object(company, f"orders/{company.org_id}/other/{number}.jpg", b"theirs")
    _age(root)
    assert _reconciled(command, root, "--apply")[0] == 1
    assert len(list(root.rglob("*.jpg"))) == 20


def test_what_is_no_photo_is_nobody_elses_business(command: Command, company: Company, root: Path) -> None:
    put_object(company, "backups/monday.dump", b"everything")
    _age(root)
    assert _reconciled(command, root, "--apply") == (0, {"listed": 0, "orphans": [], "missing": []})
    assert (root / "backups/monday.dump").exists()


def test_an_orphan_that_a_row_names_by_now_is_left_alone(company: Company, root: Path) -> None:
    """A photo that is moved here while the storage is listed, to where something has been left behind."""
    photo = make_photo(company, make_order(company))
    put_object(company, f"orders/{company.org_id}/x/left-behind.jpg", b"left behind")
    found = list(LocalStorage(root).list_objects("orders/"))
    assert len(found) == 2
    assert delete_orphans(LocalStorage(root), found) == (1, 0)
    assert [path for path in root.rglob("*") if path.is_file()] == [root / str(photo.storage_key)]


def test_moving_marks_photos_for_the_workers_and_status_shows_them(
    command: Command, company: Company, neighbour: Company, root: Path
) -> None:
    photo, theirs = make_photo(company, make_order(company)), make_photo(neighbour, make_order(neighbour))
    s3 = {"S3_BUCKET": "somewhere", "ORDER_UPLOAD_ROOT": str(root)}
    done = command("storage", "move", "--to", "s3", "--org", company.slug, **s3)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 photos will be moved to s3")
    moving = "SELECT move_to, next_attempt_at IS NOT NULL AS due FROM order_photos WHERE id = :id"
    assert row(moving, id=photo.id) == {"move_to": "s3", "due": True}
    assert row(moving, id=theirs.id) == {"move_to": None, "due": False}
    again = command("storage", "move", "--to", "s3", "--org", company.slug, **s3)
    assert again.stdout.startswith("0 photos"), "they are on their way already"
    status = json.loads(command("storage", "status", "--json", **s3).stdout)
    found = {(each["backend"], each["move_to"]): each["photos"] for each in status["photos"]}
    assert found == {("local", "s3"): 1, ("local", None): 1}
    assert "on the way to s3" in command("storage", "status", **s3).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("move", "--to", "s3"), "s3 is not set up here"),
        (("move", "--to", "floppy"), "floppy is not set up here"),
        (("move", "--to", "local", "--org", "nobody-there"), "There is no organization nobody-there"),
        (("reconcile", "--backend", "cloudflare_r2"), "r2 is not set up here"),
    ],
)
def test_what_cannot_be_done_is_one_line(command: Command, words: tuple[str, ...], said: str) -> None:
    done = command("storage", *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
