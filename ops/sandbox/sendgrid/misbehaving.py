"""Making calls go wrong as the fault in force says, and SendGrid's way to refuse."""

import time
from collections.abc import Callable
from http import HTTPStatus

from flask import Response, jsonify, request

from ops.sandbox.connections import dropped
from ops.sandbox.sendgrid.account import BASE_PATH
from ops.sandbox.sendgrid.checks import Fault as MailFault
from ops.sandbox.sendgrid.faults import Fault, Mode
from ops.sandbox.world import world

ACCEPTS_EVERYTHING = f"{BASE_PATH}/v3/accepts-everything"
"""Where the fault ``redirect`` leads."""
LONGEST_HANG_SECONDS = 3_600.0
_PAGE = "<!doctype html><title>{0}</title><h1>{0}</h1>"
_UNVERIFIED = (
    "The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved."
    " Visit https://sendgrid.com/docs/for-developers/sending-email/sender-identity/ to see the Sender Identity"
    " requirements"
)


def refusal(status: int, *faults: MailFault) -> Response:
    """The answer to a mail that is not taken."""
    answer = jsonify(errors=[fault.told() for fault in faults])
    answer.status_code = status
    return answer


def unauthorized() -> Response:
    """The answer to a key that is not good."""
    return refusal(401, MailFault("The provided authorization grant is invalid, expired, or revoked"))


def too_large() -> Response:
    """The answer to a mail over 30 MB."""
    return refusal(413, MailFault("The request payload size exceeds the limit."))


def instead(fault: Fault) -> Response | None:
    """The answer to a call that is not even carried out."""
    answers: dict[Mode, Callable[[], Response]] = {
        Mode.RATE_LIMITED: lambda: _rate_limited(fault.seconds),
        Mode.UNAUTHORIZED: unauthorized,
        Mode.FORBIDDEN: lambda: refusal(403, MailFault(_UNVERIFIED, "from")),
        Mode.REFUSED: lambda: refusal(
            400,
            MailFault("Does not contain a valid address.", "personalizations.0.to.0.email", "personalizations.to"),
        ),
        Mode.TOO_LARGE: too_large,
        Mode.DOWN: lambda: Response(_PAGE.format("503 Service Unavailable"), 503),
        Mode.ERROR: lambda: refusal(500, MailFault("Internal Server Error")),
        Mode.HANG: _hang,
        Mode.RESET: end_connection,
        Mode.GARBAGE: lambda: Response(_PAGE.format("Just a moment...")),
        Mode.REDIRECT: lambda: Response(headers={"Location": ACCEPTS_EVERYTHING}, status=HTTPStatus.FOUND),
    }
    return answers[fault.mode]() if fault.mode in answers else None


def end_connection() -> Response:
    """No answer at all."""
    return Response(dropped(request.environ["werkzeug.socket"]))


def _rate_limited(seconds: float) -> Response:
    answer = refusal(429, MailFault("too many requests"))
    answer.headers["X-RateLimit-Limit"] = "600"
    answer.headers["X-RateLimit-Remaining"] = "0"
    answer.headers["X-RateLimit-Reset"] = str(int(time.time() + seconds))
    answer.headers["Retry-After"] = str(int(seconds))
    return answer


def _hang() -> Response:
    world().stopping.wait(LONGEST_HANG_SECONDS)
    return end_connection()
