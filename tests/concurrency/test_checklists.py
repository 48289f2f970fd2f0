"""Checklists under people who change and tick them at the same moment."""

from collections import Counter
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from shared.checklists import service as checklists
from shared.checklists.model import ChecklistItem, ChecklistTemplate
from shared.core.transaction import read_only, transaction
from tests.concurrency.together import together
from tests.factories.catalog import make_service
from tests.factories.checklists import ITEMS, make_checklist_template
from tests.factories.orders import make_order
from tests.factories.organizations import Company


def put(app: Flask, company: Company, service_id: UUID, items: list[dict[str, Any]]) -> TestResponse:
    url = f"/v1/services/{service_id}/checklist-template"
    return app.test_client().put(url, json={"items": items}, headers=company.headers())


def copy(company: Company, order_id: UUID, service_id: UUID) -> None:
    with transaction(company.scope) as session:
        checklists.copy_to_order(session, company.owner, order_id, service_id, now=datetime.now(UTC))


def test_templates_that_are_put_at_once_are_all_kept(app: Flask, company: Company) -> None:
    company.headers()
    service_id = make_service(company)
    lists = [[{"text": f"Window {number}", "required": True}] for number in range(8)]
    answers = together(*[partial(put, app, company, service_id, items) for items in lists])
    assert [answer.status_code for answer in answers] == [200] * 8
    assert sorted(answer.get_json()["version"] for answer in answers) == list(range(1, 9))
    with read_only(company.scope) as session:
        kept = session.execute(select(ChecklistTemplate.version, ChecklistTemplate.items)).all()
    shown = {answer.get_json()["version"]: answer.get_json()["items"] for answer in answers}
    assert {row.version: row.items for row in kept} == shown


def test_one_list_that_is_put_by_many_at_once_is_one_version(app: Flask, company: Company) -> None:
    company.headers()
    answers = together(*[partial(put, app, company, make_service(company), ITEMS)] * 8)
    assert Counter((answer.status_code, answer.get_json()["version"]) for answer in answers) == {(200, 1): 8}


def test_an_order_is_given_its_items_once_however_many_give_them(company: Company) -> None:
    service_id, order_id = make_service(company), make_order(company)
    make_checklist_template(company, service_id)
    together(*[partial(copy, company, order_id, service_id)] * 8)
    with read_only(company.scope) as session:
        assert session.scalar(select(func.count()).select_from(ChecklistItem)) == len(ITEMS)


def test_of_ten_who_tick_one_item_the_first_is_kept(app: Flask, company: Company) -> None:
    company.headers()
    service_id, order_id = make_service(company), make_order(company)
    make_checklist_template(company, service_id)
    copy(company, order_id, service_id)
    with read_only(company.scope) as session:
        item_id = session.scalars(select(ChecklistItem.id).limit(1)).one()
    url = f"/v1/orders/{order_id}/checklist/{item_id}/tick"
    answers = together(*[lambda: app.test_client().post(url, headers=company.headers())] * 10)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.get_json()["done_at"] for answer in answers}) == 1
