"""While a storage is asked, nobody holds a connection of the pool: a slow one must not hold locks or connections."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, BinaryIO

import pytest
from flask import Flask

from api.app import create_app
from shared.core.errors import Unavailable
from shared.integrations.storage import Slot, StoredObject
from shared.integrations.storage.local_storage import LocalStorage
from shared.wiring import Services
from tests.concurrency.photos import picture, states, upload
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.factories.storage_deletes import make_storage_delete
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import next_run
from worker.core import boot


class WatchfulStorage(LocalStorage):
    """A local storage that writes down how many connections are in use whenever it is asked."""

    def __init__(self, services: Services) -> None:
        super().__init__(services.settings.order_upload_root)
        self._pools: list[Any] = [services.database.writer.pool, services.database.reader.pool]
        self.seen: list[tuple[str, int]] = []

    def _look(self, what: str) -> None:
        self.seen.append((what, sum(pool.checkedout() for pool in self._pools)))

    def put(self, slot: Slot, source: BinaryIO, *, mime: str) -> None:
        self._look("put")
        super().put(slot, source, mime=mime)

    def open(self, key: str) -> StoredObject:
        self._look("open")
        return super().open(key)

    def delete(self, keys: Iterable[str]) -> dict[str, Unavailable]:
        self._look("delete")
        return super().delete(keys)


@pytest.fixture
def watchful(services: Services) -> Iterator[tuple[Flask, WatchfulStorage]]:
    storage = WatchfulStorage(services)
    watched = replace(services, storages={"local": storage})
    boot.use(watched)
    yield create_app(watched.settings, watched), storage
    boot.use(services)


def test_no_connection_is_held_while_the_storage_is_asked(
    watchful: tuple[Flask, WatchfulStorage], company: Company, jobs: JobsProbe
) -> None:
    app, storage = watchful
    order_id = make_order(company)
    photo_id = upload(app, company, order_id, picture(77)).get_json()["id"]
    jobs.drain()
    photo = app.test_client().get(f"/v1/orders/{order_id}/photos/{photo_id}", headers=company.headers()).get_json()
    assert app.test_client().get(photo["url"]).status_code == 200
    app.test_client().delete(f"/v1/orders/{order_id}/photos/{photo_id}", headers=company.headers())
    jobs.drain()
    for _ in range(3):
        make_storage_delete(company, due=timedelta(seconds=-1))
    next_run(jobs, "storage_deletes.sweep")
    assert states(company) == []
    assert [what for what, _ in storage.seen] == ["put", "open", "put", "put", "delete", "open", "delete", "delete"]
    assert {held for _, held in storage.seen} == {0}
