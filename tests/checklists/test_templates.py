"""Checklist templates over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.factories.catalog import make_service
from tests.factories.checklists import ITEMS, make_checklist_template
from tests.factories.organizations import Company
from tests.rows import footprint, rows


def _url(service_id: object) -> str:
    return f"/v1/services/{service_id}/checklist-template"


def _put(client: CheckedClient, company: Company, service_id: object, items: Any) -> Any:
    return client.put(_url(service_id), json={"items": items}, headers=company.headers())


def test_a_template_is_read_as_it_was_put(client: CheckedClient, company: Company) -> None:
    service_id = make_service(company)
    put = _put(client, company, service_id, ITEMS)
    assert put.status_code == 200
    made = put.get_json()
    assert (made["service_id"], made["version"], made["items"]) == (str(service_id), 1, ITEMS)
    assert client.get(_url(service_id), headers=company.headers()).get_json() == made


def test_a_change_is_a_new_version_and_the_old_one_stays(client: CheckedClient, company: Company) -> None:
    service_id, other = make_service(company), make_service(company, key="window_cleaning")
    make_checklist_template(company, other)
    _put(client, company, service_id, ITEMS)
    second = _put(client, company, service_id, ITEMS[:1]).get_json()
    assert second["version"] == 2
    assert client.get(_url(service_id), headers=company.headers()).get_json() == second
    kept = rows("SELECT version, items FROM checklist_templates WHERE service_id = :id ORDER BY version", id=service_id)
    assert kept == [{"version": 1, "items": ITEMS}, {"version": 2, "items": ITEMS[:1]}]
    told = rows("SELECT after FROM audit_entries WHERE action = 'checklists.replace_template' ORDER BY id")
    assert [each["after"]["version"] for each in told] == [1, 1, 2]


def test_the_same_items_again_make_no_new_version(client: CheckedClient, company: Company) -> None:
    service_id = make_service(company)
    first = _put(client, company, service_id, ITEMS)
    before = footprint(company.org_id)
    assert _put(client, company, service_id, ITEMS).get_json() == first.get_json()
    assert footprint(company.org_id) == before


def test_a_template_without_items_ends_the_checklist(client: CheckedClient, company: Company) -> None:
    service_id = make_service(company)
    make_checklist_template(company, service_id)
    assert _put(client, company, service_id, []).get_json()["version"] == 2
    assert client.get(_url(service_id), headers=company.headers()).get_json()["items"] == []


def test_a_service_without_a_template_has_none_to_show(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    theirs = make_service(neighbour)
    make_checklist_template(neighbour, theirs)
    for service_id in (make_service(company), theirs, uuid4()):
        answer = client.get(_url(service_id), headers=company.headers())
        assert (answer.status_code, answer.get_json()["code"]) == (404, "checklists.template_not_found")


def test_another_organizations_service_does_not_exist(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    theirs = make_service(neighbour)
    before = footprint(neighbour.org_id)
    for service_id in (theirs, uuid4()):
        answer = _put(client, company, service_id, ITEMS)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "checklists.service_not_found")
    assert footprint(neighbour.org_id) == before
    assert rows("SELECT id FROM checklist_templates WHERE org_id = :org", org=company.org_id) == []


@pytest.mark.parametrize(
    ("items", "pointer"),
    [
        (None, "/items"),
        ({}, "/items"),
        ([ITEMS[0]] * 201, "/items"),
        (["Lock the back door"], "/items/0"),
        ([ITEMS[0], {"text": "Lock the back door"}], "/items/1/required"),
        ([{"required": True}], "/items/0/text"),
        ([{"text": " ", "required": True}], "/items/0/text"),
        ([{"text": "x" * 501, "required": True}], "/items/0/text"),
        ([{"text": "a\x00b", "required": True}], "/items/0/text"),
        ([{"text": "a", "required": "yes"}], "/items/0/required"),
        ([{"text": "a", "required": True, "done": True}], "/items/0/done"),
    ],
)
def test_a_wrong_item_is_refused_and_pointed_at(
    client: CheckedClient, company: Company, items: Any, pointer: str
) -> None:
    service_id = make_service(company)
    make_checklist_template(company, service_id)
    company.headers()
    before = footprint(company.org_id)
    answer = _put(client, company, service_id, items)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "request.invalid")
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
    assert footprint(company.org_id) == before


def test_two_hundred_long_items_are_kept(client: CheckedClient, company: Company) -> None:
    items = [{"text": "ß" * 500, "required": number % 2 == 0} for number in range(200)]
    assert _put(client, company, make_service(company), items).get_json()["items"] == items


def test_a_dispatcher_reads_templates_and_changes_none(client: CheckedClient, company: Company) -> None:
    service_id, headers = make_service(company), company.headers(Role.DISPATCHER)
    make_checklist_template(company, service_id)
    before = footprint(company.org_id)
    assert client.get(_url(service_id), headers=headers).status_code == 200
    assert client.put(_url(service_id), json={"items": []}, headers=headers).status_code == 403
    assert footprint(company.org_id) == before
