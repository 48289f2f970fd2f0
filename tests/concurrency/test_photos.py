"""The same photo, its processing and its removal, by callers and workers who come at the same moment."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from flask import Flask

from shared.core.ids import new_id
from shared.core.transaction import transaction
from shared.order_photos import uploading
from shared.order_photos.model import PhotoPhase
from shared.order_photos.uploading import Upload, Wanted
from tests.concurrency.photos import files_of, picture, size_of, states, taken, upload
from tests.concurrency.together import together, until_waiting
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import let_time_pass, next_run


def test_of_eight_uploads_of_one_photo_one_is_kept(
    app: Flask, company: Company, jobs: JobsProbe, uploads: Path
) -> None:
    company.headers()
    order_id, content = make_order(company), picture(1)
    answers = together(*[partial(upload, app, company, order_id, content)] * 8)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}
    assert {a.get_json()["code"] for a in answers if a.status_code == 409} == {"order_photos.duplicate"}
    jobs.drain()
    assert states(company) == ["stored"]
    assert len(files_of(company, uploads)) == 2, "the picture and its thumbnail"
    assert taken(company) == size_of(files_of(company, uploads))


def test_eight_photos_at_once_are_all_kept(app: Flask, company: Company, jobs: JobsProbe, uploads: Path) -> None:
    company.headers()
    order_id = make_order(company)
    answers = together(*[partial(upload, app, company, order_id, picture(shade)) for shade in range(8)])
    assert [answer.status_code for answer in answers] == [201] * 8
    messages = [partial(jobs.run, name, arguments) for name, arguments in jobs.enqueued()]
    together(*messages)
    jobs.drain()
    assert states(company) == ["stored"] * 8
    assert len(files_of(company, uploads)) == 16
    assert taken(company) == size_of(files_of(company, uploads))


def test_a_photo_at_four_workers_at_once_is_processed_once(
    app: Flask, company: Company, jobs: JobsProbe, uploads: Path
) -> None:
    order_id = make_order(company)
    upload(app, company, order_id, picture(10))
    ((name, arguments),) = jobs.enqueued()
    together(*[partial(jobs.run, name, arguments)] * 4)
    ((purge, _),) = jobs.enqueued()
    assert (purge, states(company)) == ("storage_deletes.purge", ["stored"])
    assert len(files_of(company, uploads)) == 3, "the upload has not been deleted yet"


def test_of_five_removals_one_removes_and_the_files_go_once(
    app: Flask, company: Company, jobs: JobsProbe, uploads: Path
) -> None:
    headers, order_id = company.headers(), make_order(company)
    photo_id = upload(app, company, order_id, picture(9)).get_json()["id"]
    jobs.drain()

    def remove() -> int:
        url = f"/v1/orders/{order_id}/photos/{photo_id}"
        return app.test_client().delete(url, headers=headers).status_code

    assert Counter(together(*[remove] * 5)) == {204: 1, 404: 4}
    assert jobs.drain() == ["storage_deletes.purge"]
    assert (states(company), files_of(company, uploads), taken(company)) == ([], [], 0)


def test_a_removal_in_the_middle_of_processing_leaves_nothing(
    app: Flask, company: Company, jobs: JobsProbe, uploads: Path
) -> None:
    headers, order_id = company.headers(), make_order(company)
    ids = [upload(app, company, order_id, picture(shade)).get_json()["id"] for shade in range(20, 24)]
    messages = [partial(jobs.run, name, arguments) for name, arguments in jobs.enqueued()]

    def remove(photo_id: str) -> None:
        url = f"/v1/orders/{order_id}/photos/{photo_id}"
        assert app.test_client().delete(url, headers=headers).status_code == 204

    together(*messages, *(partial(remove, photo_id) for photo_id in ids))
    jobs.drain()
    assert states(company) == []
    let_time_pass(company, timedelta(minutes=7))
    next_run(jobs, "storage_deletes.sweep")
    assert (files_of(company, uploads), taken(company)) == ([], 0)


def test_a_purge_at_four_workers_at_once_purges_once(
    app: Flask, company: Company, jobs: JobsProbe, uploads: Path
) -> None:
    order_id = make_order(company)
    photo_id = upload(app, company, order_id, picture(10)).get_json()["id"]
    jobs.drain()
    app.test_client().delete(f"/v1/orders/{order_id}/photos/{photo_id}", headers=company.headers())
    arguments = {"org_id": str(company.org_id), "owner_id": photo_id}
    together(*[partial(jobs.run, "storage_deletes.purge", arguments)] * 4)
    assert (states(company), files_of(company, uploads), taken(company)) == ([], [], 0)


def test_who_is_erased_while_a_photo_is_written_down_leaves_none(
    app: Flask, company: Company, jobs: JobsProbe, uploads: Path
) -> None:
    headers, order_id = company.headers(), make_order(company)
    http = app.test_client()
    assert http.post(f"/v1/orders/{order_id}/cancel", json={"reason": "Moved"}, headers=headers).status_code == 200
    slot = company.services.storage.allocate(uploading.key_of(company.org_id, order_id, new_id(), "upload"))
    coming = Upload(new_id(), "image/png", 10, "0" * 64)
    place, wanted = ("local", slot), Wanted(PhotoPhase.AFTER)

    def erase() -> int:
        path = f"/v1/clients/{company.client_id}/erase"
        return app.test_client().post(path, json={"reason": "asked"}, headers=headers).status_code

    with ThreadPoolExecutor(1) as other:
        with transaction(company.scope) as session:
            now = datetime.now(UTC)
            uploading.reserve(session, company.owner, order_id, coming, wanted, place=place, limit=1000, now=now)
            erasing = other.submit(erase)
            until_waiting(1)
        assert erasing.result(30) == 200
    assert states(company) == []
