"""Deleting objects: first the object, then the row, and no transaction while the storage is asked."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from shared.core import clock
from shared.core.errors import Unavailable
from shared.core.tenancy import Scope, Tenant
from shared.core.transaction import read_only, transaction
from shared.integrations.storage import NOT_SET_UP
from shared.order_photos import quota
from shared.storage_deletes import jobs
from shared.storage_deletes import service as storage_deletes
from worker.core.boot import services
from worker.core.periodic import Counts, Run, periodic, until_nothing
from worker.core.task import task

MOST_OF_ONE_OWNER = 10


@task(jobs.PURGE)
def purge(org_id: str, owner_id: str) -> dict[str, Any]:
    """Delete what has belonged to one owner. Again is harmless: a missing object is a deleted one."""
    scope = Tenant(UUID(org_id))
    owner = (scope.org_id, UUID(owner_id))
    with transaction(scope) as session:
        claimed = storage_deletes.claim(session, now=clock.utc_now(), owner=owner, limit=MOST_OF_ONE_OWNER)
    if not claimed:
        return {"outcome": "nothing to do"}
    return _delete(scope, claimed)


@task(jobs.SWEEP)
@periodic("storage_janitor")
def sweep(run: Run) -> Iterator[Counts]:
    """The storage janitor: delete what is due, whatever has become of its message, in batches."""
    if run.dry_run:
        with read_only(run.scope) as session:
            yield storage_deletes.count_due(session, services().settings, now=clock.utc_now())
        return
    yield from until_nothing(lambda: _sweep(run.scope))


def _sweep(scope: Scope) -> Counts:
    limit = services().settings.storage_delete_batch_size
    with transaction(scope) as session:
        lost = storage_deletes.give_up_lost(session, services().settings, now=clock.utc_now())
        claimed = storage_deletes.claim(session, now=clock.utc_now(), owner=None, limit=limit)
    if not claimed:
        return {"deleted": 0, "failed": 0, "stuck": lost}
    counts = _delete(scope, claimed)
    return counts | {"stuck": counts["stuck"] + lost}


def _delete(scope: Scope, claimed: Sequence[Row[Any]]) -> dict[str, int]:
    failures = _ask_storages(claimed)
    gone = [row for row in claimed if row.id not in failures]
    failed = [(row, failures[row.id]) for row in claimed if row.id in failures]
    with transaction(scope) as session:
        quota.release(session, storage_deletes.forget(session, gone))
        stuck = storage_deletes.mark_undeleted(session, failed, services().settings, now=clock.utc_now())
    return {"deleted": len(gone), "failed": len(failed), "stuck": stuck}


def _ask_storages(claimed: Sequence[Row[Any]]) -> dict[UUID, Unavailable]:
    """Delete the objects. Returns why those are still there that are."""
    failures: dict[UUID, Unavailable] = {}
    for backend in sorted({row.backend for row in claimed}):
        ids = {row.storage_key: row.id for row in claimed if row.backend == backend}
        storage = services().storages.get(backend)
        if storage is None:
            not_set_up = Unavailable(NOT_SET_UP, f"The storage {backend} is not set up here.")
            failures |= dict.fromkeys(ids.values(), not_set_up)
        else:
            failures |= {ids[key]: refusal for key, refusal in storage.delete(ids).items()}
    return failures
