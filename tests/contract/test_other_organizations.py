"""Another organization's identifiers, through every operation that takes one: nothing found, nothing changed."""

import itertools
import re
from typing import Any

import pytest
from flask import Flask

from tests.checked_client import CheckedClient
from tests.factories.order_photos import make_photo, photo_form
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.rows import footprint

BODIES: dict[str, dict[str, Any]] = {
    "cancel_order": {"json": {"reason": "mine now"}},
    "upload_photo": {"data": None},
}
"""What each operation with a body is sent, by the name of its view; a new one must be added."""

NAMED_IN_BODIES = {"POST /v1/orders: client_id"}
"""Fields of a body that name a row; each has a test of its own in its feature's folder."""


def _own_and_foreign(company: Company, neighbour: Company) -> tuple[dict[str, str], dict[str, str]]:
    found = []
    for each in (company, neighbour):
        order_id = make_order(each)
        photo_id = make_photo(each, order_id).id
        found.append({"order_id": str(order_id), "photo_id": str(photo_id), "client_id": str(each.client_id)})
        each.headers()
    return found[0], found[1]


def _with_identifiers(app: Flask) -> list[tuple[str, str, str, list[str]]]:
    found = []
    for rule in app.url_map.iter_rules():
        placeholders = re.findall(r"<uuid:(\w+)>", rule.rule)
        path = re.sub(r"<uuid:(\w+)>", r"{\1}", rule.rule)
        found += [
            (method, path, rule.endpoint.rpartition(".")[2], placeholders)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
            if placeholders
        ]
    return found


def test_every_identifier_of_another_organization_is_not_found_and_changes_nothing(
    app: Flask, client: CheckedClient, company: Company, neighbour: Company
) -> None:
    own, foreign = _own_and_foreign(company, neighbour)
    before = footprint(company.org_id), footprint(neighbour.org_id)
    operations = _with_identifiers(app)
    assert len(operations) >= 8
    tried = 0
    for method, path, view, placeholders in operations:
        # Each mix of own and foreign identifiers with at least one foreign one.
        for theirs in itertools.product([True, False], repeat=len(placeholders)):
            if not any(theirs):
                continue
            ids = {name: (foreign if alien else own)[name] for name, alien in zip(placeholders, theirs, strict=True)}
            more = dict(BODIES.get(view, {}))
            if "data" in more:
                more["data"] = photo_form()
            answer = client.open(path.format(**ids), method=method, headers=company.headers(), **more)
            assert answer.status_code == 404, f"{method} {path} with {ids}: {answer.status}"
            tried += 1
    assert tried >= 10
    assert (footprint(company.org_id), footprint(neighbour.org_id)) == before


def test_the_same_calls_with_own_identifiers_are_found(
    app: Flask, client: CheckedClient, company: Company, neighbour: Company
) -> None:
    """Or the test above could not fail."""
    for method, path, view, _ in _with_identifiers(app):
        own, _foreign = _own_and_foreign(company, neighbour)
        more = dict(BODIES.get(view, {}))
        if "data" in more:
            more["data"] = photo_form()
        answer = client.open(path.format(**own), method=method, headers=company.headers(), **more)
        assert answer.status_code < 300, f"{method} {path}: {answer.status}"


def test_lists_hold_nothing_of_another_organization(
    app: Flask, client: CheckedClient, company: Company, neighbour: Company
) -> None:
    _, foreign = _own_and_foreign(company, neighbour)
    lists = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.rule.startswith("/v1/") and "<" not in rule.rule
    ]
    assert {"/v1/orders", "/v1/clients"} <= set(lists)
    for path in lists:
        text = client.get(path, headers=company.headers()).get_data(as_text=True)
        for identifier in (*foreign.values(), str(neighbour.org_id), neighbour.slug):
            assert identifier not in text, path


def test_a_filter_by_another_organizations_client_finds_nothing(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    _own_and_foreign(company, neighbour)
    answer = client.get(f"/v1/orders?client_id={neighbour.client_id}", headers=company.headers())
    assert answer.get_json()["data"] == []


def test_bodies_name_rows_only_where_a_test_knows(app: Flask) -> None:
    document = app.test_client().get("/v1/openapi.json").get_json()
    named = set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}) if method != "parameters" else {}
            for media in content.values():
                schema = document["components"]["schemas"].get(media["schema"].get("$ref", "").rpartition("/")[2], {})
                for name, field in schema.get("properties", {}).items():
                    if field.get("format") == "uuid":
                        named.add(f"{method.upper()} {path}: {name}")
    assert named == NAMED_IN_BODIES


@pytest.mark.parametrize("role_of", ["company", "neighbour"])
def test_a_token_works_in_its_own_organization_only(
    client: CheckedClient, company: Company, neighbour: Company, role_of: str
) -> None:
    mine, other = (company, neighbour) if role_of == "company" else (neighbour, company)
    make_order(other)
    assert client.get("/v1/orders", headers=mine.headers()).get_json()["data"] == []
