"""The published contract: OpenAPI 3.1 at `/v1/openapi.json`, made from the routes and completed by rule.

What every operation shares (its refusals, its headers) is added here once, so that no route can forget it.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask_smorest import Api, Blueprint
from marshmallow import Schema

from api.core.etags import demand_if_match

PROBLEM = {"$ref": "#/components/schemas/Problem"}
CONFIG = {
    "API_TITLE": "Crewline",
    "API_VERSION": "1",
    "OPENAPI_VERSION": "3.1.0",
    "OPENAPI_URL_PREFIX": "/v1",
    "OPENAPI_JSON_PATH": "openapi.json",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": (
                "The operations backend of home-service companies. Errors are RFC 9457 problem documents; decide on"
                " their `code`. Times are UTC, money is in minor units. Lists are keyset pages: follow `next_cursor`."
            ),
            "license": {"name": "Proprietary"},
        },
        "servers": [{"url": "/"}],
        "security": [{"staff": []}],
        "components": {
            "securitySchemes": {"staff": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    },
}

View = Callable[..., Any]

_DECLARED = "x-refusals"
_either: dict[str, tuple[tuple[str, ...], ...]] = {}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "maxLength": 255},
    "description": "The same key and body get the same answer, and one effect. Kept for 72 hours or more.",
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The `ETag` of the version that was read. 412 when the resource has changed since.",
}
_REFUSALS = {
    "400": "The request is malformed",
    "401": "Nobody is signed in",
    "402": "The limit of the company's plan is reached",
    "403": "The caller may not do this",
    "404": "No such thing for this caller",
    "409": "The state of things does not allow it now",
    "410": "It is not kept any more",
    "412": "The resource has changed since it was read",
    "413": "The body is too large",
    "415": "The content type is not supported",
    "416": "The file has no such range",
    "422": "Parts of the input cannot be accepted",
    "426": "HTTP/1.1 is needed, in which an answer that is cut short can be told",
    "428": "The request must say which version it changes",
    "429": "Too many attempts; `Retry-After` says when to try again",
    "503": "A dependency does not answer; try again",
}


def refuses(*statuses: int) -> Callable[[View], View]:
    """Document refusals of an operation that the rules below do not know."""

    def declare(view: View) -> View:
        documented: View = Blueprint.doc(**{_DECLARED: {str(status) for status in statuses}})(view)
        return documented

    return declare


def honours_if_match(view: View) -> View:
    """Document that the operation refuses a version that is not the current one."""
    documented: View = refuses(412)(Blueprint.doc(parameters=[_IF_MATCH])(view))
    return documented


def requires_if_match(view: View) -> View:
    """Refuse a request without `If-Match`, and document this and what `honours_if_match` does."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        demand_if_match()
        return view(*args, **kwargs)

    documented: View = refuses(412, 428)(Blueprint.doc(parameters=[_IF_MATCH | {"required": True}])(guarded))
    return documented


def needs_either(*groups: tuple[str, ...]) -> Callable[[type[Schema]], type[Schema]]:
    """Document that a body of this schema has all fields of at least one of `groups`; the domain sees to it."""

    def declare(schema: type[Schema]) -> type[Schema]:
        _either[schema.__name__.removesuffix("Schema")] = groups
        return schema

    return declare


def complete(api: Api) -> None:
    """Give every operation its refusals and its common parameters."""
    for name, groups in _either.items():
        api.spec.components.schemas[name]["anyOf"] = [{"required": list(group)} for group in groups]
    for path, methods in api.spec._paths.items():  # noqa: SLF001 - apispec has no other way to revisit what it has
        for method, operation in methods.items():
            if method in {"get", "post", "put", "patch", "delete"}:
                _describe_upload(operation, api.spec.components.schemas)
                _complete_operation(path, method, operation)
    api.spec.components.responses.clear()


def _describe_upload(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """A form with files is one multipart body; flask-smorest describes the files apart from it, as OpenAPI 2 did."""
    parameters = operation.get("parameters", [])
    files = {parameter["name"]: parameter for parameter in parameters if parameter["in"] == "formData"}
    if not files:
        return
    operation["parameters"] = [parameter for parameter in parameters if parameter["in"] != "formData"]
    (text_fields,) = operation["requestBody"]["content"].values()
    form = schemas[text_fields["schema"]["$ref"].rpartition("/")[2]]
    form["properties"] |= {name: file["schema"] for name, file in files.items()}
    form["required"] = sorted({*form.get("required", []), *(name for name, file in files.items() if file["required"])})
    operation["requestBody"]["content"] = {"multipart/form-data": text_fields}


def _complete_operation(path: str, method: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    responses.pop("default", None)
    refusals = operation.pop(_DECLARED, set())
    refusals |= {"400", "503"} if path.startswith("/v1/") else set()
    if operation.get("security"):
        refusals |= {"401", "403", "429"}  # 429: a Basic login that was wrong too often
    if "{" in path:
        refusals.add("404")
    if method == "post":
        refusals.add("409")
    if "requestBody" in operation:
        refusals |= {"413", "415", "422"}
    refusals |= {status for status, response in responses.items() if "$ref" in response}
    for status in sorted(refusals):
        if "content" in responses.get(status, {}):
            continue
        responses[status] = {
            "description": _REFUSALS[status],
            "content": {"application/problem+json": {"schema": PROBLEM}},
        }
    is_upload = "multipart/form-data" in str(operation.get("requestBody"))
    if method == "post" and {"201", "202"} & set(responses) and not is_upload:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
