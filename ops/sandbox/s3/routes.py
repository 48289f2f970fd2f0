"""S3 for tests and people, on the sandbox's ordinary port: faults, objects, what was asked, and a page."""

from typing import Any

from flask import Blueprint, Response, jsonify, render_template
from flask.typing import ResponseReturnValue

from ops.sandbox.fields import BadBodyError, Fields
from ops.sandbox.s3.faults import BEFALLS, Fault, Mode, Operation
from ops.sandbox.switch import SWITCHED, switched
from ops.sandbox.world import world

blueprint = Blueprint("s3", __name__)

MAX_SECONDS = 120


@blueprint.get("/api/s3/objects")
def list_objects() -> Response:
    """Every object, by bucket and key."""
    return jsonify(data=[each._asdict() | {"modified": _time(each.modified)} for each in world().s3_store.all()])


@blueprint.post("/api/s3/forget")
def forget() -> ResponseReturnValue:
    """Let the object ``key`` of ``bucket`` disappear. 404 when there is none."""
    fields = Fields("bucket", "key")
    bucket, key = fields.text("bucket", ""), fields.text("key", "")
    if not world().s3_store.forget(bucket, key):
        return jsonify(error=f"there is no object {key!r} in {bucket!r}"), 404
    return jsonify(bucket=bucket, key=key)


@blueprint.get("/api/s3/requests")
def list_requests() -> Response:
    """What was asked, oldest first."""
    asked = world().s3_requests.all()
    return jsonify(data=[_as_json(each) for each in asked])


@blueprint.get("/api/s3/fault")
def get_fault() -> Response:
    """The fault in force and how many requests it still has."""
    fault = world().s3_faults.current()
    told = {"mode": fault.mode, "count": fault.count, "seconds": fault.seconds}
    return jsonify(told | {"operation": fault.operation, "key": fault.key})


@blueprint.put("/api/s3/fault")
def set_fault() -> ResponseReturnValue:
    """Make the next ``count`` requests (null: all) of ``operation``, to keys that contain ``key``, go wrong in the way
    of ``mode``."""
    fields = Fields(*SWITCHED, "operation", "key")
    told = switched(fields, Mode, lasting={Mode.SLOW, Mode.DRIP}, longest=MAX_SECONDS)
    mode, operation = Mode(told.mode), _operation(fields)
    if operation not in BEFALLS.get(mode, {operation}) | {Operation.ANY}:
        raise BadBodyError(f"{mode} can befall {', '.join(sorted(BEFALLS[mode]))} only")
    fault = Fault(mode, told.count, told.seconds, operation, fields.text("key", ""))
    world().s3_faults.set(Fault() if mode is Mode.OK else fault)
    return get_fault()


@blueprint.get("/s3")
def show_objects() -> str:
    """The objects, the fault and what was asked last, as a page."""
    kept, asked = world().s3_store.all(), world().s3_requests.all()
    return render_template("s3.html", objects=kept, requests=asked[::-1][:50], world=world())


def _operation(fields: Fields) -> Operation:
    name = fields.text("operation", Operation.ANY)
    if name not in list(Operation):
        raise BadBodyError(f"operation must be one of {', '.join(Operation)}")
    return Operation(name)


def _as_json(asked: Any) -> dict[str, Any]:
    return {
        "at": _time(asked.at),
        "method": asked.method,
        "operation": asked.operation,
        "bucket": asked.bucket,
        "key": asked.key,
        "mode": asked.mode,
        "status": asked.status,
    }


def _time(moment: Any) -> str:
    return str(moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
