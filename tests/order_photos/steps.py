"""A photo's life, step by step: as requests, as runs of the sweeps, and as what is left in the tables."""

import io
import struct
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from werkzeug.test import TestResponse

from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.order_photos import moving
from tests.checked_client import CheckedClient
from tests.factories.order_photos import image_bytes, photo_form
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.rows import rows

SWEEPS = ("order_photos.sweep", "storage_deletes.sweep")
OPERATORS_NAME = {"storage_deletes.sweep": "storage_janitor", "order_photos.recount": "photo_recount"}
_OWED = ("order_photos", "storage_deletes")


def upload(
    client: CheckedClient,
    company: Company,
    order_id: object,
    content: bytes | None = None,
    *,
    headers: dict[str, str] | None = None,
    **form: Any,
) -> TestResponse:
    """Send a photo; by the owner, unless `headers` are somebody else's."""
    path = f"/v1/orders/{order_id}/photos"
    return client.post(path, data=photo_form(content, **form), headers=headers or company.headers())


def uploaded(client: CheckedClient, company: Company, order_id: object, content: bytes | None = None) -> str:
    """Send a photo that is accepted. Returns its id."""
    answer = upload(client, company, order_id, content)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    found: str = answer.get_json()["id"]
    return found


def stored(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: object, content: bytes | None = None
) -> dict[str, Any]:
    """A photo that was sent, and that a worker has written anew, as the API shows it."""
    photo_id = uploaded(client, company, order_id, content)
    jobs.drain()
    photo = shown(client, company, order_id, photo_id)
    assert photo["state"] == "stored", photo
    return photo


def shown(client: CheckedClient, company: Company, order_id: object, photo_id: object) -> dict[str, Any]:
    """The photo as the API shows it now."""
    answer = client.get(f"/v1/orders/{order_id}/photos/{photo_id}", headers=company.headers())
    assert answer.status_code == 200, answer.get_data(as_text=True)
    photo: dict[str, Any] = answer.get_json()
    return photo


def remove(client: CheckedClient, company: Company, order_id: object, photo_id: object) -> None:
    """Remove the photo as the owner."""
    answer = client.delete(f"/v1/orders/{order_id}/photos/{photo_id}", headers=company.headers())
    assert answer.status_code == 204


def photo_row(photo_id: object) -> dict[str, Any] | None:
    """All columns of the photo, or None when its row is gone."""
    found = rows("SELECT * FROM order_photos WHERE id = :id", id=photo_id)
    return found[0] if found else None


def row_of(photo_id: object) -> dict[str, Any]:
    """All columns of the photo, which must be there."""
    found = photo_row(photo_id)
    assert found is not None
    return found


def state_of(photo_id: object) -> str | None:
    """The state of the photo's row, or None when it is gone."""
    found = photo_row(photo_id)
    return str(found["state"]) if found else None


def deletes_of(company: Company) -> list[dict[str, Any]]:
    """What is to be deleted for the company, in the order in which it is due."""
    return rows("SELECT * FROM storage_deletes WHERE org_id = :org ORDER BY next_attempt_at, id", org=company.org_id)


def ask_to_move(company: Company, target: str = "memory", **chosen: Any) -> int:
    """Ask for photos to be moved; all of the company's, unless something else is `chosen`."""
    chosen = {"source": None, "org_id": company.org_id, "after": None} | chosen
    with transaction(company.scope) as session:
        return len(moving.ask(session, target, **chosen, now=datetime.now(UTC)))


def moves_of(company: Company) -> list[tuple[Any, ...]]:
    """(backend, on the way to, given up, photos)."""
    with transaction(company.scope) as session:
        found = moving.progress(session.connection())
    return [(row.backend, row.move_to, row.given_up, row.photos) for row in found]


def usage(company: Company) -> dict[str, int]:
    """What is counted for the company's quota, by backend; without zeros."""
    counted = rows("SELECT backend, bytes FROM photo_usage WHERE org_id = :org AND bytes <> 0", org=company.org_id)
    return {one["backend"]: one["bytes"] for one in counted}


def message_of(company: Company, photo_id: object) -> dict[str, str]:
    """The arguments of a message about the photo."""
    return {"org_id": str(company.org_id), "photo_id": str(photo_id)}


def purge_of(company: Company, owner_id: object) -> dict[str, str]:
    """The arguments of a message about deletes."""
    return {"org_id": str(company.org_id), "owner_id": str(owner_id)}


def let_time_pass(company: Company, time: timedelta) -> None:
    """As if everything that is owed to the company were so much older."""
    _platform(
        *(f"UPDATE {table} SET next_attempt_at = next_attempt_at - :time WHERE org_id = :org" for table in _OWED),
        time=time,
        org=company.org_id,
    )


def sweep(jobs: JobsProbe, *names: str) -> list[str]:
    """The next run of both sweeps, or of `names`, and of what they enqueue. Returns what was enqueued, in order."""
    for name in names or SWEEPS:
        next_run(jobs, name)
    return jobs.drain()


def next_run(jobs: JobsProbe, name: str) -> None:
    """The next run of a periodic job, as if the slot of the last one were over."""
    _platform("DELETE FROM job_runs WHERE job = :job", job=OPERATORS_NAME.get(name, name))
    jobs.run(name)


def _platform(*statements: str, **values: Any) -> None:
    with transaction(PLATFORM) as session:
        for statement in statements:
            session.execute(text(statement), values)


def undecodable() -> bytes:
    """A PNG whose chunks and checksums are right, and whose pixels end in the middle."""
    content, at, kept = image_bytes(size=(64, 64)), 8, b"\x89PNG\r\n\x1a\n"
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        kind, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        data = data[: length // 2] if kind == b"IDAT" else data
        kept += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        at += 12 + length
    return kept


def read(client: CheckedClient, url: str) -> io.BytesIO:
    """What a link leads to."""
    answer = client.get(url)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return io.BytesIO(answer.data)
