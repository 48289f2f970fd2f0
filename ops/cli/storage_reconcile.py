"""`storage reconcile`: what the storage holds against what the table names."""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import click

from shared.core import clock
from shared.core.errors import Invalid, NotFound
from shared.core.settings import load_settings
from shared.core.storage_settings import backend_named
from shared.core.tenancy import PLATFORM, Tenant
from shared.core.transaction import read_only
from shared.integrations.storage import NOT_SET_UP, ListedObject, Storage
from shared.order_photos import quota, reconciling
from shared.order_photos.reconciling import Missing
from shared.wiring import build_services

SUSPICIOUS_SHARE = 0.1
FEW = 10
DELETED_AT_ONCE = 100
OURS = "orders/"
"""Where all our objects are: what else a bucket holds is none of our business."""
EXIT_DRIFT = 1


@dataclass
class Drift:
    """What was found: how many objects in all, objects without a row, photos without their object."""

    listed: int = 0
    orphans: list[ListedObject] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)

    @property
    def is_suspicious(self) -> bool:
        """More orphans than crashes leave: rather the wrong bucket, or a database from before."""
        return len(self.orphans) > max(FEW, SUSPICIOUS_SHARE * self.listed)


@click.command()
@click.option("--backend", default=None, help="Storage to look at. Default: ORDER_STORAGE_BACKEND.")
@click.option("--apply", "applied", is_flag=True, help="Delete objects that no row names.")
@click.option("--force", is_flag=True, help="Delete even if they are more than a tenth of all objects.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def reconcile(backend: str | None, *, applied: bool, force: bool, as_json: bool) -> None:
    """Compare a storage with the table, and report objects without a row and photos without their object.

    Changes nothing without --apply; with it, orphaned objects are deleted, those older than two hours only. Exit
    status: 0 nothing differs (or everything was mended), 1 something does.
    """
    settings = load_settings()
    services = build_services(settings)
    name = backend_named(backend or settings.order_storage_backend)
    if name not in services.storages:
        raise Invalid(NOT_SET_UP, f"{name} is not set up here; {', '.join(sorted(services.storages))} are.")
    storage = services.storages[name]
    drift = _compare(storage, now=clock.utc_now())
    if applied and drift.is_suspicious and not force:
        _report(drift, as_json=as_json)
        click.echo(
            "Too many orphans: is this the right bucket, and the right database? --force deletes them.", err=True
        )
        sys.exit(EXIT_DRIFT)
    deleted, left = delete_orphans(storage, drift.orphans) if applied else (0, len(drift.orphans))
    _report(drift, as_json=as_json)
    if applied:
        click.echo(f"{deleted:,} deleted, {left:,} could not be", err=as_json)
    sys.exit(EXIT_DRIFT if left or drift.missing else 0)


def _compare(storage: Storage, *, now: datetime) -> Drift:
    drift, looked_at = Drift(), set[UUID]()
    listed: Iterable[ListedObject] = storage.list_objects(OURS)
    if storage.resizes:  # the one that cannot list in order
        listed = sorted(listed, key=lambda each: each.path)
    for org_id, objects in reconciling.by_organization(listed):
        drift.listed += len(objects)
        if org_id is not None:
            looked_at.add(org_id)
            _compare_one(drift, storage, org_id, objects, now=now)
        else:
            drift.orphans += reconciling.orphans(objects, set(), now=now)
    with read_only(PLATFORM) as session:
        without_objects = set(quota.organizations(session)) - looked_at
    for org_id in sorted(without_objects):
        _compare_one(drift, storage, org_id, [], now=now)
    return drift


def _compare_one(drift: Drift, storage: Storage, org_id: UUID, objects: list[ListedObject], *, now: datetime) -> None:
    with read_only(Tenant(org_id)) as session:
        named = reconciling.named_keys(session, org_id, storage.backend)
        unseen = reconciling.missing(session, org_id, storage.backend, {each.key for each in objects})
    drift.orphans += reconciling.orphans(objects, named, now=now)
    drift.missing += [each for each in unseen if not _is_there(storage, each.key)]


def _is_there(storage: Storage, key: str) -> bool:
    try:
        with storage.open(key):
            return True
    except NotFound:
        return False


def delete_orphans(storage: Storage, orphans: list[ListedObject]) -> tuple[int, int]:
    """Delete those that no row names by now: listing takes long, and a photo may have been moved to such a place.
    Returns how many were deleted, and how many could not be."""
    deleted = left = 0
    for org_id, objects in reconciling.by_organization(orphans):
        keys = sorted({each.key for each in objects} - _named(storage, org_id))
        for begin in range(0, len(keys), DELETED_AT_ONCE):
            batch = keys[begin : begin + DELETED_AT_ONCE]
            failed = len(storage.delete(batch))
            deleted, left = deleted + len(batch) - failed, left + failed
    return deleted, left


def _named(storage: Storage, org_id: UUID | None) -> set[str]:
    if org_id is None:
        return set()
    with read_only(Tenant(org_id)) as session:
        return reconciling.named_keys(session, org_id, storage.backend)


def _report(drift: Drift, *, as_json: bool) -> None:
    if as_json:
        orphans = [{"key": each.key, "size": each.size} for each in drift.orphans]
        missing = [{"org_id": str(m.org_id), "photo_id": str(m.photo_id), "key": m.key} for m in drift.missing]
        click.echo(json.dumps({"listed": drift.listed, "orphans": orphans, "missing": missing}))
        return
    for each in drift.orphans:
        click.echo(f"orphan   {each.key}  {each.size:,} bytes, {each.modified_at:%Y-%m-%d %H:%M}")
    for lost in drift.missing:
        click.echo(f"missing  {lost.key}  of photo {lost.photo_id}")
    click.echo(f"{drift.listed:,} objects, {len(drift.orphans):,} orphans, {len(drift.missing):,} missing")
