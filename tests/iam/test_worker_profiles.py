"""Inviting somebody as a worker of a team, in one request."""

from typing import Any
from uuid import uuid4

import pytest

from shared.core.permissions import Role
from tests.factories.crews import make_team
from tests.factories.organizations import Company
from tests.iam.conftest import Office
from tests.rows import footprint, row, rows


def _workers(office: Office) -> list[dict[str, Any]]:
    return rows("SELECT * FROM workers WHERE org_id = :org", org=office.company.org_id)


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_an_invited_worker_is_in_their_team(office: Office, role: Role) -> None:
    team_id = make_team(office.company)
    answer = office.invite(by=role, name="Wanda", role="worker", worker_profile={"team_id": str(team_id)})
    assert answer.status_code == 201
    (worker,) = _workers(office)
    assert (str(worker["user_id"]), worker["email"]) == (answer.get_json()["id"], answer.get_json()["email"])
    assert (worker["name"], worker["team_id"], worker["is_active"]) == ("Wanda", team_id, True)
    told = row("SELECT after FROM audit_entries WHERE action = 'crews.create_worker'")["after"]
    assert told == {"fields": ["email", "name", "team_id", "user_id"]}


@pytest.mark.parametrize("profile", [{}, {"team_id": None}])
def test_a_worker_needs_no_team(office: Office, profile: dict[str, Any]) -> None:
    assert office.invite(role="worker", worker_profile=profile).status_code == 201
    assert [worker["team_id"] for worker in _workers(office)] == [None]


@pytest.mark.parametrize("without", [{}, {"worker_profile": None}])
def test_without_a_profile_an_account_is_all_there_is(office: Office, without: dict[str, Any]) -> None:
    assert office.invite(role="worker", **without).status_code == 201
    assert _workers(office) == []


@pytest.mark.parametrize("role", [role for role in Role if role != Role.WORKER])
def test_only_the_role_worker_goes_with_a_profile(office: Office, role: Role) -> None:
    before = footprint(office.company.org_id)
    answer = office.invite(role=role, worker_profile={})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "request.invalid")
    assert [error["pointer"] for error in answer.get_json()["errors"]] == ["/worker_profile"]
    assert footprint(office.company.org_id) == before


def test_an_unknown_team_leaves_neither_account_nor_mail(office: Office, neighbour: Company) -> None:
    theirs = make_team(neighbour)
    before = footprint(office.company.org_id)
    for team_id in (theirs, uuid4()):
        answer = office.invite(role="worker", worker_profile={"team_id": str(team_id)})
        assert (answer.status_code, answer.get_json()["code"]) == (422, "crews.unknown_team")
        assert [error["pointer"] for error in answer.get_json()["errors"]] == ["/worker_profile/team_id"]
    assert footprint(office.company.org_id) == before


@pytest.mark.parametrize("profile", [[], {"team_id": "7"}, {"phone": "+14035550123"}])
def test_a_profile_that_is_none_is_refused(office: Office, profile: Any) -> None:
    answer = office.invite(role="worker", worker_profile=profile)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "request.invalid")
    assert all(error["pointer"].startswith("/worker_profile") for error in answer.get_json()["errors"])


def test_a_repeated_invitation_makes_one_worker(office: Office) -> None:
    key = {"Idempotency-Key": "invite-worker"}
    for _ in range(2):
        office.invite(email="wanda@staff.test", role="worker", worker_profile={}, headers=key)
    assert len(_workers(office)) == 1
