"""Delivery: variants of images, to who has a link that is signed and not over."""

import hashlib
import hmac
import time

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from ops.sandbox.cloudflare.account import ACCOUNT_HASH, DELIVERY_PATH, SIGNING_KEY, THUMBNAIL, VARIANTS
from ops.sandbox.cloudflare.faults import Operation
from ops.sandbox.cloudflare.kinds import thumbnail
from ops.sandbox.cloudflare.misbehaving import call_of
from ops.sandbox.world import world

blueprint = Blueprint("cloudflare_delivery", __name__)


@blueprint.get(f"{DELIVERY_PATH}/{ACCOUNT_HASH}/<image>/<variant>")
@call_of(Operation.DELIVER)
def deliver(image: str, variant: str) -> ResponseReturnValue:
    """A variant of an image. A private one needs ``exp`` and ``sig``: 403 without, with others, and when it is over."""
    found = world().cloudflare_images.find(image)
    if found is None or found.content is None:
        return Response("Image not found", 404, mimetype="text/plain")
    if found.private and not _is_allowed():
        return Response("Forbidden", 403, mimetype="text/plain")
    if variant not in VARIANTS:
        return Response("Variant not found", 404, mimetype="text/plain")
    if variant != THUMBNAIL:
        return Response(found.content, mimetype=found.mime)
    try:
        small, mime = thumbnail(found.content)
    except OSError:
        return Response("This image cannot be resized", 415, mimetype="text/plain")
    return Response(small, mimetype=mime)


def signed_path(image: str, variant: str, expires_at: int) -> str:
    """The path and query of a link that is good until ``expires_at`` (seconds since 1970)."""
    unsigned = f"{DELIVERY_PATH}/{ACCOUNT_HASH}/{image}/{variant}?exp={expires_at}"
    return f"{unsigned}&sig={_signature(unsigned)}"


def _is_allowed() -> bool:
    """Whether the whole path and query, all but ``sig``, is what was signed. The path is taken as it stands in the URL,
    with ``/imagedelivery``, as a browser's ``url.pathname`` has it in Cloudflare's example."""
    query = request.query_string.decode("latin-1").split("&")
    unsigned = "&".join(part for part in query if not part.startswith("sig="))
    wanted = _signature(f"{request.path}?{unsigned}")
    expires_at = request.args.get("exp", "")
    is_over = not expires_at.isdecimal() or int(expires_at) < time.time()
    return hmac.compare_digest(wanted.encode(), request.args.get("sig", "").encode()) and not is_over


def _signature(text: str) -> str:
    return hmac.new(SIGNING_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
