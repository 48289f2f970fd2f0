"""A test client that holds the API to its published contract: every answer must be documented and fit its schema."""

import re
from functools import cache
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse


class CheckedClient(FlaskClient):
    """Fails the test when an answer's status is undocumented, its type unexpected, or its body breaks the schema."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        check_against_contract(self.application, response)
        return response


def check_against_contract(app: Flask, response: TestResponse) -> None:
    """Compare one answer with the OpenAPI document of `app`."""
    assert response.headers["X-Request-Id"]
    document = _document(app)
    operation = _operation(document, response.request.method, response.request.path)
    if operation is None:
        if response.status_code >= 400:
            _check_body(document, {"application/problem+json": {"schema": _PROBLEM}}, response)
        return
    documented = operation["responses"].get(str(response.status_code))
    assert documented is not None, (
        f"{response.request.method} {response.request.path}: {response.status} is undocumented"
    )
    _check_body(document, documented.get("content", {}), response)


_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_EXTENSION = "published-contract"


def _document(app: Flask) -> dict[str, Any]:
    if _EXTENSION not in app.extensions:
        app.extensions[_EXTENSION] = FlaskClient(app).get("/v1/openapi.json").get_json()
    found: dict[str, Any] = app.extensions[_EXTENSION]
    return found


def _operation(document: dict[str, Any], method: str, path: str) -> dict[str, Any] | None:
    for template, operations in document["paths"].items():
        if _pattern(template).fullmatch(path) and method.lower() in operations:
            found: dict[str, Any] = operations[method.lower()]
            return found
    return None


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", template))


def _check_body(document: dict[str, Any], content: dict[str, Any], response: TestResponse) -> None:
    if not content:
        assert response.data == b""
        return
    assert response.mimetype in content or any(kind.endswith("/*") for kind in content), response.mimetype
    media = content.get(response.mimetype)
    if media and response.mimetype.endswith("json"):
        schema = media["schema"] | {"components": document["components"]}
        Draft202012Validator(schema).validate(response.get_json())
