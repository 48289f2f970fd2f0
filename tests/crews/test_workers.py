"""Workers over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.factories.crews import make_team, make_worker
from tests.factories.organizations import Company, make_user
from tests.rows import footprint, row, rows

WANDA = {"name": "Wanda Worker", "email": "wanda@staff.test", "phone": "+14035550123"}


def _add(client: CheckedClient, company: Company, **changes: Any) -> Any:
    return client.post("/v1/workers", json=WANDA | changes, headers=company.headers())


def _change(client: CheckedClient, company: Company, worker_id: object, **changes: Any) -> Any:
    return client.patch(f"/v1/workers/{worker_id}", json=changes, headers=company.headers())


def test_a_worker_is_read_as_they_were_added(client: CheckedClient, company: Company) -> None:
    team, user = make_team(company), make_user(company.org_id, Role.WORKER)
    answer = _add(client, company, team_id=str(team), user_id=str(user.user_id))
    assert answer.status_code == 201
    added = answer.get_json()
    assert added.items() >= (WANDA | {"team_id": str(team), "user_id": str(user.user_id), "is_active": True}).items()
    assert client.get(f"/v1/workers/{added['id']}", headers=company.headers()).get_json() == added
    assert client.get("/v1/workers", headers=company.headers()).get_json()["data"] == [added]


def test_a_name_is_enough(client: CheckedClient, company: Company) -> None:
    added = client.post("/v1/workers", json={"name": "Wim"}, headers=company.headers()).get_json()
    assert {added[name] for name in ("email", "phone", "team_id", "user_id")} == {None}


def test_the_workers_of_a_team_are_listed(client: CheckedClient, company: Company) -> None:
    north, south = make_team(company), make_team(company)
    mine = [str(make_worker(company, team_id=north)) for _ in range(2)]
    make_worker(company, team_id=south)
    make_worker(company)
    listed = client.get(f"/v1/workers?team_id={north}", headers=company.headers()).get_json()["data"]
    assert [worker["id"] for worker in listed] == mine[::-1]


def test_a_worker_leaves_a_team_and_keeps_the_rest(client: CheckedClient, company: Company) -> None:
    worker_id = make_worker(company, team_id=make_team(company))
    before = client.get(f"/v1/workers/{worker_id}", headers=company.headers()).get_json()
    changed = _change(client, company, worker_id, team_id=None).get_json()
    assert changed == before | {"team_id": None, "updated_at": changed["updated_at"]}


def test_the_audit_log_names_the_fields_and_holds_nothing_of_the_person(
    client: CheckedClient, company: Company
) -> None:
    added = _add(client, company).get_json()
    _change(client, company, added["id"], name="Wanda Winter", phone="+14035550199")
    entries = rows(
        "SELECT action, before, after FROM audit_entries WHERE resource_id = :id ORDER BY id", id=added["id"]
    )
    assert entries == [
        {"action": "crews.create_worker", "before": {}, "after": {"fields": ["email", "name", "phone"]}},
        {"action": "crews.change_worker", "before": {}, "after": {"fields": ["name", "phone"]}},
    ]


def test_a_change_to_what_is_there_already_leaves_no_trace(client: CheckedClient, company: Company) -> None:
    added = _add(client, company).get_json()
    before = footprint(company.org_id)
    assert _change(client, company, added["id"], **WANDA).get_json() == added
    assert footprint(company.org_id) == before


@pytest.mark.parametrize("role", [role for role in Role if role != Role.WORKER])
def test_only_a_user_with_the_role_worker_becomes_a_workers_account(
    client: CheckedClient, company: Company, role: Role
) -> None:
    user_id, worker_id = str(company.actor(role).user_id), make_worker(company)
    company.headers()
    before = footprint(company.org_id)
    for answer in (_add(client, company, user_id=user_id), _change(client, company, worker_id, user_id=user_id)):
        assert (answer.status_code, answer.get_json()["code"]) == (422, "crews.not_a_worker")
        assert [error["pointer"] for error in answer.get_json()["errors"]] == ["/user_id"]
    assert footprint(company.org_id) == before


def test_an_account_is_one_workers(client: CheckedClient, company: Company) -> None:
    user_id = str(make_user(company.org_id, Role.WORKER).user_id)
    other = make_worker(company)
    first = _add(client, company, user_id=user_id).get_json()
    before = footprint(company.org_id)
    for answer in (_add(client, company, user_id=user_id), _change(client, company, other, user_id=user_id)):
        assert (answer.status_code, answer.get_json()["code"]) == (409, "crews.user_taken")
    assert footprint(company.org_id) == before
    assert _change(client, company, first["id"], user_id=None).status_code == 200
    assert _change(client, company, other, user_id=user_id).status_code == 200


def test_teams_and_users_of_another_organization_are_unknown(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    theirs = {"team_id": make_team(neighbour), "user_id": make_user(neighbour.org_id, Role.WORKER).user_id}
    worker_id = make_worker(company)
    company.headers()
    before = footprint(company.org_id), footprint(neighbour.org_id)
    for name, code in (("team_id", "crews.unknown_team"), ("user_id", "crews.not_a_worker")):
        for value in (theirs[name], uuid4()):
            for answer in (
                _add(client, company, **{name: str(value)}),
                _change(client, company, worker_id, **{name: str(value)}),
            ):
                assert (answer.status_code, answer.get_json()["code"]) == (422, code)
                assert [error["pointer"] for error in answer.get_json()["errors"]] == [f"/{name}"]
    assert (footprint(company.org_id), footprint(neighbour.org_id)) == before


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": "Wanda\x00"}, "/name"),
        ({"email": "wanda"}, "/email"),
        ({"email": ""}, "/email"),
        ({"phone": "4035550123"}, "/phone"),
        ({"phone": "+1403555012\n"}, "/phone"),
        ({"phone": ""}, "/phone"),
        ({"team_id": "7"}, "/team_id"),
        ({"user_id": 7}, "/user_id"),
        ({"is_active": None}, "/is_active"),
        ({"password": "x"}, "/password"),
    ],
)
def test_a_wrong_field_is_refused_and_pointed_at(
    client: CheckedClient, company: Company, changes: dict[str, Any], pointer: str
) -> None:
    worker_id = make_worker(company)
    company.headers()
    before = footprint(company.org_id)
    for answer in (_add(client, company, **changes), _change(client, company, worker_id, **changes)):
        assert (answer.status_code, answer.get_json()["code"]) == (422, "request.invalid")
        assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
    assert footprint(company.org_id) == before


def test_another_organizations_worker_does_not_exist(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    theirs = make_worker(neighbour)
    before = footprint(neighbour.org_id)
    for worker_id in (theirs, uuid4()):
        for answer in (
            client.get(f"/v1/workers/{worker_id}", headers=company.headers()),
            _change(client, company, worker_id, name="Mine"),
        ):
            assert (answer.status_code, answer.get_json()["code"]) == (404, "crews.worker_not_found")
    assert footprint(neighbour.org_id) == before


def test_who_may_only_read_changes_nothing(client: CheckedClient, company: Company) -> None:
    worker_id, headers = make_worker(company), company.headers(Role.VIEWER)
    before = footprint(company.org_id)
    assert client.get(f"/v1/workers/{worker_id}", headers=headers).status_code == 200
    assert client.post("/v1/workers", json=WANDA, headers=headers).status_code == 403
    assert client.patch(f"/v1/workers/{worker_id}", json=WANDA, headers=headers).status_code == 403
    assert footprint(company.org_id) == before


def test_a_worker_who_left_is_kept(client: CheckedClient, company: Company) -> None:
    worker_id = make_worker(company)
    assert _change(client, company, worker_id, is_active=False).get_json()["is_active"] is False
    assert row("SELECT is_active FROM workers WHERE id = :id", id=worker_id) == {"is_active": False}
