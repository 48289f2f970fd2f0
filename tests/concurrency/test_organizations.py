"""Settings under people who change them at the same moment, and under those who work meanwhile."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from shared.audit.model import AuditEntry
from shared.core.transaction import read_only, transaction
from shared.organizations import service as organizations
from tests.concurrency.together import together
from tests.factories.orders import order_body
from tests.factories.organizations import Company

URL = "/v1/organization"


def _patch(app: Flask, company: Company, body: dict[str, Any], version: str) -> TestResponse:
    return app.test_client().patch(URL, json=body, headers=company.headers() | {"If-Match": version})


def _changes(company: Company) -> list[dict[str, Any]]:
    changed = AuditEntry.action == "organizations.change_settings"
    query = select(AuditEntry.after).where(changed).order_by(AuditEntry.id)
    with read_only(company.scope) as session:
        return list(session.scalars(query))


@pytest.mark.parametrize("round_", range(5))
def test_of_two_changes_to_one_version_one_wins(app: Flask, company: Company, round_: int) -> None:
    company.headers()
    bodies: list[dict[str, Any]] = [{"name": "Bright"}, {"contact_address": "12 Elm Street"}]
    answers = together(*[partial(_patch, app, company, body, '"v1"') for body in bodies])
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    (won,) = [body for body, answer in zip(bodies, answers, strict=True) if answer.status_code == 200]
    (refused,) = [answer.get_json() for answer in answers if answer.status_code == 412]
    assert (refused["code"], refused["current_version"]) == ("stale", 2)
    assert _changes(company) == [won]
    with read_only(company.scope) as session:
        kept = organizations.get(session, company.org_id)
    assert (kept.version, kept.name == "Bright", kept.contact_address != "") == (2, "name" in won, "name" not in won)


def test_no_change_to_whatever_is_there_is_lost(app: Flask, company: Company) -> None:
    company.headers()
    bodies = [{"contact_address": f"{number} Elm Street"} for number in range(10)]
    answers = together(*[partial(_patch, app, company, body, "*") for body in bodies])
    assert [answer.status_code for answer in answers] == [200] * 10
    assert sorted(answer.get_json()["version"] for answer in answers) == list(range(2, 12))
    assert len(_changes(company)) == 10


def test_orders_are_placed_while_somebody_changes_the_settings(app: Flask, company: Company) -> None:
    headers = company.headers()
    with transaction(company.scope) as session:
        organizations.change_settings(session, company.owner, version=1, now=datetime.now(UTC), name="Bright")
        session.flush()
        answer = app.test_client().post("/v1/orders", json=order_body(company), headers=headers)
    assert answer.status_code == 201, answer.get_json()
