"""What Cloudflare's API has answered, and whose fault it is when that is not what was asked for.

Its answers are envelopes, `{"success", "result", "errors": [{"code", "message"}], "messages"}`
(https://developers.cloudflare.com/api/resources/images/). No message of Cloudflare's reaches our clients or our log: it
may quote what we have sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
import structlog

from shared.core.errors import NotFound, Unavailable
from shared.integrations.storage import OBJECT_MISSING, STORAGE_AWAY

log = structlog.get_logger(__name__, backend="cloudflare_images")

LONGEST_WAIT_SECONDS = 300
"""Who asks too often is shut out for five minutes: https://developers.cloudflare.com/fundamentals/api/reference/limits/."""
RETRY_AFTER_SECONDS = 5

_SUCCESS, _REFUSED = range(200, 300), range(400, 500)
_NO_ROUTE = frozenset({7000, 7003})
"""404 with one of these is about the address, such as a wrong account id, and not about an image."""
_ABOUT_ONE_IMAGE = frozenset({"open", "delete"})
_ADVICE: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "check CF_IMAGES_API_TOKEN",
    HTTPStatus.FORBIDDEN: "check that CF_IMAGES_API_TOKEN may edit Cloudflare Images of CF_IMAGES_ACCOUNT_ID",
    HTTPStatus.NOT_FOUND: "check CF_IMAGES_ACCOUNT_ID and CF_IMAGES_API_BASE",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Cloudflare Images takes 10 MB; lower ORDER_PHOTO_MAX_BYTES",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Cloudflare Images does not take this type; see ORDER_PHOTO_ALLOWED_MIMES",
}


class Failed(Unavailable):
    """Cloudflare, or the way to it, is not well: it counts for the circuit breaker."""


class TimedOut(Failed):
    """Nothing came in time. Trying again at once would only wait again."""


class TooManyRequests(Unavailable):
    """We have asked too often. `fields["retry_after"]` says for how many seconds to leave Cloudflare alone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to `operation`; `raw` is empty when its body has gone elsewhere."""

    operation: str
    status: int
    headers: Mapping[str, str]
    raw: bytes = b""


def result_of(answer: Answer) -> dict[str, Any]:
    """The result of a call that has worked. Raises `NotFound` about an image that is not there, `TooManyRequests`,
    `Unavailable` for another refusal, and `Failed` for everything else."""
    envelope = _object(answer.raw)
    if answer.status in _SUCCESS and envelope.get("success") is True:
        result = envelope.get("result")
        return result if isinstance(result, dict) else {}
    if answer.status not in _REFUSED:
        raise failed(answer.operation, f"status {answer.status}, and no success")
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise _too_many(answer)
    codes = _codes(envelope)
    is_about_an_image = answer.operation in _ABOUT_ONE_IMAGE and bool(codes) and not codes & _NO_ROUTE
    if answer.status == HTTPStatus.NOT_FOUND and is_about_an_image:
        raise NotFound(OBJECT_MISSING, "The file is gone.")
    advice = _ADVICE.get(answer.status, "look the codes up in Cloudflare's documentation")
    log.error("storage.refused", operation=answer.operation, status=answer.status, codes=sorted(codes), advice=advice)
    raise Unavailable(STORAGE_AWAY, "The photo storage has refused the request.")


def failed(operation: str, reason: str, kind: type[Failed] = Failed) -> Failed:
    """What to raise when Cloudflare is not well. `reason` goes to the log, and not to clients."""
    log.warning("storage.failed", operation=operation, reason=reason)
    return kind(STORAGE_AWAY, "The photo storage is not well. Try again in a moment.", retry_after=RETRY_AFTER_SECONDS)


def _too_many(answer: Answer) -> TooManyRequests:
    told = answer.headers.get("Retry-After", "")
    seconds = min(max(int(told), 1), LONGEST_WAIT_SECONDS) if told.isdecimal() else LONGEST_WAIT_SECONDS
    log.warning("storage.rate_limited", operation=answer.operation, seconds=seconds)
    return TooManyRequests(STORAGE_AWAY, "The photo storage is busy. Try again later.", retry_after=seconds)


def _object(raw: bytes) -> dict[str, Any]:
    """The JSON object; empty when it is none."""
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _codes(envelope: dict[str, Any]) -> set[int]:
    errors = envelope.get("errors")
    told = [error.get("code") for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    return {code for code in told if isinstance(code, int)}
