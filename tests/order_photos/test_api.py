"""Photos over HTTP: upload, list, read, download, delete, with real files."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.core.permissions import Role
from shared.core.transaction import transaction
from shared.order_photos.model import OrderPhoto
from tests.checked_client import CheckedClient
from tests.factories.order_photos import files_of, image_bytes, make_photo, path_of, photo_form
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.rows import footprint, row, rows


def _upload(
    client: CheckedClient, company: Company, order_id: object, content: bytes | None = None, **form: Any
) -> Any:
    path = f"/v1/orders/{order_id}/photos"
    return client.post(path, data=photo_form(content, **form), headers=company.headers())


@pytest.mark.parametrize(
    ("kind", "mime", "extension"),
    [("PNG", "image/png", "png"), ("JPEG", "image/jpeg", "jpg"), ("WEBP", "image/webp", "webp")],
)
def test_an_uploaded_photo_comes_back_to_the_byte(
    client: CheckedClient, company: Company, kind: str, mime: str, extension: str
) -> None:
    order_id, content = make_order(company), image_bytes(kind)
    answer = _upload(client, company, order_id, content, name="whatever.txt", caption="After", phase="before")
    assert answer.status_code == 201
    photo = answer.get_json()
    assert (photo["mime"], photo["size"], photo["phase"], photo["caption"]) == (mime, len(content), "before", "After")
    assert photo["sha256"] == hashlib.sha256(content).hexdigest()
    download = client.get(photo["url"])
    assert download.status_code == 200
    assert (download.data, download.mimetype) == (content, mime)
    assert download.headers["Content-Disposition"] == f'inline; filename="{photo["id"]}.{extension}"'
    assert download.headers["X-Content-Type-Options"] == "nosniff"
    assert "private" in download.headers["Cache-Control"]


def test_the_key_is_made_of_identifiers(client: CheckedClient, company: Company) -> None:
    order_id = make_order(company)
    photo = _upload(client, company, order_id, name="../../../etc/passwd\x00.png").get_json()
    (file,) = files_of(company)
    key = f"orders/{company.org_id}/{order_id}/{photo['id']}.png"
    assert file == company.services.settings.order_upload_root / key
    kept = row("SELECT storage_key, backend, state FROM order_photos WHERE id = :id", id=photo["id"])
    assert kept == {"storage_key": key, "backend": "local", "state": "stored"}


def test_photos_are_listed_oldest_first_with_links_that_work(client: CheckedClient, company: Company) -> None:
    order_id = make_order(company)
    ids = [_upload(client, company, order_id).get_json()["id"] for _ in range(3)]
    listed = client.get(f"/v1/orders/{order_id}/photos", headers=company.headers()).get_json()["data"]
    assert [photo["id"] for photo in listed] == ids
    for photo in listed:
        assert client.get(photo["url"]).status_code == 200
        one = client.get(f"/v1/orders/{order_id}/photos/{photo['id']}", headers=company.headers()).get_json()
        assert {name: one[name] for name in one if not name.startswith("url")} == {
            name: photo[name] for name in photo if not name.startswith("url")
        }


def test_a_deleted_photo_is_gone_at_once_and_its_file_soon_after(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    order_id = make_order(company)
    photo = _upload(client, company, order_id).get_json()
    path = f"/v1/orders/{order_id}/photos/{photo['id']}"
    assert client.delete(path, headers=company.headers()).status_code == 204
    assert client.get(path, headers=company.headers()).status_code == 404
    assert client.get(photo["url"]).status_code == 404
    assert client.get(f"/v1/orders/{order_id}/photos", headers=company.headers()).get_json()["data"] == []
    assert client.delete(path, headers=company.headers()).status_code == 404
    assert len(files_of(company)) == 1
    assert jobs.drain() == ["order_photos.purge"]
    assert files_of(company) == []
    assert rows("SELECT 1 FROM order_photos WHERE id = :id", id=photo["id"]) == []


def test_the_same_file_twice_on_an_order_is_refused(client: CheckedClient, company: Company) -> None:
    order_id, other, content = make_order(company), make_order(company), image_bytes()
    assert _upload(client, company, order_id, content).status_code == 201
    before = footprint(company.org_id)
    again = _upload(client, company, order_id, content, phase="issue")
    assert again.status_code == 409
    assert again.get_json()["code"] == "order_photos.duplicate"
    assert footprint(company.org_id) == before
    assert len(files_of(company)) == 1
    assert _upload(client, company, other, content).status_code == 201


def test_an_upload_that_died_does_not_stand_in_the_way_of_the_next(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    order_id, content = make_order(company), image_bytes()
    died = _upload(client, company, order_id, content).get_json()
    with transaction(company.scope) as session:
        photo = session.get_one(OrderPhoto, (company.org_id, UUID(died["id"])))
        photo.state, photo.next_attempt_at = "uploading", datetime.now(UTC) - timedelta(minutes=1)
    again = _upload(client, company, order_id, content)
    assert again.status_code == 201
    jobs.run("order_photos.sweep")
    jobs.drain()
    (listed,) = client.get(f"/v1/orders/{order_id}/photos", headers=company.headers()).get_json()["data"]
    assert listed["id"] == again.get_json()["id"]
    assert len(files_of(company)) == 1


def test_a_deleted_file_may_be_uploaded_again(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    order_id, content = make_order(company), image_bytes()
    first = _upload(client, company, order_id, content).get_json()
    client.delete(f"/v1/orders/{order_id}/photos/{first['id']}", headers=company.headers())
    second = _upload(client, company, order_id, content)
    assert second.status_code == 201
    jobs.drain()
    assert client.get(second.get_json()["url"]).data == content


def test_without_consent_a_reason_is_needed_and_audited(client: CheckedClient, company: Company) -> None:
    order_id = make_order(company, photo_consent=False)
    refused = _upload(client, company, order_id)
    assert refused.status_code == 409
    assert refused.get_json()["code"] == "order_photos.consent_required"
    assert _upload(client, company, order_id, consent_override=" ").status_code == 422
    assert files_of(company) == []
    allowed = _upload(client, company, order_id, consent_override="Damage found, client told by phone")
    assert allowed.status_code == 201
    entry = row("SELECT after FROM audit_entries WHERE resource_id = :id", id=allowed.get_json()["id"])
    assert entry["after"]["consent_override"] == "Damage found, client told by phone"


def test_another_organizations_order_takes_no_photo(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    order_id = make_order(neighbour)
    company.headers()
    before = footprint(company.org_id), footprint(neighbour.org_id)
    answer = _upload(client, company, order_id)
    assert answer.status_code == 404
    assert answer.get_json()["code"] == "orders.not_found"
    assert (footprint(company.org_id), footprint(neighbour.org_id)) == before
    assert files_of(company) + files_of(neighbour) == []


def test_a_photo_is_found_under_its_own_order_only(client: CheckedClient, company: Company) -> None:
    order_id, other = make_order(company), make_order(company)
    photo = make_photo(company, order_id)
    for method in ("GET", "DELETE"):
        answer = client.open(f"/v1/orders/{other}/photos/{photo.id}", method=method, headers=company.headers())
        assert answer.status_code == 404
    assert path_of(company, photo).exists()
    assert client.get(f"/v1/orders/{uuid4()}/photos", headers=company.headers()).status_code == 404


@pytest.mark.parametrize("state", ["uploading", "deleting", "stuck"])
def test_a_photo_that_is_not_stored_is_shown_to_nobody(client: CheckedClient, company: Company, state: str) -> None:
    order_id = make_order(company)
    photo = make_photo(company, order_id, state=state)
    assert client.get(f"/v1/orders/{order_id}/photos", headers=company.headers()).get_json()["data"] == []
    for method in ("GET", "DELETE"):
        answer = client.open(f"/v1/orders/{order_id}/photos/{photo.id}", method=method, headers=company.headers())
        assert answer.status_code == 404


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
    answer = _upload(client, company, order_id, **form)
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


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_who_only_reads_neither_uploads_nor_deletes(client: CheckedClient, company: Company, role: Role) -> None:
    order_id = make_order(company)
    photo = make_photo(company, order_id)
    headers = company.headers(role)
    before = footprint(company.org_id)
    path = f"/v1/orders/{order_id}/photos"
    assert client.post(path, data=photo_form(), headers=headers).status_code == 403
    assert client.delete(f"{path}/{photo.id}", headers=headers).status_code == 403
    assert len(client.get(path, headers=headers).get_json()["data"]) == 1
    assert footprint(company.org_id) == before
