"""Every row of the crash table in `shared/order_photos/__init__.py`: what a death leaves behind, and how it heals."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.core.errors import Conflict
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.order_photos import sweeping, uploading
from shared.storage_deletes.service import WRITING_PATIENCE
from tests.checked_client import CheckedClient
from tests.factories.order_photos import files_of, make_photo, path_of, put_object
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import (
    deletes_of,
    let_time_pass,
    message_of,
    photo_row,
    state_of,
    stored,
    sweep,
    uploaded,
    usage,
)
from tests.rows import row

LATE, EARLY = timedelta(seconds=-1), timedelta(minutes=5)


@pytest.mark.parametrize("with_object", [False, True])  # after reserve, before put; after put, before mark_uploaded
def test_an_upload_that_never_ended_is_given_up(
    company: Company, jobs: JobsProbe, order_id: UUID, with_object: bool
) -> None:
    photo = make_photo(company, order_id, state="uploading", due=LATE, with_object=with_object)
    assert path_of(company, photo).exists() == with_object
    assert usage(company) == {"local": photo.size}
    assert sweep(jobs, "order_photos.sweep") == ["storage_deletes.purge"]
    assert (state_of(photo.id), files_of(company), usage(company), deletes_of(company)) == (None, [], {}, [])


@pytest.mark.parametrize("state", ["uploaded", "processing"])
def test_a_photo_whose_message_or_worker_was_lost_is_stored_in_the_end(
    company: Company, jobs: JobsProbe, order_id: UUID, state: str
) -> None:
    photo = make_photo(company, order_id, state=state, due=LATE)
    assert sweep(jobs, "order_photos.sweep") == ["order_photos.process", "storage_deletes.purge"]
    assert state_of(photo.id) == "stored"
    assert [file.name for file in files_of(company)] == [f"{photo.id}.png", f"{photo.id}.small.jpg"]


def test_a_worker_that_died_between_its_objects_is_followed_by_one_that_writes_over_them(
    company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    photo = make_photo(company, order_id, state="processing", due=LATE)
    key = f"orders/{company.org_id}/{order_id}/{photo.id}.png"
    with transaction(company.scope) as session:
        session.merge(photo).storage_key = key
    put_object(company, key, b"the first half of a try")
    sweep(jobs)
    found = photo_row(photo.id)
    assert found is not None
    assert (found["state"], found["storage_key"]) == ("stored", key)
    assert (company.services.settings.order_upload_root / key).stat().st_size == found["size"]
    assert len(files_of(company)) == 2


@pytest.mark.parametrize("state", ["uploading", "uploaded", "processing"])
def test_the_sweep_leaves_alone_what_is_not_late(company: Company, jobs: JobsProbe, order_id: UUID, state: str) -> None:
    photo = make_photo(company, order_id, state=state, due=EARLY)
    assert sweep(jobs) == []
    assert state_of(photo.id) == state
    assert path_of(company, photo).exists()


def test_the_sweep_never_touches_a_stored_photo(company: Company, jobs: JobsProbe, order_id: UUID) -> None:
    photo = make_photo(company, order_id)
    with transaction(PLATFORM) as session:
        counts = sweeping.sweep(session, now=datetime.now(UTC) + timedelta(days=365))
    assert set(counts.values()) == {0}
    assert jobs.enqueued() == []
    assert path_of(company, photo).exists()


@pytest.mark.parametrize("state", ["uploading", "stored", "rejected"])
def test_a_stray_message_processes_nothing_that_is_not_uploaded(
    company: Company, jobs: JobsProbe, order_id: UUID, state: str
) -> None:
    photo = make_photo(company, order_id, state=state, due=EARLY)
    before, files = photo_row(photo.id), files_of(company)
    for name in ("order_photos.process", "order_photos.move"):
        jobs.run(name, message_of(company, photo.id))
    assert (photo_row(photo.id), files_of(company), jobs.enqueued()) == (before, files, [])


def test_a_message_with_another_organizations_id_does_nothing(
    company: Company, neighbour: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    photo = make_photo(company, order_id, state="uploaded")
    jobs.run("order_photos.process", message_of(neighbour, photo.id))
    assert state_of(photo.id) == "uploaded"


def test_an_upload_gets_an_hour_and_what_follows_half_a_minute(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    photo_id = uploaded(client, company, order_id)
    due = row("SELECT next_attempt_at - now() AS wait FROM order_photos WHERE id = :id", id=photo_id)["wait"]
    assert timedelta(seconds=20) < due < timedelta(minutes=1)
    assert timedelta(hours=1) == WRITING_PATIENCE
    photo = stored(client, company, jobs, order_id)
    found = photo_row(photo["id"])
    assert found is not None
    assert (found["next_attempt_at"], found["attempts"], found["last_error"]) == (None, 0, None)


def test_an_upload_that_was_given_up_meanwhile_is_refused(company: Company, jobs: JobsProbe, order_id: UUID) -> None:
    photo = make_photo(company, order_id, state="uploading", due=LATE)
    sweep(jobs)
    with pytest.raises(Conflict) as refused, transaction(company.scope) as session:
        uploading.mark_uploaded(session, company.owner, photo.id, now=datetime.now(UTC))
    assert refused.value.code == "order_photos.upload_expired"
    assert jobs.enqueued() == []


def test_half_a_file_of_a_dead_upload_goes_with_the_rest(company: Company, jobs: JobsProbe, order_id: UUID) -> None:
    photo = make_photo(company, order_id, state="uploading", due=LATE, with_object=False)
    file = path_of(company, photo)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.with_name(f".{file.name}.part").write_bytes(b"half")
    sweep(jobs)
    assert files_of(company) == []


def test_the_sweep_takes_fifty_of_the_oldest_and_goes_on_until_there_is_none(
    company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    made = [
        make_photo(company, order_id, state="uploading", due=timedelta(seconds=-n), with_object=False).id
        for n in range(60)
    ]
    with transaction(PLATFORM) as session:
        counts = sweeping.sweep(session, now=datetime.now(UTC))
    assert counts == {"given_up": 50, "requeued": 0, "rejected": 0, "forgotten": 0}
    assert {photo_id for photo_id in made if state_of(photo_id)} == set(made[:10])
    sweep(jobs, "order_photos.sweep")
    run = row("SELECT counts FROM job_runs WHERE job = 'order_photos.sweep'")
    assert run["counts"]["given_up"] == 10
    let_time_pass(company, timedelta(minutes=1))
    sweep(jobs, "storage_deletes.sweep")
    assert (usage(company), deletes_of(company)) == ({}, [])
