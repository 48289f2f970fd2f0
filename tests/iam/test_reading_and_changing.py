"""Listing, reading, renaming and promoting people."""

from typing import Any
from uuid import uuid4

import pytest

from shared.core.permissions import Role
from shared.identity.model import UserState
from tests.factories.identity import change_user, make_person
from tests.factories.organizations import Company, make_user, sign_in
from tests.iam.conftest import Office, entry_of, user_row
from tests.rows import footprint

STRANGER = uuid4()


def _ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.get_json()
    return [each["id"] for each in answer.get_json()["data"]]


def test_the_people_of_the_own_organization_are_listed_newest_first(office: Office, neighbour: Company) -> None:
    added = [make_user(office.company.org_id, role) for role in (Role.VIEWER, Role.WORKER)]
    make_user(neighbour.org_id, Role.VIEWER)
    expected = [str(each.user_id) for each in (*reversed(added), office.company.owner)]
    assert _ids(office.ask("GET")) == expected
    assert "password" not in office.ask("GET").get_data(as_text=True).replace("must_change_password", "")


def test_the_list_is_filtered_by_role_and_state(office: Office) -> None:
    org = office.company.org_id
    viewer, worker, gone = (make_user(org, role) for role in (Role.VIEWER, Role.WORKER, Role.WORKER))
    change_user(gone, state=UserState.DEACTIVATED)
    v, w, g, owner = (str(each.user_id) for each in (viewer, worker, gone, office.company.owner))
    for query, expected in {
        "role=viewer": [v],
        "role=worker": [g, w],
        "role=viewer,owner": [v, owner],
        "role=finance": [],
        "state=active": [w, v, owner],
        "state=deactivated": [g],
        "state=active,deactivated": [g, w, v, owner],
        "role=worker&state=active": [w],
    }.items():
        assert _ids(office.ask("GET", f"?{query}")) == expected, query


def test_pages_go_through_everybody_once(office: Office) -> None:
    for _ in range(4):
        make_user(office.company.org_id, Role.VIEWER)
    seen, cursor = [], ""
    while cursor is not None:
        answer = office.ask("GET", f"?limit=2&role=viewer{cursor and f'&cursor={cursor}'}")
        seen += _ids(answer)
        cursor = answer.get_json()["next_cursor"]
    assert len(seen) == len(set(seen)) == 4


@pytest.mark.parametrize(
    "query", ["role=emperor", "state=gone", "limit=0", "limit=201", "cursor=x", "email=a", "q=dan"]
)
def test_a_query_that_cannot_be_meant_is_refused(office: Office, query: str) -> None:
    assert office.ask("GET", f"?{query}").status_code == 400


def test_a_person_is_read(office: Office) -> None:
    person, email = make_person(office.company.org_id, Role.FINANCE)
    found = office.ask("GET", f"/{person.user_id}", by=Role.ADMIN).get_json()
    assert found.pop("created_at").endswith("Z")
    assert found == {
        "id": str(person.user_id),
        "email": email,
        "name": "Finance",
        "role": "finance",
        "state": "active",
        "must_change_password": False,
        "mfa_enabled": False,
        "last_sign_in_at": None,
    }
    office.sign_in(email, "a long enough phrase")
    assert office.ask("GET", f"/{person.user_id}").get_json()["last_sign_in_at"].endswith("Z")


def test_somebody_who_is_not_there_is_not_found(office: Office, neighbour: Company) -> None:
    for user_id in (STRANGER, make_user(neighbour.org_id, Role.VIEWER).user_id):
        for answer in (
            office.ask("GET", f"/{user_id}"),
            office.change(user_id, name="X"),
            *(
                office.do(verb, user_id)
                for verb in ("reset-password", "deactivate", "reactivate", "logout", "reset-mfa", "unlock")
            ),
        ):
            assert (answer.status_code, answer.get_json()["code"]) == (404, "iam.user_not_found")


def test_renaming_keeps_the_sessions(office: Office) -> None:
    person = make_user(office.company.org_id, Role.VIEWER)
    headers = sign_in(office.company.services, person)
    answer = office.change(person.user_id, name=" Vera ")
    assert (answer.status_code, answer.get_json()["name"]) == (200, "Vera")
    assert office.opens(headers)
    entry = entry_of("iam.change_user", person.user_id)
    assert (entry["before"], entry["after"]) == ({"name": "Viewer"}, {"name": "Vera"})


def test_another_role_ends_the_sessions_of_that_person_only(office: Office) -> None:
    person, colleague = (make_user(office.company.org_id, Role.VIEWER) for _ in range(2))
    signed_in = [sign_in(office.company.services, person) for _ in range(2)]
    other = sign_in(office.company.services, colleague)
    assert office.change(person.user_id, role="admin", name="Vera", by=Role.ADMIN).get_json()["role"] == "admin"
    assert [office.opens(each) for each in signed_in] == [False, False]
    assert office.opens(other)
    entry = entry_of("iam.change_user", person.user_id)
    assert (entry["before"], entry["after"]) == (
        {"name": "Viewer", "role": "viewer"},
        {"name": "Vera", "role": "admin"},
    )
    assert user_row(person.user_id)["role"] == "admin"


def test_another_role_ends_what_could_be_refreshed(office: Office) -> None:
    """The access token is dead for its role; a refresh would bring one with the new role."""
    person, email = make_person(office.company.org_id, Role.VIEWER)
    tokens = office.sign_in(email, "a long enough phrase").get_json()
    assert office.change(person.user_id, role="finance").status_code == 200
    refreshed = office.client.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 401


def test_what_changes_nothing_writes_nothing(office: Office) -> None:
    person = make_user(office.company.org_id, Role.VIEWER)
    headers = sign_in(office.company.services, person)
    before = footprint(office.company.org_id)
    assert office.change(person.user_id, name="Viewer", role="viewer").status_code == 200
    assert office.change(person.user_id, role="viewer").get_json()["role"] == "viewer"
    assert footprint(office.company.org_id) == before
    assert office.opens(headers)


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": None}, {"role": "emperor"}, {"role": None}, {"email": "new@staff.test"}]
)
def test_a_change_that_cannot_be_meant_is_refused(office: Office, body: dict[str, Any]) -> None:
    person = make_user(office.company.org_id, Role.VIEWER)
    before = footprint(office.company.org_id)
    assert office.change(person.user_id, **body).status_code == 422
    assert footprint(office.company.org_id) == before


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.FINANCE, Role.VIEWER, Role.WORKER])
def test_others_neither_see_nor_change_people(office: Office, role: Role) -> None:
    user_id = office.company.owner.user_id
    for answer in (
        office.ask("GET", by=role),
        office.ask("GET", f"/{user_id}", by=role),
        office.invite(by=role),
        office.change(user_id, by=role, name="X"),
        office.do("deactivate", user_id, by=role),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (403, "access.forbidden")
