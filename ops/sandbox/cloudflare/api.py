"""Images' API: a place for an upload, details, the original, delete and list; and the upload itself."""

import json
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from ops.sandbox.cloudflare.account import ACCOUNT_HASH, ACCOUNT_ID, API_TOKEN, DELIVERY_PATH, VARIANTS
from ops.sandbox.cloudflare.faults import Operation
from ops.sandbox.cloudflare.images import FullError, StoredImage
from ops.sandbox.cloudflare.kinds import MAX_BYTES, mime_of
from ops.sandbox.cloudflare.misbehaving import View, call_of, envelope, no_such_image, refusal
from ops.sandbox.world import world

blueprint = Blueprint("cloudflare_api", __name__)

ACCOUNT_PATH = "/client/v4/accounts/<account>/images"
MAX_FORM_BYTES = 12 * 1024 * 1024
MAX_METADATA_BYTES = 1024
DEFAULT_LIFE_SECONDS, SHORTEST_LIFE_SECONDS, LONGEST_LIFE_SECONDS = 30 * 60, 2 * 60, 6 * 3600
DEFAULT_PAGE, LONGEST_PAGE = 1_000, 10_000


def _of_the_account(view: View) -> View:
    """Only with the account's token."""

    @wraps(view)
    def serve(account: str, **path: str) -> ResponseReturnValue:
        if request.headers.get("Authorization") != f"Bearer {API_TOKEN}":
            return refusal(401, 10000, "Authentication error")
        if account != ACCOUNT_ID:
            return refusal(404, 7003, "Could not route to this path, perhaps an identifier is invalid?")
        return view(**path)

    return serve


@blueprint.post(f"{ACCOUNT_PATH}/v2/direct_upload")
@call_of(Operation.ALLOCATE)
@_of_the_account
def allocate() -> ResponseReturnValue:
    """A draft and the address that takes its file once: a form with ``requireSignedURLs``, ``metadata``, ``expiry``."""
    try:
        metadata = json.loads(request.form.get("metadata", "{}"))
        life = _life(request.form.get("expiry"))
    except ValueError:
        return refusal(400, 5400, "Bad Request.")
    if not isinstance(metadata, dict) or len(request.form.get("metadata", "").encode()) > MAX_METADATA_BYTES:
        return refusal(400, 5400, "Bad Request.")
    private = request.form.get("requireSignedURLs") == "true"
    draft = world().cloudflare_images.draft(metadata, private=private, life_seconds=life)
    url = f"{request.host_url}imagedelivery-upload/{ACCOUNT_HASH}/{draft.id}"
    return envelope({"id": draft.id, "uploadURL": url})


@blueprint.post(f"/imagedelivery-upload/{ACCOUNT_HASH}/<image>")
@call_of(Operation.UPLOAD)
def upload(image: str) -> ResponseReturnValue:
    """Where a draft's file goes, once, without a token. Cloudflare does not publish what it says the second time."""
    request.max_content_length = MAX_FORM_BYTES
    file = request.files.get("file")
    if file is None:
        return refusal(415, 5415, "Images must be uploaded as a form, not as raw image data.")
    content = file.read()
    if len(content) > MAX_BYTES:
        return refusal(413, 5413, "Maximum image size of 10 MB is reached")
    mime = mime_of(content)
    if mime is None:
        return refusal(415, 5455, "Uploaded image must have a supported format")
    try:
        filled = world().cloudflare_images.fill(image, content, mime)
    except FullError:
        return refusal(403, 5453, "The given account has reached a service limit")
    return envelope(described(filled)) if filled else no_such_image()


@blueprint.get(f"{ACCOUNT_PATH}/v1/<path:image>")
@call_of(Operation.GET)
@_of_the_account
def details(image: str) -> ResponseReturnValue:
    """One image, or its draft."""
    found = world().cloudflare_images.find(image)
    return envelope(described(found)) if found else no_such_image()


@blueprint.get(f"{ACCOUNT_PATH}/v1/<path:image>/blob")
@call_of(Operation.GET)
@_of_the_account
def blob(image: str) -> ResponseReturnValue:
    """The bytes that were uploaded."""
    found = world().cloudflare_images.find(image)
    if found is None or found.content is None:
        return no_such_image()
    return Response(found.content, mimetype=found.mime)


@blueprint.delete(f"{ACCOUNT_PATH}/v1/<path:image>")
@call_of(Operation.DELETE)
@_of_the_account
def delete(image: str) -> ResponseReturnValue:
    """Forget an image or a draft."""
    return envelope({}) if world().cloudflare_images.remove(image) else no_such_image()


@blueprint.get(f"{ACCOUNT_PATH}/v2")
@call_of(Operation.LIST)
@_of_the_account
def list_images() -> ResponseReturnValue:
    """``per_page`` images, newest first, no drafts; ``continuation_token`` of one page asks for the next."""
    try:
        most = int(request.args.get("per_page", DEFAULT_PAGE))
        below = int(request.args["continuation_token"]) if "continuation_token" in request.args else None
    except ValueError:
        return refusal(400, 5400, "Bad Request.")
    if not 1 <= most <= LONGEST_PAGE:
        return refusal(400, 5400, "Bad Request.")
    found = world().cloudflare_images.page(below=below, most=most + 1)
    page = found[:most]
    token = str(page[-1].number) if len(found) > most else None
    return envelope({"images": [described(each) for each in page], "continuation_token": token})


def described(image: StoredImage) -> dict[str, Any]:
    """An image as the API tells it; its size is nowhere."""
    base = f"{request.host_url.rstrip('/')}{DELIVERY_PATH}/{ACCOUNT_HASH}/{image.id}"
    return {
        "id": image.id,
        "filename": "photo",
        "meta": image.metadata,
        "uploaded": image.uploaded.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requireSignedURLs": image.private,
        "variants": [f"{base}/{variant}" for variant in VARIANTS],
    } | ({"draft": True} if image.is_draft else {})


def _life(expiry: str | None) -> float:
    """Seconds until ``expiry`` (RFC 3339). Raises ValueError when it is too soon or too late."""
    if expiry is None:
        return DEFAULT_LIFE_SECONDS
    life = (datetime.fromisoformat(expiry) - datetime.now(UTC)).total_seconds()
    if not SHORTEST_LIFE_SECONDS <= life <= LONGEST_LIFE_SECONDS:
        raise ValueError
    return life
