"""Request identifiers, and one structured line per request."""

import re
import time
from uuid import uuid4

import structlog
from flask import Flask, Request, Response, request

from api.core import context
from shared.core import clock, query_count
from shared.wiring import Services

log = structlog.get_logger("api.request")

_VALID_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_QUIET = {"/healthz", "/readyz"}


def register_request_log(app: Flask, services: Services) -> None:
    """Note when a request came, take or make its id, answer with it, bind it to every log line, and write the line."""

    def begin() -> None:
        asked: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - as Flask advises
        given = asked.headers.get("X-Request-Id", "")
        request_id = given if _VALID_ID.fullmatch(given) else uuid4().hex
        context.begin(context.Call(services, asked, request_id, clock.utc_now(), time.perf_counter()))
        query_count.start()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)

    app.before_request(begin)
    app.after_request(_end)


def _end(response: Response) -> Response:
    call = context.current()
    response.headers["X-Request-Id"] = call.request_id
    asked = call.request
    if asked.path not in _QUIET or response.status_code >= 500:  # noqa: PLR2004 - a server error
        log.info(
            "request",
            method=asked.method,
            route=asked.url_rule.rule if asked.url_rule else None,
            status=response.status_code,
            code=call.problem_code,
            ms=round((time.perf_counter() - call.started) * 1000, 1),
            queries=query_count.current(),
        )
    return response
