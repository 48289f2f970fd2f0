"""Photos over HTTP: upload, list, read, download, delete, with real files."""

import hashlib
from typing import Any
from uuid import uuid4

import pytest

from tests.checked_client import CheckedClient
from tests.factories.order_photos import files_of, image_bytes, make_photo, path_of
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import deletes_of, remove, shown, state_of, stored, upload, uploaded
from tests.rows import footprint, row, rows


def test_an_upload_is_accepted_as_it_is_said_to_be(client: CheckedClient, company: Company) -> None:
    order_id, content = make_order(company), image_bytes("WEBP")
    answer = upload(client, company, order_id, content, name="whatever.txt", caption="Before", phase="before")
    assert answer.status_code == 201
    photo = answer.get_json()
    assert (photo["phase"], photo["caption"], photo["order_id"]) == ("before", "Before", str(order_id))
    assert (photo["mime"], photo["size"]) == ("image/webp", len(content))
    assert photo["sha256"] == hashlib.sha256(content).hexdigest()


def test_keys_are_made_of_identifiers(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    order_id = make_order(company)
    photo_id = upload(client, company, order_id, name="../../../etc/passwd\x00.png").get_json()["id"]
    root = company.services.settings.order_upload_root / f"orders/{company.org_id}/{order_id}"
    assert files_of(company) == [root / f"{photo_id}.upload"]
    jobs.drain()
    assert files_of(company) == [root / f"{photo_id}.png", root / f"{photo_id}.small.jpg"]


def test_photos_are_listed_oldest_first_with_links_that_work(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    order_id = make_order(company)
    ids = [uploaded(client, company, order_id) for _ in range(3)]
    jobs.drain()
    listed = client.get(f"/v1/orders/{order_id}/photos", headers=company.headers()).get_json()["data"]
    assert [photo["id"] for photo in listed] == ids
    for photo in listed:
        assert client.get(photo["url"]).status_code == client.get(photo["thumbnail_url"]).status_code == 200
        one = shown(client, company, order_id, photo["id"])
        assert {name: one[name] for name in one if "url" not in name} == {
            name: photo[name] for name in photo if "url" not in name
        }


def test_a_deleted_photo_is_gone_at_once_and_its_files_soon_after(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    order_id = make_order(company)
    photo = stored(client, company, jobs, order_id)
    path = f"/v1/orders/{order_id}/photos/{photo['id']}"
    assert client.delete(path, headers=company.headers()).status_code == 204
    assert client.get(path, headers=company.headers()).status_code == 404
    assert client.get(f"{path}/url", headers=company.headers()).status_code == 404
    assert client.get(photo["url"]).status_code == client.get(photo["thumbnail_url"]).status_code == 404
    assert client.get(f"/v1/orders/{order_id}/photos", headers=company.headers()).get_json()["data"] == []
    assert client.delete(path, headers=company.headers()).status_code == 404
    assert state_of(photo["id"]) is None
    assert len(files_of(company)) == 2
    assert jobs.drain() == ["storage_deletes.purge"]
    assert files_of(company) == []
    assert deletes_of(company) == []


def test_who_removes_a_photo_is_written_down(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    order_id = make_order(company)
    photo = make_photo(company, order_id)
    remove(client, company, order_id, photo.id)
    entry = row(
        "SELECT actor_id, before FROM audit_entries WHERE resource_id = :id AND action = 'order_photos.remove'",
        id=photo.id,
    )
    assert entry == {"actor_id": company.owner.user_id, "before": {"order_id": str(order_id)}}


def test_another_organizations_order_takes_no_photo(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    order_id = make_order(neighbour)
    company.headers()
    before = footprint(company.org_id), footprint(neighbour.org_id)
    answer = upload(client, company, order_id)
    assert answer.status_code == 404
    assert answer.get_json()["code"] == "orders.not_found"
    assert (footprint(company.org_id), footprint(neighbour.org_id)) == before
    assert files_of(company) + files_of(neighbour) == []


def test_a_photo_is_found_under_its_own_order_only(client: CheckedClient, company: Company) -> None:
    order_id, other = make_order(company), make_order(company)
    photo = make_photo(company, order_id)
    for method, end in (("GET", ""), ("GET", "/url"), ("DELETE", "")):
        path = f"/v1/orders/{other}/photos/{photo.id}{end}"
        assert client.open(path, method=method, headers=company.headers()).status_code == 404
    assert path_of(company, photo).exists()
    assert client.get(f"/v1/orders/{uuid4()}/photos", headers=company.headers()).status_code == 404


@pytest.mark.parametrize(
    ("form", "pointer"),
    [
        ({"phase": "later"}, "/phase"),
        ({"phase": ""}, "/phase"),
        ({"caption": "x" * 501}, "/caption"),
        ({"caption": "a\x00b"}, "/caption"),
        ({"gps": "51.0,-114.1"}, "/gps"),
        ({"consent_override": "x" * 501}, "/consent_override"),
    ],
)
def test_a_wrong_form_field_is_refused_and_leaves_nothing(
    client: CheckedClient, company: Company, form: dict[str, str], pointer: str
) -> None:
    order_id = make_order(company)
    answer = upload(client, company, order_id, **form)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
    assert files_of(company) == []
    assert rows("SELECT 1 FROM order_photos WHERE org_id = :org", org=company.org_id) == []


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        ({"phase": "after"}, "multipart/form-data", 422),
        ({"phase": "after", "file": "only text"}, "multipart/form-data", 422),
        (b"{}", "application/json", 415),
        (b"phase=after", "application/x-www-form-urlencoded", 415),
        (b"", "multipart/form-data", 422),
        (b"no boundary here", "multipart/form-data; boundary=x", 422),
        (b"\xff" * 100, "multipart/form-data; boundary=\xff", 422),
    ],
)
def test_a_form_without_a_file_is_refused(
    client: CheckedClient, company: Company, data: Any, content_type: str, status: int
) -> None:
    path = f"/v1/orders/{make_order(company)}/photos"
    answer = client.post(path, data=data, content_type=content_type, headers=company.headers())
    assert answer.status_code in ({status, 400} if status == 422 else {status})
    assert rows("SELECT 1 FROM order_photos WHERE org_id = :org", org=company.org_id) == []
