"""Turnstile over HTTP: siteverify for the product; tokens, faults and what was checked for tests and people."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, json, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from ops.sandbox.fields import Fields
from ops.sandbox.switch import SWITCHED, switched
from ops.sandbox.turnstile.faults import Fault, Mode
from ops.sandbox.turnstile.log import Check
from ops.sandbox.turnstile.tokens import LIFE_SECONDS, refused
from ops.sandbox.world import world

blueprint = Blueprint("turnstile", __name__)

MAX_SECONDS = 120
ENDLESS_BYTES = 1024 * 1024
LETS_EVERYTHING_PASS = {"success": True, "error-codes": [], "action": "", "hostname": ""}


@blueprint.post("/turnstile/v0/siteverify")
def siteverify() -> ResponseReturnValue:
    """Check a token: a form or JSON with ``secret``, ``response``, ``remoteip`` and ``idempotency_key``."""
    told = request.get_json(silent=True) if request.is_json else request.form.to_dict()
    fault = world().turnstile_faults.take()
    if not isinstance(told, dict):
        return jsonify(refused("bad-request")), 400
    asked = {name: str(told.get(name) or "") for name in ("secret", "response", "remoteip", "idempotency_key")}
    answer = None
    if fault.mode in {Mode.OK, Mode.SLOW, Mode.DRIP}:
        answer = world().turnstile_tokens.verify(asked["secret"], asked["response"], asked["idempotency_key"])
    check = Check(datetime.now(UTC), asked["response"], asked["remoteip"] or None, fault.mode, answer)
    world().turnstile_checks.add(check)
    return _answered(answer, fault)


@blueprint.post("/turnstile/v0/passes-everything")
def passes_everything() -> Response:
    """Where the fault ``redirect`` leads."""
    return jsonify(LETS_EVERYTHING_PASS)


@blueprint.post("/api/turnstile/tokens")
def make_token() -> ResponseReturnValue:
    """Solve the captcha: a token for ``action``, made on a page of ``hostname``, ``age_seconds`` ago."""
    fields = Fields("action", "hostname", "age_seconds")
    age = fields.number("age_seconds", 0.0, low=0, high=100 * LIFE_SECONDS)
    tokens = world().turnstile_tokens
    made = tokens.make(fields.text("action", ""), fields.text("hostname", "localhost"), age_seconds=age)
    return jsonify(token=made), 201


@blueprint.get("/api/turnstile/checks")
def list_checks() -> Response:
    """What was checked, oldest first."""
    return jsonify(data=[_as_json(check) for check in world().turnstile_checks.all()])


@blueprint.get("/api/turnstile/fault")
def get_fault() -> Response:
    """The fault in force and how many checks it still has."""
    fault = world().turnstile_faults.current()
    return jsonify(mode=fault.mode, count=fault.count, seconds=fault.seconds)


@blueprint.put("/api/turnstile/fault")
def set_fault() -> ResponseReturnValue:
    """Make the next ``count`` checks (null: all) go wrong in the way of ``mode``."""
    told = switched(Fields(*SWITCHED), Mode, lasting={Mode.SLOW, Mode.DRIP}, longest=MAX_SECONDS)
    world().turnstile_faults.set(Fault(Mode(told.mode), told.count, told.seconds))
    return get_fault()


@blueprint.get("/turnstile")
def show_checks() -> str:
    """What was checked, newest first, as a page."""
    return render_template("turnstile.html", checks=world().turnstile_checks.all()[::-1])


def _answered(answer: dict[str, Any] | None, fault: Fault) -> ResponseReturnValue:
    if fault.mode is Mode.SLOW:
        world().stopping.wait(fault.seconds)
    if fault.mode is Mode.DRIP:
        return Response(_dripping(json.dumps(answer), fault.seconds), mimetype="application/json")
    wrong: dict[Mode, ResponseReturnValue] = {
        Mode.DOWN: ("<h1>503 Service Unavailable</h1>", 503),
        Mode.ERROR: refused("internal-error"),
        Mode.WRONG: "<h1>Just a moment...</h1>",
        Mode.NO_VERDICT: {"ok": True},
        Mode.REDIRECT: ("", 307, {"Location": "/turnstile/v0/passes-everything"}),
        Mode.FAILED_SUCCESS: (LETS_EVERYTHING_PASS, 500),
    }
    if fault.mode is Mode.ENDLESS:
        return Response(json.dumps(LETS_EVERYTHING_PASS).ljust(ENDLESS_BYTES), mimetype="application/json")
    return wrong[fault.mode] if answer is None else jsonify(answer)


def _dripping(text: str, seconds: float) -> Iterator[str]:
    """One letter now and then, each in time, so that only a bound on the whole ends the wait."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield " "
        time.sleep(0.2)
    yield text


def _as_json(check: Check) -> dict[str, Any]:
    at = check.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "at": at,
        "token": check.token,
        "remote_ip": check.remote_ip,
        "mode": check.mode,
        "answer": check.answer,
    }
