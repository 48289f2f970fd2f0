"""Identifiers of another organization, through every operation, from every caller: nothing found, nothing changed.

The operations and their requests come from the published contract (`requests_from_openapi.py`), the rows from
`tests/factories/everything.py`. A new endpoint is covered when it is in the contract.
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import Connection
from werkzeug.test import TestResponse

from ops.permissions_docs import CLIENT_TOKEN, NOBODY, WORKER_TOKEN
from tests.checked_client import CheckedClient
from tests.contract.callers import call, callers, forged
from tests.contract.requests_from_openapi import DOCUMENT, Operation, Place, operations
from tests.factories.everything import Everything
from tests.rows import footprint, platform_footprint

FOR_STAFF = [operation for operation in operations() if not operation.is_public]
WITH_IDENTIFIERS = [operation for operation in FOR_STAFF if operation.places]
FOR_STRANGERS = [operation for operation in operations() if operation.names_company]
ASKED_BY_STRANGERS = [operation for operation in FOR_STRANGERS if operation.places]

CANNOT_SUCCEED: dict[str, str] = dict.fromkeys(
    ("change_password", "begin_mfa", "confirm_mfa", "renew_recovery_codes", "remove_mfa"),
    "asks for the caller's password, or for a code of their app",
) | {
    "merge_clients": "takes two clients, and the seed names one",
    "erase_client": "the client of the seed has open orders",
    "create_public_order": "books a time that is offered, which no example can know",
}
"""Operations, by operationId, whose success needs what neither contract nor seed can give, and why."""

IDENTIFIERS_OF_OTHERS: set[str] = set()
"""Fields of requests that end in `_id` and name something at a provider, not a row of ours: `operationId: name`."""

Both = tuple[Everything, Everything]
Identifiers = dict[Place, Any]


def _state(inhabited: Both) -> list[Any]:
    return [footprint(each.org_id) for each in inhabited] + [platform_footprint()]


def _attempts(operation: Operation, theirs: Everything) -> Iterator[Identifiers]:
    """Foreign identifiers: in one place with own ones elsewhere, and in every place at once."""
    for place in operation.places:
        for table in place.tables:
            yield {place: theirs.ids[table]}
    if len(operation.places) > 1:
        yield {place: theirs.ids[place.tables[0]] for place in operation.places}


def _is_fitting(attempt: Identifiers, answer: TestResponse) -> bool:
    """Is this how a permitted caller is told that there is no such thing?"""
    where = {place.where for place in attempt}
    if where == {"path"}:
        return answer.status_code in {403, 404}
    if where == {"query"} and answer.status_code == 200:
        return bool(answer.get_json()["data"] == [])
    return 400 <= answer.status_code < 500


def _said(answer: TestResponse) -> Any:
    """What the caller learns, without what differs from request to request."""
    body = answer.get_json()
    return answer.status_code, body.get("code"), body.get("data")


def test_the_operations_are_those_of_the_app(app: Flask) -> None:
    served = app.test_client().get("/v1/openapi.json").get_json()
    assert served == DOCUMENT, "the committed contract is stale: run `make openapi`"
    assert len(FOR_STAFF) >= 14
    assert len(WITH_IDENTIFIERS) >= 10


@pytest.mark.parametrize("operation", FOR_STAFF + FOR_STRANGERS, ids=str)
def test_whatever_names_a_row_is_a_uuid(operation: Operation) -> None:
    """Or the tests below would not know it for an identifier."""
    known = {place.name for place in operation.places}
    for where, name, schema in operation.fields:
        if name in known or f"{operation.id}: {name}" in IDENTIFIERS_OF_OTHERS:
            continue
        assert not name.endswith(("_id", "_ids")), f"`{name}` of {operation}: make it a fields.UUID"
        is_known = "enum" in schema or (name == "org_slug" and operation.is_public)
        assert where != "path" or is_known, f"`{name}` in the path of {operation}: take a <uuid:…>"


def test_what_is_public_and_takes_identifiers_says_of_which_company() -> None:
    """Or the tests about strangers below would not see it."""
    taking = [operation for operation in operations() if operation.is_public and operation.places]
    assert [str(operation) for operation in taking if not operation.names_company] == []
    assert [str(operation) for operation in FOR_STRANGERS if not operation.is_public] == []
    assert len(ASKED_BY_STRANGERS) >= 2


@pytest.mark.parametrize("operation", ASKED_BY_STRANGERS, ids=str)
def test_strangers_find_nothing_of_another_company(
    client: CheckedClient, inhabited: Both, operation: Operation
) -> None:
    """Through the door of one company, with identifiers of another: as if nobody had them."""
    mine, theirs = inhabited
    before = _state(inhabited)
    for foreign in _attempts(operation, theirs):
        answer = call(client, operation.request(mine.ids, foreign), {})
        text = answer.get_data(as_text=True)
        label = f"{operation} with {foreign}: {answer.status} {text}"
        assert _is_fitting(foreign, answer), label
        sent = {str(value) for value in foreign.values()}
        assert [trace for trace in theirs.traces() - sent if trace in text] == [], label
        unknown = dict.fromkeys(foreign, uuid4())
        assert _said(answer) == _said(call(client, operation.request(mine.ids, unknown), {})), (
            f"{label}; an identifier that nobody has is answered differently"
        )
    assert _state(inhabited) == before, f"{operation} has changed something"


@pytest.mark.parametrize("operation", FOR_STRANGERS, ids=str)
def test_strangers_succeed_with_identifiers_of_the_company_they_came_to(
    client: CheckedClient, database: Connection, inhabited: Both, operation: Operation
) -> None:
    """Or the test above could not fail."""
    for mine, theirs in (inhabited, inhabited[::-1]):
        before = footprint(theirs.org_id)
        optional = [place for place in operation.places if not place.required]
        for own in [{}, *({place: mine.ids[place.tables[0]]} for place in optional)]:
            request = operation.request(mine.ids, own)
            attempt = database.begin_nested()
            answer = call(client, request, {})
            text = answer.get_data(as_text=True)
            assert footprint(theirs.org_id) == before, f"{operation} has changed another organization"
            attempt.rollback()
            if operation.id in CANNOT_SUCCEED:
                assert answer.status_code == 409, f"{operation} succeeds, or is refused for another reason: {text}"
            else:
                assert answer.status_code < 300, f"{operation}: {answer.status} {text} for {request}"
            assert [trace for trace in theirs.traces() if trace in text] == []


@pytest.mark.parametrize("operation", WITH_IDENTIFIERS, ids=str)
def test_foreign_identifiers_find_nothing_and_change_nothing(
    client: CheckedClient, inhabited: Both, operation: Operation
) -> None:
    mine, theirs = inhabited
    before = _state(inhabited)
    for caller, headers in callers(mine).items():
        for foreign in _attempts(operation, theirs):
            answer = call(client, operation.request(mine.ids, foreign), headers)
            label = f"{operation} as {caller} with {foreign}: {answer.status} {answer.get_data(as_text=True)}"
            if caller in {NOBODY, CLIENT_TOKEN, WORKER_TOKEN}:
                assert answer.status_code == 401, label
                continue
            assert _is_fitting(foreign, answer), label
            unknown = dict.fromkeys(foreign, uuid4())
            assert _said(answer) == _said(call(client, operation.request(mine.ids, unknown), headers)), (
                f"{label}; an identifier that nobody has is answered differently"
            )
        assert _state(inhabited) == before, f"{operation} as {caller} has changed something"


@pytest.mark.parametrize("operation", FOR_STAFF, ids=str)
def test_own_identifiers_succeed_and_change_nothing_elsewhere(
    client: CheckedClient, database: Connection, inhabited: Both, operation: Operation
) -> None:
    """Or the test above could not fail."""
    mine, theirs = inhabited
    before = footprint(theirs.org_id)
    optional = [place for place in operation.places if not place.required and len(place.tables) == 1]
    for own in [{}, *({place: mine.ids[place.tables[0]]} for place in optional)]:
        request = operation.request(mine.ids_for(operation.id), own)
        attempt = database.begin_nested()
        answer = call(client, request, mine.company.headers())
        assert footprint(theirs.org_id) == before, f"{operation} has changed another organization"
        attempt.rollback()
        if operation.id in CANNOT_SUCCEED:
            assert 400 <= answer.status_code < 500, f"{operation} succeeds: take it off the list"
            continue
        assert answer.status_code < 300, (
            f"{operation}: {answer.status} {answer.get_data(as_text=True)} for {request}; give what is refused an"
            " `example` in its schema, or extend tests/factories/everything.py"
        )


@pytest.mark.parametrize("operation", [each for each in WITH_IDENTIFIERS if each.method == "GET"], ids=str)
def test_each_filter_by_an_own_identifier_finds_something(
    client: CheckedClient, inhabited: Both, operation: Operation
) -> None:
    """Or an empty list would prove nothing."""
    mine, _ = inhabited
    for place in (place for place in operation.places if place.where == "query"):
        found = [
            call(client, operation.request(mine.ids, {place: value}), mine.company.headers()).get_json().get("data")
            for value in [*(mine.ids[table] for table in place.tables), mine.company.owner.user_id]
        ]
        assert any(found), f"{operation}: let tests/factories/everything.py make a row that `{place.name}` finds"


@pytest.mark.parametrize("operation", [each for each in FOR_STAFF if each.method == "GET"], ids=str)
def test_answers_hold_nothing_of_another_organization(
    client: CheckedClient, inhabited: Both, operation: Operation
) -> None:
    for own, other in (inhabited, inhabited[::-1]):
        answer = call(client, operation.request(own.ids_for(operation.id)), own.company.headers())
        text = answer.get_data(as_text=True)
        assert [trace for trace in other.traces() if trace in text] == []
        if answer.is_json and "data" in answer.get_json():
            assert any(trace in text for trace in own.traces()), "a list without a row proves nothing"


def test_only_the_audience_keeps_the_portals_tokens_out(client: CheckedClient, inhabited: Both) -> None:
    """Or they would be refused for something else."""
    company = inhabited[0].company
    for audience, status in (("staff", 200), ("client", 401), ("worker", 401)):
        assert client.get("/v1/orders", headers=forged(company, aud=audience)).status_code == status


def test_a_token_in_which_the_organization_was_changed_opens_neither(client: CheckedClient, inhabited: Both) -> None:
    mine, theirs = inhabited
    headers = forged(mine.company, org=str(theirs.org_id))
    assert client.get("/v1/orders", headers=headers).status_code == 401


def test_what_cannot_succeed_is_an_operation_of_the_contract() -> None:
    assert set(CANNOT_SUCCEED) <= {operation.id for operation in FOR_STAFF + FOR_STRANGERS}
