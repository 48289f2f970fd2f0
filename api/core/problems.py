"""The only place where an error becomes a status: RFC 9457 problem documents for everything that is not a success."""

from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response
from flask_smorest import Api
from werkzeug.exceptions import HTTPException

from api.core import context, json
from api.core.access import BAD_QUERY
from api.core.etags import PRECONDITION_REQUIRED
from api.core.schemas import ProblemSchema
from api.core.streams import OLD_HTTP
from shared.core.database_errors import DATABASE_AWAY
from shared.core.errors import CODES, STALE, Invalid, Refusal, code
from shared.core.pages import BAD_CURSOR
from shared.csv_files.service import GONE as FILE_GONE
from shared.integrations.captcha import CAPTCHA_REFUSED
from shared.integrations.mail import events as mail_events
from shared.integrations.payments import BAD_SIGNATURE
from shared.order_photos.images import TOO_LARGE as TOO_LARGE_PHOTO
from shared.order_photos.quota import LIMIT_REACHED

log = structlog.get_logger(__name__)

INTERNAL = code("internal", "Something went wrong on our side")
BAD_INPUT = code("request.invalid", "Parts of the request are not valid")
BAD_JSON = code("request.bad_json", "The body is not JSON")
TOO_LARGE = code("request.too_large", "The body is too large")
MEDIA_TYPE = code("request.media_type", "The content type is not supported")

STATUS_OF_KIND = {
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "throttled": 429,
    "conflict": 409,
    "invalid": 422,
    "unavailable": 503,
}
STATUS_OF_CODE = {
    BAD_SIGNATURE: 400,
    mail_events.BAD_SIGNATURE: 400,
    mail_events.BAD_BODY: 400,
    BAD_CURSOR: 400,
    BAD_QUERY: 400,
    CAPTCHA_REFUSED: 400,
    STALE: 412,
    LIMIT_REACHED: 402,
    FILE_GONE: 410,
    TOO_LARGE_PHOTO: 413,
    MEDIA_TYPE: 415,
    OLD_HTTP: 426,
    PRECONDITION_REQUIRED: 428,
}
"""Refusals for which HTTP has a more exact status than their kind says."""

RETRY_AFTER_SECONDS = 1
CODE_OF_STATUS = {
    400: BAD_JSON,
    404: code("request.no_such_url", "There is nothing at this URL"),
    405: code("request.method_not_allowed", "This URL does not support the method"),
    413: TOO_LARGE,
    415: MEDIA_TYPE,
    416: code("request.range", "The file has no such range"),
    422: BAD_INPUT,
}


class ProblemApi(Api):  # type: ignore[misc]  # flask-smorest is untyped
    """flask-smorest with problem documents for its own refusals as well."""

    ERROR_SCHEMA = ProblemSchema

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Routing, parsing and validation errors; keeps `Allow` and other headers that HTTP asks for."""
        status = error.code or 500
        data = getattr(error, "data", None) or {}
        errors = _pointers(data.get("messages", {}))
        if "query" in data.get("messages", {}):
            status = 400
        problem_code = BAD_QUERY if "query" in data.get("messages", {}) else CODE_OF_STATUS.get(status, BAD_INPUT)
        detail = CODES[problem_code] + "." if errors else (error.description or HTTPStatus(status).phrase)
        response = _problem(status, problem_code, detail, errors)
        for name, value in error.get_headers():
            if name.lower() not in {"content-type", "content-length"}:
                response.headers[name] = value
        return response


def register_problems(app: Flask) -> None:
    """Turn refusals of the domain, and crashes, into problem documents."""
    app.register_error_handler(Refusal, _handle_refusal)
    app.register_error_handler(Exception, _handle_crash)


def _handle_refusal(refusal: Refusal) -> Response:
    status = STATUS_OF_CODE.get(refusal.code) or STATUS_OF_KIND[refusal.kind]
    response = _problem(status, refusal.code, refusal.detail, refusal.errors, **refusal.fields)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        log.warning(
            "request.unavailable", code=refusal.code, exc_info=refusal if refusal.code == DATABASE_AWAY else None
        )
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if "retry_after" in refusal.fields:
        response.headers["Retry-After"] = str(refusal.fields["retry_after"])
    if status == HTTPStatus.UPGRADE_REQUIRED:
        response.headers["Upgrade"] = "HTTP/1.1"
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="crewline"'
    return response


def _handle_crash(error: Exception) -> Response:
    log.error("request.crashed", exc_info=error)
    return _problem(500, INTERNAL, "The error has been logged. Quote the request id when you ask about it.", [])


def _problem(status: int, problem_code: str, detail: str, errors: list[dict[str, str]], **fields: Any) -> Response:
    call = context.current()
    call.problem_code = problem_code
    document = {
        "type": f"/problems/{problem_code}",
        "title": CODES[problem_code],
        "status": status,
        "detail": detail,
        "code": problem_code,
        "request_id": call.request_id,
        **fields,
    }
    if errors:
        document["errors"] = errors
    return Response(json.dumps(document), status, content_type="application/problem+json")


def _pointers(messages: Any, at: str = "") -> list[dict[str, str]]:
    """Flatten marshmallow's nested messages into JSON Pointers; the outermost key is where the value came from."""
    if isinstance(messages, dict):
        found = []
        for name, inner in messages.items():
            step = "" if (not at and name in {"json", "query", "files", "form"}) or name == "_schema" else f"/{name}"
            found += _pointers(inner, at + step) if at or step else _pointers_inside(inner)
        return found
    texts = messages if isinstance(messages, list) else [messages]
    return [{"pointer": at, "code": BAD_INPUT, "detail": str(text)} for text in texts]


def _pointers_inside(inner: Any) -> list[dict[str, str]]:
    if not isinstance(inner, dict):
        return _pointers(inner)
    return [
        found for name, value in inner.items() for found in _pointers(value, "" if name == "_schema" else f"/{name}")
    ]


def media_type_refused(expected: str, got: str) -> Invalid:
    """Refuse a body of another type."""
    return Invalid(MEDIA_TYPE, f"Send {expected}, not {got or 'a body without a type'}.")
