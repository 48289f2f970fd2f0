"""Every URL says who may call it, and is described for those who do."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from flask import Flask

from shared.core.permissions import GRANTS, Permission, Role

MADE_BY_A_LIBRARY = {"api-docs.openapi_json": "the published contract, served by flask-smorest to anybody"}
"""Endpoints that we do not write and so cannot decorate."""

ASKED_FOR_INSIDE = {Permission.OWNERS_WRITE, Permission.EXPORTS_INSPECT}
"""Rights that depend on the row, and so are asked for by the domain (`shared/iam`); or that decide how much of it is
shown (`api/exports`)."""

PUBLIC = {
    "/": "redirects to the documentation",
    "/docs": "documentation",
    "/static/<path:name>": "styles and scripts",
    "/static/swagger-ui/<path:name>": "styles and scripts",
    "/set-password": "a page; the token is checked by the call it makes",
    "/problems": "says what the error codes mean",
    "/problems/<problem_code>": "says what the error codes mean",
    "/healthz": "load balancers",
    "/readyz": "load balancers",
    "/v1/auth/login": "checks a password",
    "/v1/auth/refresh": "checks a refresh token",
    "/v1/auth/set-password": "checks a one-time token",
    "/v1/public/<org_slug>": "what a company shows to anybody",
    "/v1/public/<org_slug>/estimates": "what a job costs is for anybody to ask",
    "/v1/public/<org_slug>/slots": "when a company can come is for anybody to ask",
    "/v1/public/<org_slug>/orders": "people without an account book; checks a captcha where captchas are on",
    "/v1/public/<org_slug>/leads": "people without an account ask for work; checks a captcha where captchas are on",
    "/v1/photo-files/<token>": "checks a signed link",
    "/v1/sendgrid/events": "checks SendGrid's signature",
    "/v1/unsubscribe/<token>": "checks a signed link",
    "/v1/unsubscribe/<token>/undo": "checks a signed link",
    "/static/brand/<string(length=6):color>.css": "styles",
    "/v1/stripe/webhook": "checks Stripe's signature",
}
"""What strangers may call, and why that is right. A new public URL must be added here."""


def _operations(app: Flask) -> Iterator[tuple[str, dict[str, Any]]]:
    document = app.test_client().get("/v1/openapi.json").get_json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield f"{method.upper()} {path}", operation


def _access(app: Flask) -> dict[str, Any]:
    """What each rule's view declares; a MethodView would need a look at each of its methods."""
    declared = {}
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in MADE_BY_A_LIBRARY:
            view = app.view_functions[rule.endpoint]
            assert not hasattr(view, "view_class"), f"{rule.rule}: look at each method of a class"
            declared[f"{sorted((rule.methods or set()) - {'HEAD', 'OPTIONS'})} {rule.rule}"] = getattr(
                view, "access", None
            )
    return declared


def test_every_url_declares_who_may_call_it(app: Flask) -> None:
    declared = _access(app)
    assert [url for url, access in declared.items() if access is None] == []
    assert all(access == "public" or isinstance(access, Permission) for access in declared.values())
    assert len(declared) > 20


def test_what_a_library_registers_is_only_the_published_contract(app: Flask) -> None:
    made = [rule for rule in app.url_map.iter_rules() if rule.endpoint in MADE_BY_A_LIBRARY]
    assert [rule.rule for rule in made] == ["/v1/openapi.json"]


def test_only_listed_urls_are_public(app: Flask) -> None:
    assert {url.partition("] ")[2] for url, access in _access(app).items() if access == "public"} == set(PUBLIC)


def test_everything_else_refuses_strangers_before_it_reads_anything(app: Flask) -> None:
    client = app.test_client()
    asked = 0
    for name, operation in _operations(app):
        if not operation["security"]:
            continue
        method, path = name.split(" ", 1)
        path = re.sub(r"\{\w+_id\}", "0199a000-0000-7000-8000-000000000000", path)
        answer = client.open(path, method=method, data=b"{not json", content_type="application/json")
        assert answer.status_code == 401, name
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.get_json()["code"] == "identity.unauthenticated"
        asked += 1
    assert asked > 10


def test_every_operation_is_described(app: Flask) -> None:
    for name, operation in _operations(app):
        assert operation.get("operationId"), name
        assert operation.get("summary"), name
        assert len(operation.get("tags", [])) == 1, name
        assert operation.get("security") is not None, f"{name} must say whether a token is needed"
        refusals = [status for status in operation["responses"] if status.startswith("4")]
        assert refusals or name in {"GET /healthz", "GET /readyz"}, f"{name} describes no refusal"


def test_every_parameter_says_where_it_is(app: Flask) -> None:
    for name, operation in _operations(app):
        for parameter in operation.get("parameters", []):
            assert parameter["in"] in {"path", "query", "header"}, f"{name}: {parameter['name']}"


def test_what_takes_a_body_describes_it(app: Flask) -> None:
    described = {name for name, operation in _operations(app) if "requestBody" in operation}
    assert {
        "POST /v1/auth/login",
        "POST /v1/auth/refresh",
        "POST /v1/auth/set-password",
        "POST /v1/clients",
        "POST /v1/orders",
        "POST /v1/orders/{order_id}/cancel",
        "POST /v1/orders/{order_id}/photos",
    } <= described
    assert not any(name.startswith("GET ") for name in described)


def test_the_upload_is_described_as_a_form_with_a_file(app: Flask) -> None:
    upload = dict(_operations(app))["POST /v1/orders/{order_id}/photos"]
    assert list(upload["requestBody"]["content"]) == ["multipart/form-data"]
    described = str(upload["requestBody"]) + str(app.test_client().get("/v1/openapi.json").get_json()["components"])
    assert "binary" in described
    assert "Idempotency-Key" not in str(upload.get("parameters", [])), "the route does not read it"


def test_operation_ids_are_unique(app: Flask) -> None:
    named = Counter(operation["operationId"] for _, operation in _operations(app))
    assert [name for name, times in named.items() if times > 1] == []


def test_the_documented_security_is_the_declared_one(app: Flask) -> None:
    views = {
        f"{method} {_documented(rule.rule)}": app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    for name, operation in _operations(app):
        expected = [] if views[name].access == "public" else [{"staff": []}]  # type: ignore[attr-defined]
        assert operation["security"] == expected, name


def test_every_refusal_is_a_problem_document(app: Flask) -> None:
    for name, operation in _operations(app):
        for status, response in operation["responses"].items():
            if status.startswith(("4", "5")) and name != "GET /readyz":
                assert list(response["content"]) == ["application/problem+json"], f"{name} {status}"


def test_every_permission_is_asked_for_by_some_url_and_given_to_some_role(app: Flask) -> None:
    asked = {access for access in _access(app).values() if isinstance(access, Permission)} | ASKED_FOR_INSIDE
    assert asked == set(Permission)
    assert frozenset().union(*GRANTS.values()) == set(Permission)
    assert set(GRANTS) == set(Role)


def _documented(rule: str) -> str:
    for converter in ("uuid:", "path:"):
        rule = rule.replace(converter, "")
    return rule.replace("<", "{").replace(">", "}")
