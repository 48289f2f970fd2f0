"""The receiver over HTTP: where webhooks go; secrets, faults and what came, for tests and people."""

import base64
import binascii
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from ops.sandbox.connections import dropped
from ops.sandbox.fields import BadBodyError, Fields
from ops.sandbox.receiver.checking import Verdict
from ops.sandbox.receiver.faults import Fault, Mode
from ops.sandbox.receiver.log import Delivery
from ops.sandbox.switch import SWITCHED, switched
from ops.sandbox.world import world

Refusal = tuple[Any, int] | tuple[Any, int, dict[str, str]]

blueprint = Blueprint("receiver", __name__)

MAX_SECONDS = 120
HUGE_BYTES = 1024 * 1024
_NOT_TAKEN: dict[Mode, Refusal] = {
    Mode.ERROR: ({"error": "out of order"}, 500),
    Mode.GONE: ({"error": "no more, please"}, 410),
    Mode.REDIRECT: ("", 307, {"Location": "/webhooks-take-everything"}),
}


@blueprint.post("/webhooks")
@blueprint.post("/webhooks/<path:_>")
def receive(_: str = "") -> ResponseReturnValue:
    """Take a delivery: 200 for what is genuine, 401 for what is not."""
    body = request.get_data()
    fault = world().receiver_faults.take()
    if fault.mode is Mode.HANG:
        world().stopping.wait(fault.seconds)
    if fault.mode in {Mode.HANG, Mode.RESET}:
        _remember(body, fault.mode, None, "", None)
        return Response(dropped(request.environ["werkzeug.socket"]))
    if fault.mode is Mode.BUSY:
        return _refused(body, fault, ({"error": "later"}, 429, {"Retry-After": str(round(fault.seconds))}))
    if fault.mode in _NOT_TAKEN:
        return _refused(body, fault, _NOT_TAKEN[fault.mode])
    return _taken(body, fault)


@blueprint.post("/webhooks-take-everything")
def take_everything() -> Response:
    """Where the fault ``redirect`` leads."""
    _remember(request.get_data(), "redirected", None, "", 200)
    return jsonify(taken=True)


@blueprint.get("/api/webhooks/deliveries")
def list_deliveries() -> Response:
    """What came, oldest first; those with the ``type`` or ``id`` that the query names."""
    wanted = {name: value for name in ("type", "id", "verdict") if (value := request.args.get(name))}
    found = [asdict(each) for each in world().receiver_log.all()]
    return jsonify(data=[each for each in found if all(each[name] == value for name, value in wanted.items())])


@blueprint.put("/api/webhooks/secrets")
def set_secrets() -> Response:
    """Accept what one of these ``secrets`` has signed; with none, everything. Forgets which ids were here."""
    secrets = Fields("secrets").texts("secrets")
    for secret in secrets:
        try:
            base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raise BadBodyError("each of secrets must be whsec_ and base64") from None
    world().receiver_judge.secrets = tuple(secrets)
    world().receiver_judge.forget()
    return jsonify(secrets=len(secrets))


@blueprint.get("/api/webhooks/fault")
def get_fault() -> Response:
    """The fault in force and how many deliveries it still has."""
    fault = world().receiver_faults.current()
    return jsonify(mode=fault.mode, count=fault.count, seconds=fault.seconds)


@blueprint.put("/api/webhooks/fault")
def set_fault() -> ResponseReturnValue:
    """Make the next ``count`` deliveries (null: all) go wrong in the way of ``mode``."""
    told = switched(Fields(*SWITCHED), Mode, lasting={Mode.SLOW, Mode.HANG, Mode.BUSY}, longest=MAX_SECONDS)
    world().receiver_faults.set(Fault(Mode(told.mode), told.count, told.seconds))
    return get_fault()


@blueprint.get("/webhooks")
def show() -> str:
    """What came, newest first, as a page."""
    return render_template("receiver.html", deliveries=world().receiver_log.all()[::-1], world=world())


def _taken(body: bytes, fault: Fault) -> ResponseReturnValue:
    verdict, reason = world().receiver_judge.judge(body, {name.lower(): value for name, value in request.headers})
    status = 401 if verdict is Verdict.REFUSED else 200
    is_cut = fault.mode is Mode.DROP_AFTER_ACCEPT
    _remember(body, fault.mode, verdict, reason, None if is_cut else status)
    if is_cut:
        return Response(dropped(request.environ["werkzeug.socket"]))
    if fault.mode is Mode.SLOW:
        world().stopping.wait(fault.seconds)
    if fault.mode is Mode.HUGE:
        return "x" * HUGE_BYTES, status
    return {"verdict": verdict, "reason": reason}, status


def _refused(body: bytes, fault: Fault, answer: Refusal) -> ResponseReturnValue:
    _remember(body, fault.mode, None, "", answer[1])
    return answer


def _remember(body: bytes, mode: str, verdict: Verdict | None, reason: str, status: int | None) -> None:
    headers = {name.lower(): value for name, value in request.headers}
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = Delivery(
        at=at,
        id=headers.get("webhook-id"),
        type=_type_of(body),
        headers=headers,
        body=body.decode("utf-8", "replace"),
        mode=mode,
        verdict=verdict,
        reason=reason,
        status=status,
    )
    world().receiver_log.add(told)


def _type_of(body: bytes) -> str | None:
    try:
        return str(json.loads(body)["type"])
    except (ValueError, KeyError, TypeError):
        return None
