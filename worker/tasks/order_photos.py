"""Photos in a worker's hands: written anew, moved to another storage; and the sweep that heals what a crash left."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from io import BufferedRandom
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy import Row

from shared.core import clock
from shared.core.errors import Invalid, NotFound, Unavailable
from shared.core.jobs import Queue
from shared.core.tenancy import PLATFORM, Tenant
from shared.core.transaction import transaction
from shared.integrations.storage import DAMAGED, NOT_SET_UP, OBJECT_MISSING, STORAGE_AWAY, Slot, Storage
from shared.order_photos import jobs, moving, processing, quota, sweeping
from shared.order_photos.encoding import Encoded, Picture, encode
from shared.order_photos.images import EXTENSIONS, THUMBNAIL_MIME, TOO_LARGE
from shared.order_photos.moving import Copies
from shared.order_photos.uploading import key_of
from worker.core.backlog import is_backed_up
from worker.core.boot import services
from worker.core.periodic import Counts, Run, periodic, until_nothing
from worker.core.task import task

CHUNK_BYTES = 256 * 1024
_OF_THE_OBJECT = frozenset({DAMAGED, OBJECT_MISSING})
"""Refusals after which the photo is rejected in the end. Not at once: a volume may not be mounted yet, and NFS
remembers for a while that a file was not there."""


@task(jobs.SWEEP)
@periodic(jobs.SWEEP.name)
def sweep(_: Run) -> Iterator[Counts]:
    """Give up uploads that never ended, and bring back photos whose message or worker was lost."""
    return until_nothing(_sweep)


def _sweep() -> Counts:
    if is_backed_up(Queue.STORAGE):
        return {}
    with transaction(PLATFORM) as session:
        return sweeping.sweep(session, now=clock.utc_now())


@task(jobs.RECOUNT)
@periodic("photo_recount")
def recount(_: Run) -> Iterator[Counts]:
    """Once a day: put the counters of what photos take right, company by company."""
    with transaction(PLATFORM) as session:
        org_ids = quota.organizations(session)
    for org_id in org_ids:
        with transaction(Tenant(org_id)) as session:
            wrong = quota.recount(session, org_id) > 0
        yield {"wrong": int(wrong)}


@task(jobs.PROCESS)
def process(org_id: str, photo_id: str) -> dict[str, str]:
    """Decode an uploaded photo and write it anew: the picture upright and without metadata, and its thumbnail. Again is
    harmless: the same objects are written over."""
    scope = Tenant(UUID(org_id))
    with transaction(scope) as session:
        claimed = processing.claim(session, scope.org_id, UUID(photo_id), now=clock.utc_now())
    if claimed is None:
        return {"outcome": "nothing to do"}
    photo, zone = claimed
    try:
        with _disk_to_blame():
            return {"outcome": _process(scope, photo, ZoneInfo(zone))}
    except Unavailable as refusal:
        counted = refusal.code in _OF_THE_OBJECT
        if not counted or photo.attempts < processing.MOST_ATTEMPTS:
            with transaction(scope) as session:
                processing.postpone(session, photo, services().settings, refusal, counted=counted, now=clock.utc_now())
            raise
        _reject(scope, photo, refusal.code)
    except Invalid as refusal:
        _reject(scope, photo, refusal.code)
    return {"outcome": "rejected"}


@task(jobs.MOVE)
def move(org_id: str, photo_id: str) -> dict[str, str]:
    """Copy a photo to the storage it was asked to be moved to, let its row name the copy, and have the original
    deleted. Again is harmless."""
    scope = Tenant(UUID(org_id))
    with transaction(scope) as session:
        photo = moving.claim(session, scope.org_id, UUID(photo_id), now=clock.utc_now())
    if photo is None:
        return {"outcome": "nothing to do"}
    try:
        with _disk_to_blame():
            return {"outcome": _move(scope, photo)}
    except (Unavailable, NotFound, Invalid) as refusal:
        with transaction(scope) as session:
            moving.postpone(session, photo, services().settings, refusal, now=clock.utc_now())
        raise


def _process(scope: Tenant, photo: Row[Any], zone: ZoneInfo) -> str:
    storage = _storage(photo.backend)
    with _fetched(storage, photo.upload_key, photo.sha256) as upload, _encoded(upload, photo.mime) as made:
        if made.picture.size > (storage.most_bytes or made.picture.size):
            raise Invalid(TOO_LARGE, f"Written anew it has {made.picture.size:,} bytes, too many for its storage.")
        picture = storage.allocate(processing.path_of_kept(photo, made.picture.extension))
        thumbnail = _place_for_thumbnail(storage, photo)
        with transaction(scope) as session:
            named = processing.name_objects(session, photo, picture, thumbnail, now=clock.utc_now())
        if named is None:
            return "removed"
        _put(storage, picture, made.picture)
        if thumbnail:
            _put(storage, thumbnail, made.thumbnail)
        kept = processing.kept(made, zone, with_thumbnail=thumbnail is not None)
    with transaction(scope) as session:
        finished = processing.finish(session, named, kept, now=clock.utc_now())
    return "stored" if finished else "removed"


def _move(scope: Tenant, photo: Row[Any]) -> str:
    source, target = _storage(photo.backend), _storage(photo.move_to)
    picture = target.allocate(key_of(photo.org_id, photo.order_id, photo.id, EXTENSIONS[photo.mime]))
    thumbnail = _place_for_thumbnail(target, photo)
    with transaction(scope) as session:
        slots = [slot for slot in (picture, thumbnail) if slot]
        named = moving.name_copies(session, photo, slots, now=clock.utc_now())
    if not named:
        return "removed"
    with _fetched(source, photo.storage_key, photo.kept_sha256) as file:
        digest, size = sha256_of(file), file.seek(0, os.SEEK_END)
        target.put(picture, file, mime=photo.mime)
        if thumbnail:
            with _thumbnail_of(source, photo, file) as small:
                target.put(thumbnail, small, mime=THUMBNAIL_MIME)
    copies = Copies(picture.key, thumbnail.key if thumbnail else None, digest, size)
    with transaction(scope) as session:
        moved = moving.finish(session, photo, copies, now=clock.utc_now())
    return "moved" if moved else "removed"


def sha256_of(file: BinaryIO) -> str:
    """Of the whole file, in hex."""
    file.seek(0)
    return file_digest(cast(BufferedRandom, file), "sha256").hexdigest()


def _reject(scope: Tenant, photo: Row[Any], code: str) -> None:
    with transaction(scope) as session:
        processing.reject(session, photo, code, now=clock.utc_now())


def _storage(backend: str) -> Storage:
    found = services().storages.get(backend)
    if found is None:
        raise Unavailable(NOT_SET_UP, f"The storage {backend} is not set up here.")
    return found


def _place_for_thumbnail(storage: Storage, photo: Row[Any]) -> Slot | None:
    """None where the storage makes thumbnails itself."""
    if storage.resizes:
        return None
    return storage.allocate(key_of(photo.org_id, photo.order_id, photo.id, f"small.{EXTENSIONS[THUMBNAIL_MIME]}"))


@contextmanager
def _asking_storage() -> Iterator[None]:
    """What goes wrong there is not the photo's fault: an object that is missing may be on a volume that is not mounted
    yet, and a storage that trickles until our time is over is away."""
    try:
        yield
    except NotFound as refusal:
        raise Unavailable(refusal.code, refusal.detail) from refusal
    except SoftTimeLimitExceeded as error:
        raise Unavailable(STORAGE_AWAY, "The photo storage is too slow.") from error


@contextmanager
def _disk_to_blame() -> Iterator[None]:
    """Raises `Unavailable` for an error of the operating system, such as a full disk: nothing that is held against the
    photo. Encoders raise OSError, too, without a number."""
    try:
        yield
    except OSError as fault:
        if fault.errno is None:
            raise
        raise Unavailable(STORAGE_AWAY, f"The worker has no room for the photo: {fault.strerror}.") from fault


@contextmanager
def _encoded(source: BinaryIO, mime: str) -> Iterator[Encoded]:
    """The photo written anew, in a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="crewline-photo-") as folder:
        yield encode(source, mime, Path(folder))


