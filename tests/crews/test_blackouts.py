"""Blackouts over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.factories.crews import make_blackout, make_team, make_worker
from tests.factories.organizations import Company
from tests.rows import footprint, row

NOON = datetime(2126, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _add(client: CheckedClient, company: Company, **changes: Any) -> Any:
    body = {"starts_at": NOON.isoformat(), "ends_at": (NOON + HOUR).isoformat()} | changes
    return client.post("/v1/blackouts", json=body, headers=company.headers())


def _ids(client: CheckedClient, company: Company, **query: Any) -> list[str]:
    answer = client.get("/v1/blackouts", query_string=query, headers=company.headers())
    assert answer.status_code == 200, answer.get_json()
    return [blackout["id"] for blackout in answer.get_json()["data"]]


def test_a_blackout_is_of_a_team_a_worker_or_the_company(client: CheckedClient, company: Company) -> None:
    team, worker = str(make_team(company)), str(make_worker(company))
    of_team = _add(client, company, team_id=team, reason="Training").get_json()
    of_worker = _add(client, company, worker_id=worker).get_json()
    of_all = _add(client, company).get_json()
    assert [(each["team_id"], each["worker_id"]) for each in (of_team, of_worker, of_all)] == [
        (team, None),
        (None, worker),
        (None, None),
    ]
    assert (of_team["starts_at"], of_team["ends_at"]) == ("2126-06-01T12:00:00Z", "2126-06-01T13:00:00Z")
    assert of_team["reason"] == "Training"
    assert _ids(client, company) == [of_all["id"], of_worker["id"], of_team["id"]]
    assert _ids(client, company, team_id=team) == [of_team["id"]]
    assert _ids(client, company, worker_id=worker) == [of_worker["id"]]


def test_the_list_shows_what_overlaps_a_time_and_not_what_touches_it(client: CheckedClient, company: Company) -> None:
    made = [
        str(make_blackout(company, starts_at=NOON + HOUR * number, ends_at=NOON + HOUR * (number + 1)))
        for number in range(4)
    ]
    middle = {"from": (NOON + HOUR).isoformat(), "to": (NOON + HOUR * 3).isoformat()}
    assert _ids(client, company, **middle) == [made[2], made[1]]
    assert _ids(client, company, **{"from": middle["from"]}) == made[:0:-1]
    assert _ids(client, company, to=middle["to"]) == made[2::-1]


def test_a_page_leads_to_the_next(client: CheckedClient, company: Company) -> None:
    made = [str(make_blackout(company, starts_at=NOON, ends_at=NOON + HOUR)) for _ in range(3)]
    first = client.get("/v1/blackouts?limit=2", headers=company.headers())
    rest = client.get(first.headers["Link"].partition(">")[0][1:], headers=company.headers())
    assert [each["id"] for page in (first, rest) for each in page.get_json()["data"]] == made[::-1]


@pytest.mark.parametrize(
    ("length", "status"),
    [
        (timedelta(microseconds=1), 201),
        (timedelta(days=366), 201),
        (timedelta(days=366, microseconds=1), 422),
        (timedelta(0), 422),
        (-HOUR, 422),
    ],
)
def test_a_blackout_lasts_up_to_366_days(
    client: CheckedClient, company: Company, length: timedelta, status: int
) -> None:
    company.headers()
    before = footprint(company.org_id)
    answer = _add(client, company, ends_at=(NOON + length).isoformat())
    assert answer.status_code == status
    if status == 422:
        assert answer.get_json()["code"] == "crews.bad_times"
        assert [error["pointer"] for error in answer.get_json()["errors"]] == ["/ends_at"]
        assert footprint(company.org_id) == before


def test_a_team_and_a_worker_at_once_are_refused(client: CheckedClient, company: Company) -> None:
    whose = {"team_id": str(make_team(company)), "worker_id": str(make_worker(company))}
    answer = _add(client, company, **whose)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "crews.team_or_worker")
    assert [error["pointer"] for error in answer.get_json()["errors"]] == ["/worker_id"]


@pytest.mark.parametrize("name", ["team_id", "worker_id"])
def test_teams_and_workers_of_another_organization_are_unknown(
    client: CheckedClient, company: Company, neighbour: Company, name: str
) -> None:
    theirs = {"team_id": make_team(neighbour), "worker_id": make_worker(neighbour)}[name]
    make_blackout(neighbour, **{name: theirs})
    company.headers()
    before = footprint(company.org_id), footprint(neighbour.org_id)
    answers = [_add(client, company, **{name: str(value)}) for value in (theirs, uuid4())]
    for answer in answers:
        assert (answer.status_code, answer.get_json()["code"]) == (422, f"crews.unknown_{name.removesuffix('_id')}")
        assert [error["pointer"] for error in answer.get_json()["errors"]] == [f"/{name}"]
    assert _ids(client, company, **{name: theirs}) == []
    assert (footprint(company.org_id), footprint(neighbour.org_id)) == before


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"starts_at": None}, "/starts_at"),
        ({"ends_at": "2126-06-01T13:00:00"}, "/ends_at"),
        ({"reason": "x" * 501}, "/reason"),
        ({"reason": None}, "/reason"),
        ({"team_id": "7"}, "/team_id"),
        ({"colour": 1}, "/colour"),
    ],
)
def test_a_wrong_field_is_refused_and_pointed_at(
    client: CheckedClient, company: Company, changes: dict[str, Any], pointer: str
) -> None:
    answer = _add(client, company, **changes)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "request.invalid")
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


@pytest.mark.parametrize("query", [{"from": "today"}, {"from_at": "2126-06-01T12:00:00Z"}, {"team_id": "7"}])
def test_a_wrong_filter_is_refused(client: CheckedClient, company: Company, query: dict[str, str]) -> None:
    answer = client.get("/v1/blackouts", query_string=query, headers=company.headers())
    assert answer.status_code == 400


def test_a_blackout_is_taken_back_once(client: CheckedClient, company: Company) -> None:
    blackout_id, kept = make_blackout(company, starts_at=NOON, ends_at=NOON + HOUR), str(make_blackout(company))
    url = f"/v1/blackouts/{blackout_id}"
    assert client.delete(url, headers=company.headers()).status_code == 204
    assert _ids(client, company) == [kept]
    sql = "SELECT before FROM audit_entries WHERE action = 'crews.remove_blackout' AND resource_id = :id"
    assert row(sql, id=blackout_id)["before"] == {
        "starts_at": NOON.isoformat(),
        "ends_at": (NOON + HOUR).isoformat(),
    }
    again = client.delete(url, headers=company.headers())
    assert (again.status_code, again.get_json()["code"]) == (404, "crews.blackout_not_found")


def test_another_organizations_blackout_stays(client: CheckedClient, company: Company, neighbour: Company) -> None:
    theirs = make_blackout(neighbour)
    before = footprint(neighbour.org_id)
    answer = client.delete(f"/v1/blackouts/{theirs}", headers=company.headers())
    assert (answer.status_code, answer.get_json()["code"]) == (404, "crews.blackout_not_found")
    assert footprint(neighbour.org_id) == before


def test_a_viewer_takes_nothing_back(client: CheckedClient, company: Company) -> None:
    blackout_id = make_blackout(company)
    assert client.delete(f"/v1/blackouts/{blackout_id}", headers=company.headers(Role.VIEWER)).status_code == 403
    assert _ids(client, company) == [str(blackout_id)]
