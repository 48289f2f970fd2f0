"""Objects that are named before they are written, so that they are deleted unless somebody keeps them."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.core.errors import Unavailable
from shared.core.transaction import transaction
from shared.storage_deletes import service as storage_deletes
from shared.storage_deletes.model import StorageDelete
from shared.storage_deletes.service import WRITING_PATIENCE, Unwanted
from tests.factories.order_photos import files_of
from tests.factories.organizations import Company
from tests.factories.storage_deletes import make_storage_delete
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import deletes_of, let_time_pass, sweep


def _reserve(company: Company, *keys: str) -> None:
    due = datetime.now(UTC) + WRITING_PATIENCE
    places = [Unwanted(company.org_id, uuid4(), "local", key, 0, due) for key in keys]
    with transaction(company.scope) as session:
        storage_deletes.reserve(session, places)


def _keep(company: Company, *keys: str) -> bool:
    with transaction(company.scope) as session:
        return storage_deletes.keep(session, company.org_id, "local", keys)


def test_what_nobody_keeps_is_deleted_in_an_hour(company: Company, jobs: JobsProbe) -> None:
    made = make_storage_delete(company, due=timedelta(hours=9))
    _reserve(company, made.storage_key)
    assert jobs.enqueued() == []
    let_time_pass(company, timedelta(minutes=59))
    sweep(jobs)
    assert len(files_of(company)) == 1
    let_time_pass(company, timedelta(minutes=1))
    sweep(jobs)
    assert (files_of(company), deletes_of(company)) == ([], [])


def test_what_is_kept_is_not_deleted(company: Company, jobs: JobsProbe) -> None:
    _reserve(company, "orders/a", "orders/b", "orders/c")
    assert _keep(company, "orders/a", "orders/b")
    assert [row["storage_key"] for row in deletes_of(company)] == ["orders/c"]
    assert not _keep(company, "orders/a"), "nobody has reserved it any more"
    assert not _keep(company, "orders/b", "orders/c")


def test_a_delete_that_waits_at_the_place_is_put_off(company: Company, jobs: JobsProbe) -> None:
    made = make_storage_delete(company)
    _reserve(company, made.storage_key)
    sweep(jobs)
    assert len(files_of(company)) == 1
    assert _keep(company, made.storage_key)
    let_time_pass(company, timedelta(days=1))
    sweep(jobs)
    assert len(files_of(company)) == 1


def test_what_is_being_deleted_can_neither_be_reserved_nor_kept(company: Company) -> None:
    made = make_storage_delete(company, state="deleting", due=timedelta(minutes=1))
    before = deletes_of(company)
    with pytest.raises(Unavailable) as refused:
        _reserve(company, "orders/a", made.storage_key)
    assert refused.value.code == "storage.unavailable"
    assert not _keep(company, made.storage_key)
    assert deletes_of(company) == before


def test_others_reserve_nothing_for_us(company: Company, neighbour: Company) -> None:
    _reserve(company, "orders/a")
    assert not _keep(neighbour, "orders/a")
    with transaction(company.scope) as session:
        assert not storage_deletes.keep(session, company.org_id, "s3", ["orders/a"])
        assert session.get(StorageDelete, (company.org_id, deletes_of(company)[0]["id"])) is not None
