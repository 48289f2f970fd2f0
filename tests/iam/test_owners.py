"""Owners: made and changed by owners only, and never less than one who is active."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.core.permissions import Role
from shared.identity.model import UserState
from tests.factories.identity import change_user
from tests.factories.organizations import make_user, sign_in
from tests.iam.conftest import Office, user_row
from tests.rows import footprint, platform_footprint

Act = Callable[[Office, Any], Any]

VERBS: dict[str, Act] = {
    "rename": lambda office, who: office.change(who, by=Role.ADMIN, name="Somebody"),
    "demote": lambda office, who: office.change(who, by=Role.ADMIN, role="viewer"),
    "change nothing": lambda office, who: office.change(who, by=Role.ADMIN, role="owner"),
    **{
        verb: (lambda office, who, v=verb: office.do(v, who, by=Role.ADMIN))
        for verb in ("reset-password", "deactivate", "reactivate", "logout", "reset-mfa", "unlock")
    },
}


@pytest.mark.parametrize("act", VERBS.values(), ids=VERBS.keys())
@pytest.mark.parametrize("state", list(UserState))
def test_an_admin_does_nothing_to_an_owner(office: Office, act: Act, state: UserState) -> None:
    other = make_user(office.company.org_id, Role.OWNER)
    headers = sign_in(office.company.services, other)
    change_user(other, state=state)
    office.company.headers(Role.ADMIN)
    before = footprint(office.company.org_id), platform_footprint()
    answer = act(office, other.user_id)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "iam.owner_protected")
    assert (footprint(office.company.org_id), platform_footprint()) == before
    assert office.opens(headers) is (state == UserState.ACTIVE)


def test_what_an_admin_may_not_do_an_owner_may(office: Office) -> None:
    """Or the refusals above would prove nothing."""
    other = make_user(office.company.org_id, Role.OWNER)
    assert office.change(other.user_id, name="Somebody").status_code == 200
    for verb in ("reset-password", "unlock", "logout", "deactivate", "reactivate"):
        assert office.do(verb, other.user_id).status_code in {200, 204}, verb
    assert office.change(other.user_id, role="viewer").status_code == 200


def test_an_admin_reads_owners(office: Office) -> None:
    answer = office.ask("GET", f"/{office.company.owner.user_id}", by=Role.ADMIN)
    assert (answer.status_code, answer.get_json()["role"]) == (200, "owner")


def test_an_admin_makes_no_owner(office: Office) -> None:
    person = make_user(office.company.org_id, Role.VIEWER)
    headers = office.company.headers(Role.ADMIN)
    me = office.client.get("/v1/auth/me", headers=headers).get_json()["id"]
    before = footprint(office.company.org_id)
    for answer in (
        office.invite(by=Role.ADMIN, role="owner"),
        office.change(person.user_id, by=Role.ADMIN, role="owner"),
        office.change(me, by=Role.ADMIN, role="owner"),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (403, "iam.owner_protected")
    assert footprint(office.company.org_id) == before


def test_an_owner_makes_an_owner(office: Office) -> None:
    person = make_user(office.company.org_id, Role.VIEWER)
    assert office.change(person.user_id, role="owner").get_json()["role"] == "owner"
    assert office.invite(role="owner").get_json()["role"] == "owner"


@pytest.mark.parametrize("other", [None, UserState.DEACTIVATED])
def test_the_last_active_owner_stays_one(office: Office, other: UserState | None) -> None:
    make_user(office.company.org_id, Role.ADMIN)
    if other:
        change_user(make_user(office.company.org_id, Role.OWNER), state=other)
    before = footprint(office.company.org_id)
    answer = office.change(office.company.owner.user_id, role="admin", name="Somebody")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "iam.last_owner")
    assert footprint(office.company.org_id) == before


def test_an_owner_of_another_organization_does_not_count(office: Office, neighbour: Any) -> None:
    make_user(neighbour.org_id, Role.OWNER)
    assert office.change(office.company.owner.user_id, role="admin").status_code == 409


def test_the_last_owner_may_be_renamed(office: Office) -> None:
    assert office.change(office.company.owner.user_id, name="Olive", role="owner").get_json()["name"] == "Olive"


def test_an_owner_may_step_down_when_there_is_another(office: Office) -> None:
    make_user(office.company.org_id, Role.OWNER)
    answer = office.change(office.company.owner.user_id, role="viewer")
    assert (answer.status_code, answer.get_json()["role"]) == (200, "viewer")
    assert not office.opens(office.company.headers())


def test_a_deactivated_owner_may_be_demoted_and_the_active_one_stays(office: Office) -> None:
    gone = make_user(office.company.org_id, Role.OWNER)
    change_user(gone, state=UserState.DEACTIVATED)
    assert office.change(gone.user_id, role="viewer").status_code == 200
    assert user_row(office.company.owner.user_id)["role"] == "owner"