def _put(storage: Storage, slot: Slot, picture: Picture) -> None:
    with picture.path.open("rb") as file, _asking_storage():
        storage.put(slot, file, mime=picture.mime)


@contextmanager
def _fetched(storage: Storage, key: str, digest: str) -> Iterator[BinaryIO]:
    """The object in a temporary file, at its start. Raises `Unavailable`: with `OBJECT_MISSING` when it is not there,
    with `DAMAGED` when it is not what was put there (`digest` is its SHA-256), where the storage promises that."""
    with tempfile.TemporaryFile() as file:
        with _asking_storage(), storage.open(key) as stored:
            shutil.copyfileobj(stored.source, file, CHUNK_BYTES)
        if storage.is_exact and sha256_of(cast(BinaryIO, file)) != digest:
            raise Unavailable(DAMAGED, "The storage gave back something else than it was given.")
        file.seek(0)
        yield cast(BinaryIO, file)


@contextmanager
def _thumbnail_of(source: Storage, photo: Row[Any], picture: BinaryIO) -> Iterator[BinaryIO]:
    """The photo's thumbnail: as it is kept, or made from the picture where the storage has made it until now."""
    if photo.thumbnail_key is None:
        with _encoded(picture, photo.mime) as made, made.thumbnail.path.open("rb") as small:
            yield small
        return
    with tempfile.TemporaryFile() as file:
        with source.open(photo.thumbnail_key) as stored:
            shutil.copyfileobj(stored.source, file, CHUNK_BYTES)
        yield cast(BinaryIO, file)
