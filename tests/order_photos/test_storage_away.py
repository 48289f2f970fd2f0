"""A storage that cannot be written, read or asked: the caller hears so, and nothing is lost or left."""

import resource
import shutil
from pathlib import Path
from uuid import UUID

from tests.checked_client import CheckedClient
from tests.factories.order_photos import files_of, image_bytes, make_photo
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import deletes_of, stored, upload, usage
from tests.order_photos.storages import LeftAlone, at_work_on, broken, instead, with_memory, with_root
from tests.rows import rows
from tests.variants import client_on


def test_an_upload_that_cannot_be_written_is_503_and_leaves_nothing(
    company: Company, jobs: JobsProbe, order_id: UUID, tmp_path: Path
) -> None:
    content = image_bytes()
    answer = upload(client_on(broken(company.services, tmp_path)), company, order_id, content)
    assert answer.status_code == 503
    assert answer.get_json()["code"] == "storage.unavailable"
    assert int(answer.headers["Retry-After"]) >= 1
    assert str(tmp_path) not in answer.get_data(as_text=True)
    assert rows("SELECT 1 FROM order_photos WHERE org_id = :org", org=company.org_id) == []
    assert usage(company) == {"local": len(content)}, "something may be there until it has been deleted"
    client = client_on(company.services)  # the storage is back
    assert jobs.drain() == ["storage_deletes.purge"]
    assert (usage(company), deletes_of(company)) == ({}, [])
    assert upload(client, company, order_id, content).status_code == 201


def test_an_upload_for_which_there_is_no_disk_is_503(company: Company, order_id: UUID, tmp_path: Path) -> None:
    root = tmp_path / "uploads"
    root.write_text("not a folder")
    answer = upload(client_on(with_root(company.services, root)), company, order_id)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "storage.unavailable")
    assert str(tmp_path) not in answer.get_data(as_text=True)
    assert rows("SELECT 1 FROM order_photos WHERE org_id = :org", org=company.org_id) == []
    assert usage(company) == {}


def test_an_upload_whose_last_bytes_find_the_disk_full_is_503(
    client: CheckedClient, company: Company, order_id: UUID
) -> None:
    """They wait in a buffer, and are written when the file is gone through again."""
    room, most = 4096, resource.getrlimit(resource.RLIMIT_FSIZE)
    company.headers()
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, most[1]))
    try:
        answer = upload(client, company, order_id, bytes(room + 500))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "storage.unavailable")
    assert (usage(company), files_of(company)) == ({}, [])


def test_an_upload_behind_an_open_circuit_is_503_and_leaves_nothing(
    company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    left_alone = instead(company.services, LeftAlone(company.services.storages["local"]))
    answer = upload(client_on(left_alone), company, order_id)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "storage.circuit_open")
    with at_work_on(company.services):
        jobs.drain()
    assert rows("SELECT 1 FROM order_photos WHERE org_id = :org", org=company.org_id) == []
    assert (usage(company), deletes_of(company), files_of(company)) == ({}, [], [])


def test_a_download_that_cannot_be_read_is_503(
    company: Company, jobs: JobsProbe, order_id: UUID, tmp_path: Path
) -> None:
    root = tmp_path / "uploads"
    client = client_on(with_root(company.services, root))
    photo = stored(client, company, jobs, order_id)
    shutil.rmtree(root)
    root.write_text("not a folder")
    for url in (photo["url"], photo["thumbnail_url"]):
        answer = client.get(url)
        assert (answer.status_code, answer.get_json()["code"]) == (503, "storage.unavailable")
        assert str(tmp_path) not in answer.get_data(as_text=True)


def test_a_photo_of_a_backend_that_is_not_set_up_any_more_is_listed_and_503(company: Company, order_id: UUID) -> None:
    photo = make_photo(company, order_id)
    services = with_memory(company.services, new_photos="memory")
    del services.storages["local"]
    client = client_on(services)
    (listed,) = client.get(f"/v1/orders/{order_id}/photos", headers=company.headers()).get_json()["data"]
    assert (listed["id"], listed["state"]) == (str(photo.id), "stored")
    for url in (listed["url"], listed["thumbnail_url"]):
        answer = client.get(url)
        assert (answer.status_code, answer.get_json()["code"]) == (503, "storage.not_set_up")
        assert int(answer.headers["Retry-After"]) >= 1
