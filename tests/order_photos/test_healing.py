"""Every row of the crash table in `shared/order_photos/__init__.py`: what a death leaves behind, and how it heals."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shared.core.errors import Conflict
from shared.core.permissions import Role
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.integrations.storage.local_storage import LocalStorage
from shared.order_photos import service as order_photos
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.factories.order_photos import files_of, image_bytes, make_photo, path_of, photo_form
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.rows import row, rows
from tests.variants import client_on
from worker.core import boot

LATE, EARLY = timedelta(seconds=-1), timedelta(minutes=5)


def _state(photo_id: UUID) -> dict[str, Any] | None:
    found = rows("SELECT state, attempts, next_attempt_at, last_error FROM order_photos WHERE id = :id", id=photo_id)
    return found[0] if found else None


@pytest.fixture
def order_id(company: Company) -> UUID:
    return make_order(company)


@pytest.mark.parametrize(
    ("state", "with_object"),
    [
        ("uploading", False),  # after reserve, before put
        ("uploading", True),  # after put, before mark_stored
        ("deleting", True),  # after remove, before the message
        ("deleting", False),  # in purge, after the storage delete
    ],
)
def test_the_sweep_heals_what_a_crash_has_left(
    company: Company, jobs: JobsProbe, order_id: UUID, state: str, with_object: bool
) -> None:
    photo = make_photo(company, order_id, state=state, due=LATE, with_object=with_object)
    assert path_of(company, photo).exists() == with_object
    jobs.run("order_photos.sweep")
    assert jobs.drain() == ["order_photos.purge"]
    assert _state(photo.id) is None
    assert files_of(company) == []


def test_a_message_that_arrives_twice_finds_nothing_to_do(company: Company, jobs: JobsProbe, order_id: UUID) -> None:
    photo = make_photo(company, order_id, state="deleting")
    arguments = {"org_id": str(company.org_id), "photo_id": str(photo.id)}
    for _ in range(3):
        jobs.run("order_photos.purge", arguments)
        assert _state(photo.id) is None
    assert jobs.enqueued() == []


@pytest.mark.parametrize("state", ["stored", "uploading", "stuck"])
def test_a_stray_message_purges_nothing_that_is_not_to_be_deleted(
    company: Company, jobs: JobsProbe, order_id: UUID, state: str
) -> None:
    photo = make_photo(company, order_id, state=state)
    jobs.run("order_photos.purge", {"org_id": str(company.org_id), "photo_id": str(photo.id)})
    assert path_of(company, photo).exists()
    assert _state(photo.id) is not None


def test_a_message_with_another_organizations_id_purges_nothing(
    company: Company, neighbour: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    photo = make_photo(company, order_id, state="deleting")
    jobs.run("order_photos.purge", {"org_id": str(neighbour.org_id), "photo_id": str(photo.id)})
    assert path_of(company, photo).exists()
    assert _state(photo.id) is not None


@pytest.mark.parametrize("state", ["uploading", "deleting"])
def test_the_sweep_leaves_alone_what_is_not_late(company: Company, jobs: JobsProbe, order_id: UUID, state: str) -> None:
    photo = make_photo(company, order_id, state=state, due=EARLY)
    jobs.run("order_photos.sweep")
    assert jobs.enqueued() == []
    found = _state(photo.id)
    assert found is not None
    assert found["state"] == state


def test_the_sweep_never_touches_a_stored_photo(company: Company, jobs: JobsProbe, order_id: UUID) -> None:
    photo = make_photo(company, order_id)
    with transaction(PLATFORM) as session:
        order_photos.sweep(session, company.services.settings, now=datetime.now(UTC) + timedelta(days=365))
    assert jobs.enqueued() == []
    assert path_of(company, photo).exists()


def test_an_upload_gets_an_hour_and_a_delete_half_a_minute(
    client: CheckedClient, company: Company, order_id: UUID, broken: Callable[[Path], Services]
) -> None:
    photo_id = client.post(f"/v1/orders/{order_id}/photos", data=photo_form(), headers=company.headers()).get_json()[
        "id"
    ]
    assert _state(photo_id) == {"state": "stored", "attempts": 0, "next_attempt_at": None, "last_error": None}
    client.delete(f"/v1/orders/{order_id}/photos/{photo_id}", headers=company.headers())
    due = row("SELECT next_attempt_at - now() AS wait FROM order_photos WHERE id = :id", id=photo_id)["wait"]
    assert timedelta(seconds=20) < due < timedelta(minutes=10)
    assert timedelta(hours=1) == order_photos.UPLOAD_PATIENCE


def test_an_upload_that_was_given_up_meanwhile_is_refused(company: Company, order_id: UUID) -> None:
    photo = make_photo(company, order_id, state="deleting", due=EARLY)
    with pytest.raises(Conflict) as refused, transaction(company.scope) as session:
        order_photos.mark_stored(session, company.actor(Role.OWNER), photo.id)
    assert refused.value.code == "order_photos.upload_expired"


@pytest.fixture
def broken(company: Company, tmp_path: Path) -> Iterator[Callable[[Path], Services]]:
    """Services whose storage keeps its files below `root`, whatever is there."""

    def below(root: Path) -> Services:
        settings = company.services.settings.model_copy(update={"order_upload_root": root})
        return replace(company.services, settings=settings, storages={"local": LocalStorage(root)})

    yield below
    boot.use(company.services)


def test_a_storage_that_cannot_write_is_503_and_the_row_is_purged(
    company: Company, jobs: JobsProbe, order_id: UUID, broken: Callable[[Path], Services], tmp_path: Path
) -> None:
    blocker = tmp_path / "a-file"
    blocker.write_text("not a folder")
    client = client_on(broken(blocker / "uploads"))
    content = image_bytes()
    path = f"/v1/orders/{order_id}/photos"
    answer = client.post(path, data=photo_form(content), headers=company.headers())
    assert answer.status_code == 503
    assert answer.get_json()["code"] == "storage.unavailable"
    assert int(answer.headers["Retry-After"]) >= 1
    assert str(tmp_path) not in answer.get_data(as_text=True)
    (left,) = rows("SELECT state FROM order_photos WHERE org_id = :org", org=company.org_id)
    assert left["state"] == "deleting"
    ((name, arguments),) = jobs.enqueued()
    assert name == "order_photos.purge"
    boot.use(company.services)  # the storage is back
    jobs.run(name, arguments)
    assert rows("SELECT 1 FROM order_photos WHERE org_id = :org", org=company.org_id) == []
    again = client_on(company.services).post(path, data=photo_form(content), headers=company.headers())
    assert again.status_code == 201


def test_a_storage_that_cannot_read_is_503(
    company: Company, order_id: UUID, broken: Callable[[Path], Services], tmp_path: Path
) -> None:
    root = tmp_path / "uploads"
    client = client_on(broken(root))
    path = f"/v1/orders/{order_id}/photos"
    photo = client.post(path, data=photo_form(), headers=company.headers()).get_json()
    shutil.rmtree(root)
    root.write_text("not a folder")
    answer = client.get(photo["url"])
    assert answer.status_code == 503
    assert answer.get_json()["code"] == "storage.unavailable"


def test_a_delete_that_keeps_failing_is_tried_again_and_then_stuck(
    company: Company, jobs: JobsProbe, order_id: UUID, broken: Callable[[Path], Services], tmp_path: Path
) -> None:
    blocker = tmp_path / "a-file"
    blocker.write_text("not a folder")
    services = broken(blocker / "uploads")
    boot.use(services)
    photo = make_photo(company, order_id, state="deleting", due=LATE)
    arguments = {"org_id": str(company.org_id), "photo_id": str(photo.id)}
    most = services.settings.storage_delete_max_attempts
    waits = []
    for attempt in range(1, most + 1):
        started = datetime.now(UTC)
        for _copy in range(3):  # only the first finds something to do before the retry is due
            jobs.run("order_photos.purge", arguments)
        found = _state(photo.id)
        assert found is not None
        assert (found["attempts"], found["state"]) == (attempt, "purging" if attempt < most else "stuck")
        assert found["last_error"]
        if attempt < most:
            waits.append((found["next_attempt_at"] - started).total_seconds())
            with transaction(PLATFORM) as session:
                order_photos.sweep(session, company.services.settings, now=found["next_attempt_at"])
            jobs.enqueued()
    assert waits == sorted(waits)
    assert 30 <= waits[0] < 60
    jobs.run("order_photos.purge", arguments)
    with transaction(PLATFORM) as session:
        order_photos.sweep(session, company.services.settings, now=datetime.now(UTC) + timedelta(days=1))
    assert jobs.enqueued() == []
    found = _state(photo.id)
    assert found is not None
    assert found["state"] == "stuck"


def test_half_a_file_of_a_dead_upload_goes_with_the_rest(company: Company, jobs: JobsProbe, order_id: UUID) -> None:
    photo = make_photo(company, order_id, state="uploading", due=LATE, with_object=False)
    file = path_of(company, photo)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.with_name(f".{file.name}.part").write_bytes(b"half")
    jobs.run("order_photos.sweep")
    jobs.drain()
    assert files_of(company) == []


def test_the_sweep_takes_the_oldest_first_and_stops_at_its_batch(
    company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    made = [make_photo(company, order_id, state="deleting", due=timedelta(seconds=-n)).id for n in range(1, 5)]
    settings = company.services.settings.model_copy(update={"storage_delete_batch_size": 3})
    with transaction(PLATFORM) as session:
        counts = order_photos.sweep(session, settings, now=datetime.now(UTC))
    assert counts == {"given_up": 0, "requeued": 3, "stuck": 0}
    assert {arguments["photo_id"] for _, arguments in jobs.enqueued()} == {str(each) for each in made[1:]}
