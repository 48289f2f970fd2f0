"""Versions over HTTP: `ETag: "v7"` out, `If-Match: "v7"` in (RFC 9110)."""

import re

from flask import request

from shared.core.errors import STALE, Conflict, Invalid, code

PRECONDITION_REQUIRED = code("request.precondition_required", "The request must say which version it changes")

_VERSION = re.compile(r'"v([0-9]{1,18})"')


def etag(version: int) -> dict[str, str]:
    """The header that names the version of an answer."""
    return {"ETag": f'"v{version}"'}


def demand_if_match() -> None:
    """Refuse a change that does not say which version it is made to: it would undo somebody else's, unseen."""
    if "If-Match" not in request.headers:
        detail = "Send If-Match with the ETag of what you have read, or * to change whatever is there now."
        raise Invalid(PRECONDITION_REQUIRED, detail)


def expected_version() -> int | None:
    """The version that the caller insists on; None without `If-Match`. Raises `Conflict` for a tag that is not ours."""
    given = request.headers.get("If-Match")
    if given is None or given.strip() == "*":
        return None
    match = _VERSION.fullmatch(given.strip())
    if match is None:
        raise Conflict(STALE, "If-Match names no version of this resource.")
    return int(match[1])
