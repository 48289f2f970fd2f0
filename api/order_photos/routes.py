"""Photos of the work: upload, list with signed links, download, remove."""

from typing import Any
from uuid import UUID

import structlog
from flask import Response, request
from werkzeug.wsgi import FileWrapper

from api.core.access import public, requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, services, tenant
from api.core.openapi import refuses
from api.core.uploads import Spool, limit_upload, spool_of
from api.order_photos.schemas import (
    PhotoFileSchema,
    PhotoFormSchema,
    PhotoListSchema,
    PhotoSchema,
    PhotoUrlsSchema,
    present,
    present_urls,
)
from shared.core.errors import Conflict, Refusal, Unavailable, code
from shared.core.permissions import Permission
from shared.core.tenancy import Tenant
from shared.core.transaction import read_only, transaction
from shared.integrations.storage import NOT_SET_UP, Slot
from shared.order_photos import links, uploading
from shared.order_photos import service as order_photos
from shared.order_photos.images import check_upload
from shared.order_photos.links import SignedUrls
from shared.order_photos.model import PhotoState
from shared.order_photos.uploading import Upload, Wanted

NOT_READY = code("order_photos.not_ready", "The photo cannot be opened yet")

DOWNLOAD_CHUNK_BYTES = 256 * 1024

log = structlog.get_logger(__name__)

blueprint = Blueprint("order_photos", __name__, url_prefix="/v1", description=__doc__)


@blueprint.route("/orders/<uuid:order_id>/photos", methods=["POST"])
@requires(Permission.ORDER_PHOTOS_ADD)
@limit_upload
@blueprint.arguments(PhotoFileSchema, location="files")
@blueprint.arguments(PhotoFormSchema, location="form")
@blueprint.response(201, PhotoSchema)
@refuses(402)
def upload_photo(files: dict[str, Any], form: dict[str, Any], order_id: UUID) -> dict[str, Any]:
    """Attach a photo to an order.

    The type is judged by content. The photo is `processing` until a worker has written it anew without its metadata;
    then it has links. 402 when the quota is used up, 409 for a file that is attached already (`photo_id` says which)
    or a missing consent, 413 over the size limit, 422 for something that is not an accepted image. A refused upload
    leaves nothing behind. Workers may add photos to orders that they or their team are assigned to.
    """
    settings, storage = services().settings, services().storage
    spool = spool_of(files["file"])
    upload = _checked(spool)
    slot = storage.allocate(uploading.key_of(actor().org_id, order_id, upload.photo_id, "upload"))
    place = (storage.backend, slot)
    limit = settings.order_photo_quota_bytes
    with transaction(tenant()) as session:
        uploading.reserve(session, actor(), order_id, upload, Wanted(**form), place=place, limit=limit, now=now())
    return _stored(upload, slot, spool)


def _checked(spool: Spool) -> Upload:
    settings = services().settings
    most = min(settings.order_photo_max_bytes, services().storage.most_bytes or settings.order_photo_max_bytes)
    found = check_upload(spool.file, settings.order_photo_allowed_mimes, most)
    return Upload(uploading.new_photo_id(), found.mime, spool.size, spool.sha256)


def _stored(upload: Upload, slot: Slot, spool: Spool) -> dict[str, Any]:
    """Write the object. What has begun is ended or undone, also when the caller's session ends meanwhile."""
    ours = Tenant(actor().org_id)
    try:
        services().storage.put(slot, spool.file, mime=upload.mime)
        with transaction(ours) as session:
            return _present(uploading.mark_uploaded(session, actor(), upload.photo_id, now=now()))
    except Refusal:
        with transaction(ours) as session:
            uploading.give_up(session, actor(), upload.photo_id, now=now())
        raise


@blueprint.route("/orders/<uuid:order_id>/photos", methods=["GET"])
@requires(Permission.ORDER_PHOTOS_READ)
@blueprint.response(200, PhotoListSchema)
def list_photos(order_id: UUID) -> dict[str, Any]:
    """List an order's photos, oldest first, each with fresh signed links."""
    with read_only(tenant()) as session:
        photos = order_photos.list_for_order(session, actor(), order_id)
    return {"data": [_present(photo) for photo in photos]}


