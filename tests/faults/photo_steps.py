"""Photos of an installation that tests break, at whatever storage: what the rows say, and what objects there are."""

from collections.abc import Iterator
from typing import Any

import requests

from tests.faults.owner import Owner, Placed, photo
from tests.faults.system import System
from tests.faults.waiting import eventually
from tests.sandbox_s3 import SandboxS3

KEPT = 2
"""Objects of a stored photo: the picture and its thumbnail."""


def keep_photos_in(backend: str, installation: System) -> Iterator[str]:
    """New photos go there, until the end. For a fixture of a module. The API has one process, and is up in half the
    time."""
    with installation.with_settings({"ORDER_STORAGE_BACKEND": backend, "API_WORKERS": "1"}, "api"):
        yield backend


def states(system: System, placed: Placed) -> list[str]:
    return [row[0] for row in system.sql("SELECT state FROM order_photos WHERE order_id = %s", placed.id)]


def deletes(system: System, placed: Placed) -> list[str]:
    """States of what is to be deleted for the order."""
    key = f"orders/{placed.org_id}/{placed.id}/%"
    return [row[0] for row in system.sql("SELECT state FROM storage_deletes WHERE storage_key LIKE %s", key)]


def objects(system: System, placed: Placed) -> list[str]:
    """Everything in the folder and in the bucket that belongs to the order, half a file included."""
    local = [str(path) for path in system.uploads.rglob("*") if path.is_file() and placed.id in path.parts]
    remote = SandboxS3(system.sandbox_ports).objects(f"orders/{placed.org_id}/{placed.id}/")
    return local + [each["key"] for each in remote]


def assert_nothing_is_left(system: System, placed: Placed) -> None:
    eventually(lambda: not states(system, placed) and not deletes(system, placed), "the rows are gone")
    system.wait_idle()
    assert objects(system, placed) == []


def assert_stored(system: System, owner: Owner, placed: Placed) -> dict[str, Any]:
    """One photo, which opens, and nothing else."""
    eventually(lambda: states(system, placed) == ["stored"] and not deletes(system, placed), "it is stored")
    system.wait_idle()
    assert len(objects(system, placed)) == KEPT
    (found,) = owner.photos(placed)
    with requests.Session() as session:
        session.trust_env = False
        for url in (found["url"], found["thumbnail_url"]):
            assert session.get(url, timeout=20).status_code == 200
    return found


def stored_photo(system: System, owner: Owner) -> tuple[Placed, str]:
    placed = owner.place_order()
    answer = owner.upload(placed, photo())
    assert answer.status_code == 201, answer.text
    assert_stored(system, owner, placed)
    return placed, answer.json()["id"]


def delete(owner: Owner, placed: Placed, photo_id: str) -> int:
    return owner.call("DELETE", f"/v1/orders/{placed.id}/photos/{photo_id}").status_code
