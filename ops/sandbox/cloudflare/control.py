"""For tests and people: the images that are there, what was called, and what is to go wrong."""

import time
from typing import Any

from flask import Blueprint, Response, jsonify, render_template
from flask.typing import ResponseReturnValue

from ops.sandbox.cloudflare.account import PUBLIC
from ops.sandbox.cloudflare.delivery import signed_path
from ops.sandbox.cloudflare.faults import Call, Fault, Mode, Operation
from ops.sandbox.cloudflare.images import StoredImage
from ops.sandbox.fields import BadBodyError, Fields
from ops.sandbox.switch import SWITCHED, switched
from ops.sandbox.world import world

blueprint = Blueprint("cloudflare", __name__)

MAX_SECONDS = 3_600
_NEED_SECONDS = {Mode.SLOW, Mode.DRIP, Mode.RATE_LIMITED}
LINK_SECONDS = 300


@blueprint.get("/api/cloudflare/images")
def list_images() -> Response:
    """Every image, newest first; no drafts."""
    return jsonify(data=[_told(image) for image in world().cloudflare_images.all()])


@blueprint.post("/api/cloudflare/forget")
def forget() -> ResponseReturnValue:
    """Lose the image ``id``, as if nobody had asked for it. 404 when there is none."""
    if not world().cloudflare_images.remove(Fields("id").text("id", "")):
        return jsonify(error="no such image"), 404
    return "", 204


@blueprint.get("/api/cloudflare/calls")
def list_calls() -> Response:
    """What was called, oldest first."""
    return jsonify(data=[_call(call) for call in world().cloudflare_calls.all()])


@blueprint.delete("/api/cloudflare/calls")
def forget_calls() -> ResponseReturnValue:
    """Count from nothing."""
    world().cloudflare_calls.clear()
    return "", 204


@blueprint.get("/api/cloudflare/fault")
def get_fault() -> Response:
    """The fault in force and how many calls it still has."""
    fault = world().cloudflare_faults.current()
    return jsonify(mode=fault.mode, operation=fault.operation, count=fault.count, seconds=fault.seconds)


@blueprint.put("/api/cloudflare/fault")
def set_fault() -> ResponseReturnValue:
    """Make the next ``count`` calls (null: all) of ``operation`` (null: any) go wrong in the way of ``mode``."""
    fields = Fields(*SWITCHED, "operation")
    told = switched(fields, Mode, lasting=_NEED_SECONDS, longest=MAX_SECONDS)
    operation = fields.text("operation", Operation.ANY.value)
    if operation not in list(Operation):
        raise BadBodyError(f"operation must be one of {', '.join(Operation)}")
    fault = Fault(Mode(told.mode), told.count, told.seconds, Operation(operation))
    world().cloudflare_faults.set(Fault() if told.mode == Mode.OK else fault)
    return get_fault()


@blueprint.get("/cloudflare")
def show_images() -> str:
    """The images, newest first, with links, and the fault in force, as a page."""
    until = int(time.time()) + LINK_SECONDS
    images = [(image, signed_path(image.id, PUBLIC, until)) for image in world().cloudflare_images.all()]
    return render_template("cloudflare.html", images=images, fault=world().cloudflare_faults.current())


def _told(image: StoredImage) -> dict[str, Any]:
    return {
        "id": image.id,
        "metadata": image.metadata,
        "private": image.private,
        "mime": image.mime,
        "size": len(image.content or b""),
        "uploaded": image.uploaded.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def _call(call: Call) -> dict[str, Any]:
    at = call.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"at": at, "operation": call.operation, "path": call.path, "mode": call.mode}
