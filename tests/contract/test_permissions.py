"""Who may call what: the page that people read, held against what really happens."""

import re

import pytest
from flask import Flask
from sqlalchemy import Connection

from ops import permissions_docs
from ops.permissions_docs import ALLOWED, CALLERS, FORBIDDEN, PUBLIC, UNAUTHENTICATED
from shared.core.permissions import GRANTS, Permission, Role
from tests.checked_client import CheckedClient
from tests.contract.callers import call, callers
from tests.contract.requests_from_openapi import Operation, operations
from tests.factories.everything import Everything
from tests.rows import footprint, platform_footprint

_ROW = re.compile(r"^\| `([^`]+)` \| (.+) \|$", re.MULTILINE)


def _table(part: str) -> dict[str, list[str]]:
    """The rows of the committed page's tables in the part under that heading, by what is in their first column."""
    text = permissions_docs.PAGE.read_text().partition(f"\n## {part}\n")[2].partition("\n## ")[0]
    return {match[1]: match[2].split(" | ") for match in _ROW.finditer(text)}


def _class(status: int) -> str:
    return {401: UNAUTHENTICATED, 403: FORBIDDEN}.get(status, ALLOWED)


@pytest.mark.parametrize("operation", [each for each in operations() if not each.is_public], ids=str)
def test_every_caller_meets_what_the_page_says(
    client: CheckedClient, database: Connection, inhabited: tuple[Everything, Everything], operation: Operation
) -> None:
    mine, theirs = inhabited
    permission, *expected = _table("Operations")[str(operation)]
    assert permission != PUBLIC
    before, elsewhere = (footprint(mine.org_id), platform_footprint()), footprint(theirs.org_id)
    for (caller, headers), outcome in zip(callers(mine).items(), expected, strict=True):
        attempt = database.begin_nested()
        answer = call(client, operation.request(mine.ids), headers)
        label = f"{operation} as {caller}: {answer.status} {answer.get_data(as_text=True)}"
        assert answer.status_code < 500, label
        assert _class(answer.status_code) == outcome, label
        if outcome != ALLOWED:
            assert (footprint(mine.org_id), platform_footprint()) == before, f"{label}, but something has changed"
        assert footprint(theirs.org_id) == elsewhere, f"{label}, but another organization has changed"
        attempt.rollback()


@pytest.mark.parametrize("operation", [each for each in operations() if each.is_public], ids=str)
def test_what_is_public_does_not_ask_who_calls(
    client: CheckedClient, database: Connection, inhabited: tuple[Everything, Everything], operation: Operation
) -> None:
    """A secret in the request may be refused; a token beside it makes no difference."""
    permission, *expected = _table("Operations")[str(operation)]
    assert (permission, set(expected)) == (PUBLIC, {ALLOWED})
    request = operation.request(inhabited[0].ids)
    answers = {}
    for caller, headers in callers(inhabited[0]).items():
        attempt = database.begin_nested()
        answers[caller] = call(client, request, headers).status_code
        attempt.rollback()
    assert len(set(answers.values())) == 1, answers


def test_the_page_lists_every_operation_and_every_permission() -> None:
    assert set(_table("Operations")) == {str(operation) for operation in operations()}
    assert set(_table("Roles")) == set(Permission)


def test_the_roles_have_the_permissions_that_the_page_gives_them() -> None:
    for permission, marks in _table("Roles").items():
        granted = {role for role, mark in zip(Role, marks, strict=True) if mark == ALLOWED}
        assert granted == {role for role in Role if permission in GRANTS[role]}, permission


def test_the_committed_page_is_the_one_the_code_makes(app: Flask) -> None:
    assert permissions_docs.PAGE.read_text() == permissions_docs.render(app), "run `make settings-docs`"


def test_the_columns_are_the_callers(inhabited: tuple[Everything, Everything]) -> None:
    assert tuple(callers(inhabited[0])) == CALLERS
