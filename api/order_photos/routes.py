"""Photos of the work: upload, list with signed links, download, remove."""

from typing import Any
from uuid import UUID

from flask import Response
from werkzeug.wsgi import FileWrapper

from api.core.access import public, requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, services, tenant
from api.core.openapi import refuses
from api.core.uploads import limit_upload, stream_of
from api.order_photos.schemas import PhotoFileSchema, PhotoFormSchema, PhotoListSchema, PhotoSchema, present
from shared.core.errors import Refusal
from shared.core.permissions import Permission
from shared.core.tenancy import Tenant
from shared.core.transaction import read_only, transaction
from shared.order_photos import links
from shared.order_photos import service as order_photos
from shared.order_photos.images import EXTENSIONS, check_upload

blueprint = Blueprint("order_photos", __name__, url_prefix="/v1", description=__doc__)


@blueprint.route("/orders/<uuid:order_id>/photos", methods=["POST"])
@requires(Permission.ORDER_PHOTOS_WRITE)
@limit_upload
@blueprint.arguments(PhotoFileSchema, location="files")
@blueprint.arguments(PhotoFormSchema, location="form")
@blueprint.response(201, PhotoSchema)
def upload_photo(files: dict[str, Any], form: dict[str, Any], order_id: UUID) -> dict[str, Any]:
    """Attach a photo to an order.

    The type is judged by content. 409 for a file that is attached already or a missing consent, 413 over the size
    limit, 422 for something that is not an accepted image. A refused upload leaves nothing behind.
    """
    settings = services().settings
    upload = check_upload(stream_of(files["file"]), settings.order_photo_allowed_mimes, settings.order_photo_max_bytes)
    storage = services().storage
    with transaction(tenant()) as session:
        photo = order_photos.reserve(session, actor(), order_id, upload, storage.backend, **form, now=now())
    ours = Tenant(actor().org_id)  # What has begun is ended or undone, also when the session ends meanwhile.
    try:
        storage.put(storage.allocate(photo.storage_key), upload.source, mime=upload.mime)
        with transaction(ours) as session:
            return _present(order_photos.mark_stored(session, actor(), photo.id))
    except Refusal:
        with transaction(ours) as session:
            order_photos.give_up(session, actor(), photo.id, now=now())
        raise


@blueprint.route("/orders/<uuid:order_id>/photos", methods=["GET"])
@requires(Permission.ORDER_PHOTOS_READ)
@blueprint.response(200, PhotoListSchema)
def list_photos(order_id: UUID) -> dict[str, Any]:
    """List an order's photos, oldest first, each with a fresh signed link."""
    with read_only(tenant()) as session:
        photos = order_photos.list_for_order(session, actor(), order_id)
    return {"data": [_present(photo) for photo in photos]}


@blueprint.route("/orders/<uuid:order_id>/photos/<uuid:photo_id>", methods=["GET"])
@requires(Permission.ORDER_PHOTOS_READ)
@blueprint.response(200, PhotoSchema)
def get_photo(order_id: UUID, photo_id: UUID) -> dict[str, Any]:
    """Get one photo with a fresh signed link."""
    with read_only(tenant()) as session:
        return _present(order_photos.get(session, actor().org_id, photo_id, order_id=order_id))


@blueprint.route("/orders/<uuid:order_id>/photos/<uuid:photo_id>", methods=["DELETE"])
@requires(Permission.ORDER_PHOTOS_WRITE)
@blueprint.response(204)
def delete_photo(order_id: UUID, photo_id: UUID) -> None:
    """Remove a photo: gone for everyone at once, its file deleted soon after."""
    with transaction(tenant()) as session:
        order_photos.remove(session, actor(), order_id, photo_id, now=now())


@blueprint.route("/photo-files/<token>", methods=["GET"])
@public
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="image/*")
@refuses(403)
def download_photo(token: str) -> Response:
    """Download a photo with a signed link. 403 when the link has expired, 404 when the photo has been removed."""
    org_id, photo_id = links.read(token, services().settings)
    with read_only(Tenant(org_id)) as session:
        photo = order_photos.get(session, org_id, photo_id)
    stored = services().storages[photo.backend].open(photo.storage_key)
    response = Response(FileWrapper(stored.source), mimetype=photo.mime, direct_passthrough=True)
    response.content_length = stored.size
    response.headers["Content-Disposition"] = f'inline; filename="{photo.id}.{EXTENSIONS[photo.mime]}"'
    response.headers["Cache-Control"] = f"private, max-age={services().settings.photo_url_ttl_seconds}"
    return response


def _present(photo: Any) -> dict[str, Any]:
    return present(photo, links.sign(photo, services().settings, now=now()))
