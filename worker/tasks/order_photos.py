"""Deleting photos: the object first, then the row; and the sweep that heals what a crash has left."""

from uuid import UUID

from shared.core import clock
from shared.core.jobs import Queue
from shared.core.tenancy import PLATFORM, Tenant
from shared.core.transaction import transaction
from shared.order_photos import jobs
from shared.order_photos import service as order_photos
from worker.core.backlog import is_backed_up
from worker.core.boot import services
from worker.core.periodic import once_per_slot
from worker.core.task import task


@task(jobs.PURGE)
def purge(org_id: str, photo_id: str) -> dict[str, str]:
    """Delete a photo's object, then forget its row. Again is harmless: a missing object is a deleted one."""
    scope = Tenant(UUID(org_id))
    with transaction(scope) as session:
        photo = order_photos.claim_for_purge(session, scope.org_id, UUID(photo_id), now=clock.utc_now())
    if photo is None:
        return {"outcome": "nothing to do"}
    for refusal in services().storages[photo.backend].delete([photo.storage_key]).values():
        with transaction(scope) as session:
            order_photos.mark_undeleted(session, photo, services().settings, refusal.detail, now=clock.utc_now())
        raise refusal
    with transaction(scope) as session:
        order_photos.forget(session, scope.org_id, photo.id)
    return {"outcome": "purged"}


@task(jobs.SWEEP)
@once_per_slot(jobs.SWEEP.name, lambda settings: settings.sweep_interval_seconds)
def sweep() -> dict[str, int]:
    """Give up uploads that never ended, and bring back deletes whose message or worker was lost."""
    if is_backed_up(Queue.STORAGE):
        return {}
    with transaction(PLATFORM) as session:
        return order_photos.sweep(session, services().settings, now=clock.utc_now())
