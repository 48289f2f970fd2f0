"""Changing ORDER_STORAGE_BACKEND with photos in place: they stay where they are, and are found and deleted there."""

from uuid import UUID

import pytest

from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.factories.order_photos import files_of
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import deletes_of, photo_row, read, remove, shown, stored, uploaded, usage
from tests.order_photos.storages import keys_in, with_memory
from tests.variants import client_on


@pytest.fixture
def changed(company: Company) -> Services:
    """From now on new photos go to `memory`."""
    return with_memory(company.services, new_photos="memory")


def test_new_photos_go_to_the_new_backend_and_old_ones_open(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, changed: Services
) -> None:
    old = stored(client, company, jobs, order_id)
    files, content = files_of(company), read(client, old["url"]).getvalue()
    client = client_on(changed)
    new = stored(client, company, jobs, order_id)
    assert (files_of(company), len(keys_in(changed, "memory"))) == (files, 2)
    assert usage(company).keys() == {"local", "memory"}
    assert read(client, shown(client, company, order_id, old["id"])["url"]).getvalue() == content
    assert read(client, new["url"]).getvalue() != content
    assert client.get(new["thumbnail_url"]).status_code == 200


@pytest.mark.parametrize("processed", [False, True])
def test_an_old_photo_is_deleted_from_where_it_is(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, changed: Services, processed: bool
) -> None:
    old = uploaded(client, company, order_id)
    if processed:
        jobs.drain()
    client = client_on(changed)
    new = stored(client, company, jobs, order_id)
    kept = keys_in(changed, "memory")
    remove(client, company, order_id, old)
    jobs.drain()
    assert (files_of(company), keys_in(changed, "memory"), deletes_of(company)) == ([], kept, [])
    assert client.get(new["url"]).status_code == 200


def test_an_upload_from_before_the_change_is_kept_where_it_came(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, changed: Services
) -> None:
    photo_id = uploaded(client, company, order_id)
    client = client_on(changed)
    jobs.drain()
    found = photo_row(photo_id)
    assert found is not None
    assert (found["state"], found["backend"], len(files_of(company))) == ("stored", "local", 2)
    assert keys_in(changed, "memory") == []
