"""The same file twice on one order, and what does not count as twice."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.core.transaction import transaction
from shared.order_photos.model import OrderPhoto
from tests.checked_client import CheckedClient
from tests.factories.order_photos import files_of, image_bytes
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import remove, state_of, stored, sweep, upload, uploaded
from tests.rows import footprint


@pytest.mark.parametrize("processed", [False, True])
def test_the_same_file_twice_on_an_order_is_refused(
    client: CheckedClient, company: Company, jobs: JobsProbe, processed: bool
) -> None:
    order_id, other, content = make_order(company), make_order(company), image_bytes()
    first = uploaded(client, company, order_id, content)
    if processed:
        jobs.drain()
    before, files = footprint(company.org_id), files_of(company)
    again = upload(client, company, order_id, content, phase="issue")
    assert again.status_code == 409
    assert (again.get_json()["code"], again.get_json()["photo_id"]) == ("order_photos.duplicate", first)
    assert footprint(company.org_id) == before
    assert files_of(company) == files
    assert upload(client, company, other, content).status_code == 201


def test_an_upload_that_died_does_not_stand_in_the_way_of_the_next(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    order_id, content = make_order(company), image_bytes()
    died = uploaded(client, company, order_id, content)
    with transaction(company.scope) as session:
        photo = session.get_one(OrderPhoto, (company.org_id, UUID(died)))
        photo.state, photo.next_attempt_at = "uploading", datetime.now(UTC) - timedelta(minutes=1)
    again = uploaded(client, company, order_id, content)
    sweep(jobs)
    (listed,) = client.get(f"/v1/orders/{order_id}/photos", headers=company.headers()).get_json()["data"]
    assert (listed["id"], listed["state"]) == (again, "stored")
    assert state_of(died) is None
    assert [file.name.split(".")[0] for file in files_of(company)] == [again, again]


@pytest.mark.parametrize("processed", [False, True])
def test_a_deleted_file_may_be_uploaded_again(
    client: CheckedClient, company: Company, jobs: JobsProbe, processed: bool
) -> None:
    order_id, content = make_order(company), image_bytes()
    first = uploaded(client, company, order_id, content)
    if processed:
        jobs.drain()
    remove(client, company, order_id, first)
    second = stored(client, company, jobs, order_id, content)
    assert second["id"] != first
    assert client.get(second["url"]).status_code == 200
