"""A session that is over opens nothing, whatever else is right or wrong with the request.

The session is looked at together with the first statement of a request. These tests hold for every operation that wants
a signed-in caller, so a new one that answers without a statement, or acts before it, is found here. That the same
requests succeed while a session lives is shown in `test_other_organizations.py`.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any, BinaryIO

import pytest
from werkzeug.test import EnvironBuilder

from api.app import create_app
from api.core.access import requires
from shared.core.permissions import Permission, Role
from shared.identity.model import UserState
from shared.integrations.storage import Slot
from shared.integrations.storage.local_storage import LocalStorage
from tests.checked_client import CheckedClient
from tests.contract.callers import call
from tests.contract.requests_from_openapi import operations
from tests.factories.everything import make_everything
from tests.factories.identity import change_user
from tests.factories.order_photos import photo_form
from tests.factories.orders import make_order
from tests.factories.organizations import Company, sign_in
from tests.rows import footprint, row
from tests.variants import bound, client_on

FOR_STAFF = [operation for operation in operations() if not operation.is_public]

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


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize("change", VARIANTS.values(), ids=VARIANTS.keys())
def test_every_operation_refuses_a_session_that_is_over(
    client: CheckedClient, company: Company, change: Any, end: Any
) -> None:
    ids = make_everything(company).ids
    person = company.actor(Role.DISPATCHER)
    headers = sign_in(company.services, person)
    end(client, person, headers)
    before = footprint(company.org_id)
    for operation in FOR_STAFF:
        answer = call(client, change(operation.request(ids)), headers)
        assert answer.status_code == 401, f"{operation}: {answer.status}"
        assert answer.get_json()["code"] == "identity.unauthenticated"
    assert footprint(company.org_id) == before
    assert len(FOR_STAFF) >= 16


def test_a_role_without_the_right_learns_that_the_session_is_over(client: CheckedClient, company: Company) -> None:
    headers = company.headers(Role.WORKER)
    assert client.get("/v1/orders", headers=headers).status_code == 403
    client.post("/v1/auth/logout", headers=headers)
    assert client.get("/v1/orders", headers=headers).status_code == 401


class EndingStorage(LocalStorage):
    """Somebody's session ends while their file is being written."""

    end: Callable[[], None]

    def put(self, slot: Slot, source: BinaryIO, *, mime: str) -> None:
        super().put(slot, source, mime=mime)
        self.end()


def test_an_upload_is_finished_when_its_session_ends_meanwhile(company: Company) -> None:
    person = company.actor(Role.DISPATCHER)
    headers = sign_in(company.services, person)
    order_id = make_order(company)
    storage = EndingStorage(company.services.settings.order_upload_root)
    storage.end = lambda: change_user(person, state=UserState.DEACTIVATED)
    client = client_on(replace(company.services, storages={storage.backend: storage}))
    url = f"/v1/orders/{order_id}/photos"
    assert client.post(url, data=photo_form(), headers=headers).status_code == 201
    assert client.get(url, headers=headers).status_code == 401
    assert row("SELECT state FROM order_photos WHERE order_id = :id", id=order_id)["state"] == "uploaded"


def test_the_first_request_of_a_fresh_pool_looks_at_the_session_too(company: Company) -> None:
    """SQLAlchemy asks a new server a few things first, which must not pass for the look at the session."""
    headers = company.headers()  # in the test's own transaction: over, for whoever comes on another connection
    with bound(company.services):
        answer = client_on(company.services).get("/v1/orders?cursor=rubbish", headers=headers)
    assert answer.status_code == 401


def test_a_database_that_is_away_is_waited_for_once(company: Company) -> None:
    headers = company.headers()
    with bound(company.services, database_pool_size=1, database_max_overflow=0, database_pool_timeout_seconds=1) as own:
        client = client_on(company.services)
        with own.reader.connect():
            began = time.monotonic()
            assert client.get("/v1/orders", headers=headers).status_code == 503
            assert 1 <= time.monotonic() - began < 2


def test_a_view_that_runs_no_statement_asks_all_the_same(company: Company) -> None:
    @requires(Permission.SELF)
    def tell_nothing() -> dict[str, bool]:
        return {"told": True}

    app = create_app(company.services.settings, company.services)
    app.add_url_rule("/v1/nothing", view_func=tell_nothing)
    client, headers = app.test_client(), company.headers()
    assert client.get("/v1/nothing", headers=headers).get_json() == {"told": True}
    client.post("/v1/auth/logout", headers=headers)
    assert client.get("/v1/nothing", headers=headers).status_code == 401


class WatchedBody(BytesIO):
    """A body that knows whether anybody has begun to read it."""

    was_read = False

    def readinto(self, buffer: Any) -> int:
        self.was_read = True
        return super().readinto(buffer)

    def read(self, size: int | None = -1) -> bytes:
        self.was_read = True
        return super().read(size)


def test_an_upload_is_not_read_for_a_session_that_is_over(client: CheckedClient, company: Company) -> None:
    url = f"/v1/orders/{make_order(company)}/photos"
    headers = company.headers()
    form, seen = EnvironBuilder(method="POST", data=photo_form()).get_environ(), []
    content, kind = form["wsgi.input"].read(), form["CONTENT_TYPE"]
    for expected in (201, 401):
        body = WatchedBody(content)
        sent = {"input_stream": body, "content_type": kind, "content_length": len(content)}
        assert client.post(url, headers=headers, **sent).status_code == expected
        seen.append(body.was_read)
        client.post("/v1/auth/logout", headers=headers)
    assert seen == [True, False]
