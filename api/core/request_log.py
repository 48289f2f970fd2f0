"""Request identifiers, and one structured line per request."""

import re
import time
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request

from shared.core import query_count

log = structlog.get_logger("api.request")

_VALID_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_QUIET = {"/healthz", "/readyz"}


def register_request_log(app: Flask) -> None:
    """Take or make the request's id, answer with it, bind it to every log line, and write the line."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _VALID_ID.fullmatch(given) else uuid4().hex
    g.started = time.perf_counter()
    query_count.start()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    if request.path not in _QUIET or response.status_code >= 500:  # noqa: PLR2004 - a server error
        log.info(
            "request",
            method=request.method,
            route=request.url_rule.rule if request.url_rule else None,
            status=response.status_code,
            code=g.get("problem_code"),
            ms=round((time.perf_counter() - g.started) * 1000, 1),
            queries=query_count.current(),
        )
    return response
