"""A session that is over opens nothing, whatever else is right or wrong with the request.

The session is looked at together with the first statement of a request. These tests hold for every operation that wants
a signed-in caller, so a new one that answers without a statement, or acts before it, is found here.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from shared.core.permissions import Permission, Role
from shared.identity.model import UserState
from tests.checked_client import CheckedClient
from tests.contract.test_other_organizations import BODIES
from tests.factories.identity import change_user
from tests.factories.order_photos import make_photo, photo_form
from tests.factories.orders import make_order, order_body
from tests.factories.organizations import Company, sign_in
from tests.rows import footprint

ENDS: dict[str, Callable[[CheckedClient, Any, dict[str, str]], object]] = {
    "signed out": lambda client, _, headers: client.post("/v1/auth/logout", headers=headers),
    "deactivated": lambda _, person, __: change_user(person, state=UserState.DEACTIVATED),
    "role changed": lambda _, person, __: change_user(person, role=Role.ADMIN),
}

VARIANTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "as it should be": lambda request: request,
    "a body that is refused": lambda request: request | {"json": None, "data": b"{", "content_type": "text/plain"},
    "a stray query parameter": lambda request: request | {"query_string": {"stray": "1"}},
}


def _requests(app: Flask, company: Company) -> list[tuple[str, dict[str, Any]]]:
    """Every operation for signed-in callers, with own identifiers and a body that is accepted."""
    order_id = make_order(company)
    ids = {"order_id": order_id, "photo_id": make_photo(company, order_id).id, "client_id": company.client_id}
    bodies = BODIES | {
        "create_order": {"json": order_body(company)},
        "create_client": {"json": {"name": "Bo", "email": "bo@client.test"}},
    }
    found = []
    for rule in app.url_map.iter_rules():
        if not isinstance(getattr(app.view_functions[rule.endpoint], "access", None), Permission):
            continue
        path = re.sub(r"<uuid:(\w+)>", lambda match: str(ids[match[1]]), rule.rule)
        view = rule.endpoint.rpartition(".")[2]
        (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        found.append((view, {"path": path, "method": method} | bodies.get(view, {})))
    return found


def _fresh(request: dict[str, Any]) -> dict[str, Any]:
    """The request with a file of its own: a form's file can be sent once."""
    return request | {"data": photo_form()} if "data" in request and request["data"] is None else request


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize("change", VARIANTS.values(), ids=VARIANTS.keys())
def test_every_operation_refuses_a_session_that_is_over(
    app: Flask, client: CheckedClient, company: Company, change: Any, end: Any
) -> None:
    person = company.actor(Role.DISPATCHER)
    headers = sign_in(company.services, person)
    end(client, person, headers)
    requests = _requests(app, company)
    before = footprint(company.org_id)
    for view, request in requests:
        answer = client.open(**change(_fresh(request)), headers=headers)
        assert answer.status_code == 401, f"{view}: {answer.status}"
        assert answer.get_json()["code"] == "identity.unauthenticated"
    assert footprint(company.org_id) == before
    assert len(requests) >= 14


def test_the_same_requests_in_a_session_that_lives_are_let_in(
    app: Flask, client: CheckedClient, company: Company
) -> None:
    """Or the test above could not fail."""
    for view, request in _requests(app, company):
        headers = sign_in(company.services, company.owner)
        assert client.open(**_fresh(request), headers=headers).status_code < 300, view


def test_a_role_without_the_right_learns_that_the_session_is_over(client: CheckedClient, company: Company) -> None:
    headers = company.headers(Role.WORKER)
    assert client.get("/v1/orders", headers=headers).status_code == 403
    client.post("/v1/auth/logout", headers=headers)
    assert client.get("/v1/orders", headers=headers).status_code == 401
