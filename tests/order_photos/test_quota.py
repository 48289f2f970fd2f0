"""What photos take: counted with the reservation, given back when the objects are gone, and the same as on the disk."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import text

from shared.core.transaction import transaction
from tests.checked_client import CheckedClient
from tests.factories.order_photos import files_of, image_bytes, make_photo
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.factories.storage_deletes import make_storage_delete
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import (
    let_time_pass,
    remove,
    state_of,
    stored,
    sweep,
    undecodable,
    upload,
    uploaded,
    usage,
)
from tests.order_photos.storages import at_work_on, broken
from tests.rows import footprint, row
from tests.variants import client_on, with_settings


def on_disk(company: Company) -> dict[str, int]:
    """What the files take, as `usage` says it."""
    size = sum(file.stat().st_size for file in files_of(company))
    return {"local": size} if size else {}


def with_quota(company: Company, limit: int) -> CheckedClient:
    return client_on(with_settings(company.services, order_photo_quota_bytes=limit))


def test_what_is_counted_is_what_is_on_the_disk(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    first, second = (image_bytes(size=(900, 900)) for _ in range(2))
    ids = [uploaded(client, company, order_id, content) for content in (first, second)]
    assert usage(company) == on_disk(company) == {"local": len(first) + len(second)}
    jobs.drain()
    assert usage(company) == on_disk(company) != {}
    assert len(files_of(company)) == 4, "thumbnails count, too"
    remove(client, company, order_id, ids[0])
    jobs.drain()
    assert usage(company) == on_disk(company) != {}
    remove(client, company, order_id, ids[1])
    jobs.drain()
    assert usage(company) == on_disk(company) == {}


def test_the_upload_that_does_not_fit_is_402_and_leaves_nothing(company: Company, order_id: UUID) -> None:
    first, second = image_bytes(), image_bytes()
    limit = len(first) + len(second) - 1
    client = with_quota(company, limit)
    uploaded(client, company, order_id, first)
    before, files = footprint(company.org_id), files_of(company)
    refused = upload(client, company, order_id, second)
    problem = refused.get_json()
    assert (refused.status_code, problem["code"]) == (402, "billing.limit_reached")
    assert (problem["limit"], problem["usage"]) == (limit, len(first))
    assert footprint(company.org_id) == before
    assert files_of(company) == files
    assert upload(with_quota(company, limit + 1), company, order_id, second).status_code == 201


def test_nobody_pays_for_a_neighbour(company: Company, neighbour: Company) -> None:
    content = image_bytes()
    client = with_quota(company, len(content))
    uploaded(client, neighbour, make_order(neighbour), image_bytes())
    assert upload(client, company, make_order(company), content).status_code == 201


def test_all_backends_count_together(company: Company, order_id: UUID) -> None:
    content = image_bytes()
    with transaction(company.scope) as session:
        counted = "INSERT INTO photo_usage (org_id, backend, bytes) VALUES (:org, 's3', 1)"
        session.execute(text(counted), {"org": company.org_id})
    refused = upload(with_quota(company, len(content)), company, order_id, content)
    assert (refused.status_code, refused.get_json()["usage"]) == (402, 1)


def test_room_comes_back_when_the_objects_are_gone_and_not_before(
    company: Company, jobs: JobsProbe, order_id: UUID, tmp_path: Path
) -> None:
    first, second = image_bytes(), image_bytes()
    client = with_quota(company, max(len(first), len(second)))
    photo_id = uploaded(client, company, order_id, first)
    remove(client, company, order_id, photo_id)
    assert upload(client, company, order_id, second).status_code == 402
    with at_work_on(broken(company.services, tmp_path)):
        assert jobs.drain() == ["order_photos.process", "storage_deletes.purge"]
    assert upload(client, company, order_id, second).status_code == 402
    let_time_pass(company, timedelta(minutes=2))
    sweep(jobs)
    assert usage(company) == on_disk(company) == {}
    assert upload(client, company, order_id, second).status_code == 201


def test_a_photo_that_was_given_up_or_rejected_gives_back_its_room(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    make_photo(company, order_id, state="uploading", due=timedelta(0))
    rejected = uploaded(client, company, order_id, undecodable())
    assert usage(company) == on_disk(company) != {}
    sweep(jobs)
    assert state_of(rejected) == "rejected"
    assert usage(company) == on_disk(company) == {}


def test_the_daily_recount_puts_wrong_numbers_right(
    client: CheckedClient, company: Company, neighbour: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    stored(client, company, jobs, order_id)
    make_photo(neighbour, make_order(neighbour))
    make_storage_delete(company, held_bytes=70, with_object=False)
    right = {"local": usage(company)["local"] + 70}
    theirs = usage(neighbour)
    for drifted in ("UPDATE photo_usage SET bytes = 5", "UPDATE photo_usage SET backend = 's3'"):
        with transaction(company.scope) as session:
            session.execute(text(drifted))
        assert usage(company) != right
        sweep(jobs, "order_photos.recount")
        assert row("SELECT counts FROM job_runs WHERE job = 'photo_recount'")["counts"] == {"wrong": 1}
        assert usage(company) == right
    with transaction(company.scope) as session:
        session.execute(text("DELETE FROM photo_usage"))
    sweep(jobs, "order_photos.recount")
    assert (usage(company), usage(neighbour)) == (right, theirs)


def test_the_recount_finds_nothing_wrong_where_nothing_is(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    stored(client, company, jobs, order_id)
    uploaded(client, company, order_id)
    uploaded(client, company, order_id, undecodable())
    remove(client, company, order_id, uploaded(client, company, order_id))
    before = usage(company)
    sweep(jobs, "order_photos.recount")
    assert row("SELECT counts FROM job_runs WHERE job = 'photo_recount'")["counts"] == {"wrong": 0}
    assert before["local"] > 0
    jobs.drain()
    sweep(jobs, "order_photos.recount")
    assert row("SELECT counts FROM job_runs WHERE job = 'photo_recount'")["counts"] == {"wrong": 0}