@blueprint.route("/orders/<uuid:order_id>/photos/<uuid:photo_id>", methods=["GET"])
@requires(Permission.ORDER_PHOTOS_READ)
@blueprint.response(200, PhotoSchema)
def get_photo(order_id: UUID, photo_id: UUID) -> dict[str, Any]:
    """Get one photo with fresh signed links. One that a worker could not read is `rejected` for a day, and says why."""
    with read_only(tenant()) as session:
        return _present(order_photos.get(session, actor(), order_id, photo_id))


@blueprint.route("/orders/<uuid:order_id>/photos/<uuid:photo_id>/url", methods=["GET"])
@requires(Permission.ORDER_PHOTOS_READ)
@blueprint.response(200, PhotoUrlsSchema)
@refuses(409)
def get_photo_urls(order_id: UUID, photo_id: UUID) -> dict[str, Any]:
    """Get fresh signed links to a photo and its thumbnail. 409 `order_photos.not_ready` while it has none."""
    with read_only(tenant()) as session:
        photo = order_photos.get(session, actor(), order_id, photo_id)
    urls = _signed(photo)
    if urls is None:
        raise Conflict(NOT_READY, f"The photo is {photo.state}; links come when it is stored.")
    return present_urls(urls)


@blueprint.route("/orders/<uuid:order_id>/photos/<uuid:photo_id>", methods=["DELETE"])
@requires(Permission.ORDER_PHOTOS_WRITE)
@blueprint.response(204)
def delete_photo(order_id: UUID, photo_id: UUID) -> None:
    """Remove a photo: gone for everyone at once, its files deleted soon after."""
    with transaction(tenant()) as session:
        order_photos.remove(session, actor(), order_id, photo_id, now=now())


@blueprint.route("/photo-files/<token>", methods=["GET"])
@public
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="image/*")
@blueprint.alt_response(206, schema={"type": "string", "format": "binary"}, content_type="image/*", success=True)
@blueprint.alt_response(304, description="The caller has it already", success=True)
@refuses(403, 416)
def download_photo(token: str) -> Response:
    """Download a photo with a signed link. Honours `Range`, `If-Range` and `If-None-Match`. 403 when the link has
    expired or is not ours, 404 when the photo has been removed."""
    link = links.read(token, services().settings)
    with read_only(Tenant(link.org_id)) as session:
        photo = order_photos.get_stored(session, link.org_id, link.photo_id)
    key, mime, filename = links.file_of(photo, thumbnail=link.is_thumbnail)
    storage = services().storages.get(photo.backend)
    if storage is None:
        log.error("storage.not_set_up", backend=photo.backend)
        raise Unavailable(NOT_SET_UP, "The photo is kept where we cannot reach it now.")
    stored = storage.open(key)
    chunks = FileWrapper(stored.source, DOWNLOAD_CHUNK_BYTES)
    response = Response(chunks, mimetype=mime, direct_passthrough=True)
    response.content_length = stored.size
    response.headers["Content-Disposition"] = f'inline; filename="{filename}"'
    response.headers["Cache-Control"] = f"private, max-age={services().settings.photo_url_ttl_seconds}"
    response.set_etag(f"{photo.kept_sha256}{'-small' if link.is_thumbnail else ''}")
    response.make_conditional(request, accept_ranges=_range_can_be_honoured(), complete_length=stored.size)
    response.accept_ranges = "bytes"
    return response


def _range_can_be_honoured() -> bool:
    """Other units than bytes must be ignored, several ranges may be (RFC 9110, 14.2); Werkzeug would refuse both."""
    asked = request.range
    return asked is None or (asked.units == "bytes" and len(asked.ranges) == 1)


def _present(photo: Any) -> dict[str, Any]:
    return present(photo, _signed(photo))


def _signed(photo: Any) -> SignedUrls | None:
    if photo.state != PhotoState.STORED:
        return None
    return links.sign(photo, services().storages.get(photo.backend), services().settings, now=now())
