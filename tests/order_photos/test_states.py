"""From the upload to the stored or rejected photo, and what the API shows on the way."""

import hashlib
from datetime import timedelta

import pytest
from PIL import Image

from tests.checked_client import CheckedClient
from tests.factories.order_photos import files_of, image_bytes, make_photo
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import (
    deletes_of,
    let_time_pass,
    photo_row,
    read,
    remove,
    shown,
    state_of,
    sweep,
    undecodable,
    upload,
    uploaded,
    usage,
)
from tests.rows import row, rows

LINKS = ("url", "thumbnail_url", "url_expires_at")


@pytest.mark.parametrize(("kind", "mime"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_a_worker_writes_the_upload_anew_and_then_it_is_shown(
    client: CheckedClient, company: Company, jobs: JobsProbe, kind: str, mime: str
) -> None:
    order_id, content = make_order(company), image_bytes(kind, size=(1000, 500))
    sent = upload(client, company, order_id, content).get_json()
    assert (sent["state"], sent["rejection"], sent["width"], sent["height"]) == ("processing", None, None, None)
    assert [sent[name] for name in LINKS] == [None, None, None]
    assert jobs.drain() == ["order_photos.process", "storage_deletes.purge"]
    photo = shown(client, company, order_id, sent["id"])
    assert (photo["state"], photo["mime"], photo["width"], photo["height"]) == ("stored", mime, 1000, 500)
    assert photo["sha256"] == hashlib.sha256(content).hexdigest()
    picture = read(client, photo["url"])
    assert photo["size"] == len(picture.getvalue())
    with Image.open(picture) as kept, Image.open(read(client, photo["thumbnail_url"])) as small:
        assert (kept.format, kept.size) == (kind, (1000, 500))
        assert (small.format, small.size) == ("JPEG", (480, 240))
    assert len(files_of(company)) == 2, "the upload itself is gone"
    assert deletes_of(company) == []


@pytest.mark.parametrize("state", ["uploaded", "processing"])
def test_on_its_way_a_photo_is_processing_and_has_no_links(client: CheckedClient, company: Company, state: str) -> None:
    order_id = make_order(company)
    photo = make_photo(company, order_id, state=state)
    found = shown(client, company, order_id, photo.id)
    assert found["state"] == "processing"
    assert [found[name] for name in LINKS] == [None, None, None]
    listed = client.get(f"/v1/orders/{order_id}/photos", headers=company.headers()).get_json()["data"]
    assert listed == [found]
    refused = client.get(f"/v1/orders/{order_id}/photos/{photo.id}/url", headers=company.headers())
    assert (refused.status_code, refused.get_json()["code"]) == (409, "order_photos.not_ready")


def test_fresh_links_can_be_asked_for(client: CheckedClient, company: Company) -> None:
    order_id = make_order(company)
    photo = make_photo(company, order_id)
    links = client.get(f"/v1/orders/{order_id}/photos/{photo.id}/url", headers=company.headers()).get_json()
    assert set(links) == set(LINKS)
    assert client.get(links["url"]).status_code == client.get(links["thumbnail_url"]).status_code == 200


def test_an_upload_under_way_is_shown_to_nobody(client: CheckedClient, company: Company) -> None:
    order_id = make_order(company)
    photo = make_photo(company, order_id, state="uploading")
    path = f"/v1/orders/{order_id}/photos"
    assert client.get(path, headers=company.headers()).get_json()["data"] == []
    for method, end in (("GET", ""), ("GET", "/url"), ("DELETE", "")):
        answer = client.open(f"{path}/{photo.id}{end}", method=method, headers=company.headers())
        assert (answer.status_code, answer.get_json()["code"]) == (404, "order_photos.not_found")
    assert state_of(photo.id) == "uploading"


def test_what_cannot_be_decoded_tells_for_a_day_why_and_is_forgotten(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    order_id = make_order(company)
    photo_id = uploaded(client, company, order_id, undecodable())
    assert jobs.drain() == ["order_photos.process", "storage_deletes.purge"]
    photo = shown(client, company, order_id, photo_id)
    assert (photo["state"], photo["rejection"]) == ("rejected", "order_photos.undecodable")
    assert [photo[name] for name in LINKS] == [None, None, None]
    refused = client.get(f"/v1/orders/{order_id}/photos/{photo_id}/url", headers=company.headers())
    assert (refused.status_code, refused.get_json()["code"]) == (409, "order_photos.not_ready")
    assert (files_of(company), usage(company), deletes_of(company)) == ([], {}, [])
    let_time_pass(company, timedelta(hours=23, minutes=59))
    sweep(jobs)
    assert state_of(photo_id) == "rejected"
    let_time_pass(company, timedelta(minutes=1))
    sweep(jobs)
    assert state_of(photo_id) is None
    assert (files_of(company), usage(company), deletes_of(company)) == ([], {}, [])
    audited = "SELECT actor_id, after FROM audit_entries WHERE resource_id = :id AND action = 'order_photos.reject'"
    assert row(audited, id=photo_id) == {"actor_id": None, "after": {"code": "order_photos.undecodable"}}


def test_a_rejected_photo_can_be_removed_and_its_file_sent_again(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    order_id, content = make_order(company), undecodable()
    first = uploaded(client, company, order_id, content)
    jobs.drain()
    second = uploaded(client, company, order_id, content)
    remove(client, company, order_id, first)
    jobs.drain()
    assert (state_of(first), state_of(second)) == (None, "rejected")
    assert (files_of(company), usage(company), deletes_of(company)) == ([], {}, [])


def test_what_is_kept_carries_nothing_of_what_came(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    order_id, exif = make_order(company), Image.Exif()
    exif[0x010F] = "A Camera Maker"
    content = image_bytes("JPEG", exif=exif, comment=b"A comment")
    photo_id = uploaded(client, company, order_id, content)
    jobs.drain()
    for file in files_of(company):
        kept = file.read_bytes()
        assert b"A Camera Maker" not in kept
        assert b"A comment" not in kept
    assert b"A Camera Maker" in content
    found = photo_row(photo_id)
    assert found is not None
    assert found["kept_sha256"] != found["sha256"]
    assert rows("SELECT 1 FROM order_photos WHERE upload_key IS NOT NULL AND org_id = :org", org=company.org_id) == []
