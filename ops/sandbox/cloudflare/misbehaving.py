"""Making calls go wrong as the fault in force says; and Cloudflare's envelope, in which all answers of its API come."""

import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from flask import Response, jsonify, make_response, redirect, request
from flask.typing import ResponseReturnValue

from ops.sandbox.cloudflare.faults import Fault, Mode, Operation
from ops.sandbox.connections import dropped
from ops.sandbox.world import world

View = Callable[..., ResponseReturnValue]

ENDLESS_BYTES = 64 * 1024 * 1024
_BLANKS = b" " * 65536
_PAGE = "<!doctype html><title>{0}</title><h1>{0}</h1>"


def envelope(result: Any) -> Response:
    """The answer to a call that has worked."""
    return jsonify(result=result, success=True, errors=[], messages=[])


def refusal(status: int, code: int, message: str) -> Response:
    """The answer to a call that has not. The codes that begin with 5 are those of Images."""
    answer = jsonify(result=None, success=False, errors=[{"code": code, "message": message}], messages=[])
    answer.status_code = status
    return answer


def no_such_image() -> Response:
    """The answer about an image that is not there."""
    return refusal(404, 5404, "Image not found.")


def call_of(operation: Operation) -> Callable[[View], View]:
    """A view that is ``operation``: it is logged, and goes as the fault in force says."""

    def around(view: View) -> View:
        @wraps(view)
        def serve(**path: str) -> ResponseReturnValue:
            fault = world().cloudflare_faults.take(operation)
            world().cloudflare_calls.add(operation, request.path, fault.mode)
            return _instead(fault) or _spoilt(make_response(view(**path)), fault)

        return serve

    return around


def _instead(fault: Fault) -> Response | None:
    """The answer to a call that is not even carried out."""
    answers: dict[Mode, Callable[[], Response]] = {
        Mode.DOWN: lambda: Response(_PAGE.format("503 Service Unavailable"), 503),
        Mode.ERROR: lambda: refusal(500, 10013, "internal server error"),
        Mode.FORBIDDEN: lambda: refusal(403, 10000, "Authentication error"),
        Mode.RATE_LIMITED: lambda: _rate_limited(fault.seconds),
        Mode.RESET: lambda: Response(dropped(request.environ["werkzeug.socket"])),
        Mode.VANISHED: no_such_image,
        Mode.WRONG: lambda: Response(_PAGE.format("Just a moment...")),
        Mode.EMPTY: lambda: jsonify(success=True, errors=[], messages=[], result={}),
        Mode.REDIRECT: lambda: make_response(redirect(request.full_path, 307)),
    }
    return answers[fault.mode]() if fault.mode in answers else None


def _spoilt(answer: Response, fault: Fault) -> Response:
    """The answer to a call that was carried out, on a way that is not well."""
    body = answer.get_data()
    if fault.mode is Mode.SLOW:
        world().stopping.wait(fault.seconds)
    elif fault.mode is Mode.CORRUPT:
        middle = len(body) // 2
        answer.set_data(body[:middle] + bytes([body[middle] ^ 0x01]) + body[middle + 1 :])
    elif fault.mode is Mode.DRIP:
        answer.response = _dripping(body, fault.seconds)
        del answer.headers["Content-Length"]
    elif fault.mode is Mode.ENDLESS:
        answer.response = _endless(body)
        del answer.headers["Content-Length"]
    elif fault.mode is Mode.HALF:
        answer.response = [body[: len(body) // 2]]
        answer.headers["Content-Length"] = str(len(body))
    return answer


def _rate_limited(seconds: float) -> Response:
    answer = refusal(429, 971, "Please wait and consider throttling your request speed")
    answer.headers["Retry-After"] = str(int(seconds))
    return answer


def _dripping(body: bytes, seconds: float) -> Iterator[bytes]:
    """A byte now and then, each in time, so that only a bound on the whole ends the wait."""
    until, sent = time.monotonic() + seconds, 0
    while time.monotonic() < until and sent < len(body) - 1:
        yield body[sent : sent + 1]
        sent += 1
        time.sleep(0.05)
    yield body[sent:]


def _endless(body: bytes) -> Iterator[bytes]:
    """Blanks change nothing in JSON: only a bound on its length refuses it."""
    yield body
    for _ in range(ENDLESS_BYTES // len(_BLANKS)):
        yield _BLANKS
