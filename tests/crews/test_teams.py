"""Teams over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.factories.crews import make_team
from tests.factories.organizations import Company
from tests.rows import footprint, row, rows

CLOSED: dict[str, Any] = {day: [] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
EVENINGS = CLOSED | {"mon": [{"opens": "16:00", "closes": "20:00"}, {"opens": "20:00", "closes": "24:00"}]}


def _add(client: CheckedClient, company: Company, **changes: Any) -> Any:
    return client.post("/v1/teams", json={"name": "North"} | changes, headers=company.headers())


def _change(client: CheckedClient, company: Company, team_id: object, **changes: Any) -> Any:
    return client.patch(f"/v1/teams/{team_id}", json=changes, headers=company.headers())


def test_a_team_is_read_as_it_was_added(client: CheckedClient, company: Company) -> None:
    answer = _add(client, company, hours=EVENINGS, postal_prefixes=["T2P", "T3"])
    assert answer.status_code == 201
    added = answer.get_json()
    assert (added["name"], added["hours"], added["postal_prefixes"]) == ("North", EVENINGS, ["T2P", "T3"])
    assert added["is_active"] is True
    assert client.get(f"/v1/teams/{added['id']}", headers=company.headers()).get_json() == added
    assert client.get("/v1/teams", headers=company.headers()).get_json()["data"] == [added]


def test_a_team_without_hours_works_the_companys_hours_everywhere(client: CheckedClient, company: Company) -> None:
    added = _add(client, company).get_json()
    assert (added["hours"], added["postal_prefixes"]) == (None, [])
    assert row("SELECT hours IS NULL AS unset FROM teams WHERE id = :id", id=added["id"])["unset"]


def test_teams_are_listed_newest_first_in_pages(client: CheckedClient, company: Company) -> None:
    made = [str(make_team(company)) for _ in range(3)]
    first = client.get("/v1/teams?limit=2", headers=company.headers())
    rest = client.get(first.headers["Link"].partition(">")[0][1:], headers=company.headers())
    listed = [team["id"] for page in (first, rest) for team in page.get_json()["data"]]
    assert listed == made[::-1]


def test_a_change_replaces_what_is_given_and_leaves_the_rest(client: CheckedClient, company: Company) -> None:
    added = _add(client, company, hours=EVENINGS, postal_prefixes=["T2P"]).get_json()
    changed = _change(client, company, added["id"], hours=None, is_active=False).get_json()
    assert changed == added | {"hours": None, "is_active": False, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > added["updated_at"]
    assert client.get(f"/v1/teams/{added['id']}", headers=company.headers()).get_json() == changed
    sql = "SELECT before, after FROM audit_entries WHERE action = 'crews.change_team' AND resource_id = :id"
    assert row(sql, id=added["id"]) == {
        "before": {"hours": EVENINGS, "is_active": True},
        "after": {"hours": None, "is_active": False},
    }


def test_a_change_to_what_is_there_already_leaves_no_trace(client: CheckedClient, company: Company) -> None:
    added = _add(client, company, hours=EVENINGS).get_json()
    before = footprint(company.org_id)
    assert _change(client, company, added["id"], name="North", hours=EVENINGS).get_json() == added
    assert footprint(company.org_id) == before


def test_a_name_belongs_to_one_team_of_a_company(client: CheckedClient, company: Company, neighbour: Company) -> None:
    _add(client, company)
    other = make_team(company, name="South")
    assert _add(client, neighbour).status_code == 201
    before = footprint(company.org_id)
    for answer in (_add(client, company), _change(client, company, other, name="North")):
        assert (answer.status_code, answer.get_json()["code"]) == (409, "crews.name_taken")
    assert footprint(company.org_id) == before


@pytest.mark.parametrize(
    ("hours", "pointer"),
    [
        (CLOSED | {"tue": [{"opens": "09:00", "closes": "09:00"}]}, "/hours/tue/0/closes"),
        (
            CLOSED | {"tue": [{"opens": "09:00", "closes": "12:00"}, {"opens": "11:59", "closes": "13:00"}]},
            "/hours/tue/1/opens",
        ),
    ],
)
def test_hours_that_overlap_are_refused(
    client: CheckedClient, company: Company, hours: dict[str, Any], pointer: str
) -> None:
    team_id = make_team(company)
    company.headers()
    before = footprint(company.org_id)
    for answer in (_add(client, company, hours=hours), _change(client, company, team_id, hours=hours)):
        assert (answer.status_code, answer.get_json()["code"]) == (422, "organizations.bad_hours")
        assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
    assert footprint(company.org_id) == before


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": "North\n"}, "/name"),
        ({"hours": {}}, "/hours/mon"),
        ({"hours": CLOSED | {"mon": None}}, "/hours/mon"),
        ({"hours": CLOSED | {"monday": []}}, "/hours/monday"),
        ({"hours": CLOSED | {"mon": [{"opens": "24:00", "closes": "24:00"}]}}, "/hours/mon/0/opens"),
        ({"hours": CLOSED | {"mon": [{"opens": "08:00", "closes": "9:00"}]}}, "/hours/mon/0/closes"),
        ({"postal_prefixes": None}, "/postal_prefixes"),
        ({"postal_prefixes": "T2P"}, "/postal_prefixes"),
        ({"postal_prefixes": ["T2P", ""]}, "/postal_prefixes/1"),
        ({"postal_prefixes": ["t2p"]}, "/postal_prefixes/0"),
        ({"postal_prefixes": ["T2P\n"]}, "/postal_prefixes/0"),
        ({"postal_prefixes": ["Ä1"]}, "/postal_prefixes/0"),
        ({"postal_prefixes": ["12345678901"]}, "/postal_prefixes/0"),
        ({"postal_prefixes": ["T"] * 201}, "/postal_prefixes"),
        ({"is_active": 1}, "/is_active"),
        ({"colour": "red"}, "/colour"),
        ({"org_id": str(uuid4())}, "/org_id"),
    ],
)
def test_a_wrong_field_is_refused_and_pointed_at(
    client: CheckedClient, company: Company, changes: dict[str, Any], pointer: str
) -> None:
    team_id = make_team(company)
    company.headers()
    before = footprint(company.org_id)
    for answer in (_add(client, company, **changes), _change(client, company, team_id, **changes)):
        assert answer.status_code == 422
        pointers = [error["pointer"] for error in answer.get_json()["errors"]]
        assert pointer in pointers
        assert answer.get_json()["code"] == "request.invalid"
    assert footprint(company.org_id) == before


def test_a_change_of_nothing_is_refused(client: CheckedClient, company: Company) -> None:
    assert _change(client, company, make_team(company)).status_code == 422


def test_two_hundred_prefixes_and_ten_letters_are_allowed(client: CheckedClient, company: Company) -> None:
    prefixes = [f"{number:010}" for number in range(200)]
    assert _add(client, company, postal_prefixes=prefixes).get_json()["postal_prefixes"] == prefixes


def test_another_organizations_team_does_not_exist(client: CheckedClient, company: Company, neighbour: Company) -> None:
    theirs = make_team(neighbour)
    before = footprint(neighbour.org_id)
    for team_id in (theirs, uuid4()):
        for answer in (
            client.get(f"/v1/teams/{team_id}", headers=company.headers()),
            _change(client, company, team_id, name="Mine"),
        ):
            assert (answer.status_code, answer.get_json()["code"]) == (404, "crews.team_not_found")
    assert client.get("/v1/teams", headers=company.headers()).get_json()["data"] == []
    assert footprint(neighbour.org_id) == before


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [(Role.DISPATCHER, 200, 201), (Role.VIEWER, 200, 403), (Role.FINANCE, 200, 403), (Role.WORKER, 403, 403)],
)
def test_dispatch_writes_and_staff_read(
    client: CheckedClient, company: Company, role: Role, reads: int, writes: int
) -> None:
    headers = company.headers(role)
    assert client.get("/v1/teams", headers=headers).status_code == reads
    assert client.post("/v1/teams", json={"name": "North"}, headers=headers).status_code == writes
    assert len(rows("SELECT id FROM teams WHERE org_id = :org", org=company.org_id)) == (writes == 201)


def test_the_same_idempotency_key_adds_one_team(client: CheckedClient, company: Company) -> None:
    headers = company.headers() | {"Idempotency-Key": "team-1"}
    answers = [client.post("/v1/teams", json={"name": "North"}, headers=headers) for _ in range(2)]
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert answers[0].get_json() == answers[1].get_json()
