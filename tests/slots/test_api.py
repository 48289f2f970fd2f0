"""`GET /v1/slots`: what staff are told, and what is refused."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from shared.core.permissions import Role
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.contract.statements import counted
from tests.factories.crews import make_blackout, make_team, make_worker
from tests.factories.organizations import Company, make_company
from tests.rows import footprint
from tests.slots.schedule import add_estimate, assign, book, every_day, settle

EDMONTON = ZoneInfo("America/Edmonton")
_SOON = (datetime.now(EDMONTON) + timedelta(days=7)).date()
DAY = next(day for year in (0, 1) if (day := date(_SOON.year + year, 2, 3)) >= _SOON)
"""In the coming February, when no clocks change in the zones of this file."""
NEXT = DAY + timedelta(days=1)


def _at(hour: float) -> datetime:
    """A time on `DAY` in Edmonton."""
    local = datetime(DAY.year, DAY.month, DAY.day, tzinfo=EDMONTON) + timedelta(hours=hour)
    return local.astimezone(UTC)


def _ask(client: CheckedClient, company: Company, **query: Any) -> Any:
    asked = {"from": DAY.isoformat(), "to": NEXT.isoformat(), "minutes": 60} | query
    given = {name: value for name, value in asked.items() if value is not None}
    return client.get("/v1/slots", query_string=given, headers=company.headers())


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


@pytest.fixture
def open_daily(company: Company) -> Company:
    settle(company, business_hours=every_day("09:00-12:00"))
    return company


def test_a_slot_says_when_in_utc_and_on_the_companys_clocks_and_who_can_come(
    client: CheckedClient, open_daily: Company
) -> None:
    teams = [make_team(open_daily), make_team(open_daily)]
    answer = _ask(client, open_daily, minutes=120)
    assert answer.status_code == 200
    body = answer.get_json()
    assert (body["timezone"], body["minutes"]) == ("America/Edmonton", 120)
    assert [slot["start"] for slot in body["data"]] == [_text(_at(hour)) for hour in (9, 9.5, 10)]
    assert body["data"][0] == {
        "start": _text(_at(9)),
        "end": _text(_at(11)),
        "local_start": _at(9).astimezone(EDMONTON).isoformat(),
        "team_ids": [str(team) for team in sorted(teams)],
    }
    assert "explain" not in body


def test_without_days_it_is_two_weeks_from_today_on_and_without_minutes_an_hour(
    client: CheckedClient, open_daily: Company
) -> None:
    settle(open_daily, min_notice_hours=0, business_hours=every_day("00:00-01:00"))
    make_team(open_daily)
    body = client.get("/v1/slots", headers=open_daily.headers()).get_json()
    today = datetime.now(EDMONTON).date()
    days = [datetime.fromisoformat(slot["local_start"]).date() for slot in body["data"]]
    assert days == [today + timedelta(days=number) for number in range(1, 14)]
    assert body["minutes"] == 60


def test_to_is_the_first_day_that_is_not_searched(client: CheckedClient, open_daily: Company) -> None:
    make_team(open_daily)
    two_days = _ask(client, open_daily, minutes=180, to=(DAY + timedelta(days=2)).isoformat()).get_json()["data"]
    assert [datetime.fromisoformat(slot["local_start"]).date() for slot in two_days] == [DAY, NEXT]


def test_an_estimate_says_how_long_and_for_how_many(client: CheckedClient, open_daily: Company) -> None:
    alone, together = make_team(open_daily), make_team(open_daily)
    make_worker(open_daily, team_id=alone)
    for _ in range(2):
        make_worker(open_daily, team_id=together)
    estimate_id = add_estimate(open_daily, minutes=150, crew_size=2)
    for minutes in (60, None):
        body = _ask(client, open_daily, estimate_id=estimate_id, minutes=minutes).get_json()
        assert body["minutes"] == 150
        assert [slot["start"] for slot in body["data"]] == [_text(_at(9)), _text(_at(9.5))]
        assert {tuple(slot["team_ids"]) for slot in body["data"]} == {(str(together),)}


def test_only_the_teams_that_work_there_are_asked(client: CheckedClient, open_daily: Company) -> None:
    near, far = make_team(open_daily, postal_prefixes=["T2P"]), make_team(open_daily, postal_prefixes=["V5"])
    for code, team in (("T2P 1J9", near), ("v5k0a1", far)):
        data = _ask(client, open_daily, postal_code=code).get_json()["data"]
        assert {tuple(slot["team_ids"]) for slot in data} == {(str(team),)}
    assert _ask(client, open_daily, postal_code="80331").get_json()["data"] == []


def test_one_team_can_be_asked_about(client: CheckedClient, open_daily: Company) -> None:
    team, _ = make_team(open_daily), make_team(open_daily)
    data = _ask(client, open_daily, team_id=team).get_json()["data"]
    assert {tuple(slot["team_ids"]) for slot in data} == {(str(team),)}


def test_a_company_without_teams_offers_nothing(client: CheckedClient, open_daily: Company) -> None:
    body = _ask(client, open_daily, explain="true").get_json()
    assert (body["data"], body["explain"]) == ([], [])


def test_each_reason_is_told_with_its_time(client: CheckedClient, company: Company) -> None:
    settle(company, business_hours=every_day("06:00-18:00"))
    team = make_team(company)
    worker = make_worker(company, team_id=team)
    far, idle_day = make_team(company, postal_prefixes=["V5"]), make_team(company, hours=every_day())
    make_blackout(company, starts_at=_at(7), ends_at=_at(8), team_id=team, reason="The van is being repaired")
    make_blackout(company, starts_at=_at(15), ends_at=_at(16), worker_id=worker)
    order_id = book(company, team, _at(11), _at(12), buffer=timedelta(minutes=30), number=1007)
    assign(company, order_id, worker)
    body = _ask(client, company, postal_code="T2P", explain="true").get_json()

    told = [
        (reason["team_id"], reason["reason"], reason["from"], reason["to"], reason["detail"])
        for reason in body["explain"]
    ]
    mine, midnight, next_midnight = str(team), _text(_at(0)), _text(_at(24))
    assert told == [
        (mine, "blackout", _text(_at(6.5)), _text(_at(8)), "The van is being repaired"),
        (mine, "booked", _text(_at(10)), _text(_at(12.5)), "Order 1007 takes the team's time, with the buffer."),
        (mine, "no_workers", _text(_at(14.5)), _text(_at(16)), "Fewer than 1 of the team's 1 workers are free."),
        (mine, "too_short", _text(_at(17.5)), _text(_at(18)), "The visit would not be over before closing."),
        (str(far), "area", midnight, next_midnight, "The team does not work at this postal code."),
        (str(idle_day), "closed", midnight, next_midnight, "The team does not work on that day."),
    ]
    assert {reason["date"] for reason in body["explain"]} == {DAY.isoformat()}


def test_too_soon_is_a_reason_as_well(client: CheckedClient, open_daily: Company) -> None:
    settle(open_daily, min_notice_hours=10_000)
    make_team(open_daily)
    body = _ask(client, open_daily, explain="true").get_json()
    assert body["data"] == []
    assert [(reason["reason"], reason["from"]) for reason in body["explain"]] == [
        ("notice", _text(_at(9))),
        ("too_short", _text(_at(11.5))),
    ]


@pytest.mark.parametrize("zone", ["Africa/Cairo", "America/Santiago", "Australia/Lord_Howe", "UTC"])
def test_every_zone_has_its_own_days(client: CheckedClient, services: Services, zone: str) -> None:
    company = make_company(services, timezone=zone)
    settle(company, business_hours=every_day("00:00-01:00", "23:00-24:00"))
    make_team(company)
    data = _ask(client, company).get_json()["data"]
    shown = [datetime.fromisoformat(slot["local_start"]) for slot in data]
    assert [moment.replace(tzinfo=None).isoformat() for moment in shown] == [
        f"{DAY}T00:00:00",
        f"{DAY}T23:00:00",
        f"{DAY}T23:30:00",  # the next day begins open
    ]
    assert shown == [datetime.fromisoformat(slot["start"]) for slot in data]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"minutes": "0"}, "/minutes"),
        ({"minutes": "1441"}, "/minutes"),
        ({"minutes": "-60"}, "/minutes"),
        ({"minutes": "1.5"}, "/minutes"),
        ({"minutes": "an hour"}, "/minutes"),
        ({"minutes": ""}, "/minutes"),
        ({"from": "tomorrow"}, "/from"),
        ({"from": "2027-02-30"}, "/from"),
        ({"from": "2027-03-01T09:00:00Z"}, "/from"),
        ({"to": ""}, "/to"),
        ({"from": "0001-01-01"}, "/from"),
        ({"to": "9999-12-31"}, "/to"),
        ({"team_id": "7"}, "/team_id"),
        ({"estimate_id": "x"}, "/estimate_id"),
        ({"postal_code": ""}, "/postal_code"),
        ({"postal_code": "x" * 21}, "/postal_code"),
        ({"postal_code": "T2P\x00"}, "/postal_code"),
        ({"explain": "maybe"}, "/explain"),
        ({"service": "cleaning"}, "/service"),
        ({"from_day": "2027-03-01"}, "/from_day"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_400(
    client: CheckedClient, company: Company, query: dict[str, str], pointer: str
) -> None:
    answer = _ask(client, company, **query)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "request.bad_query")
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


@pytest.mark.parametrize("minutes", [1, 1440])
def test_the_shortest_and_the_longest_visit_can_be_asked_for(
    client: CheckedClient, company: Company, minutes: int
) -> None:
    make_team(company, hours=every_day("00:00-24:00"))
    assert len(_ask(client, company, minutes=minutes).get_json()["data"]) == 48


@pytest.mark.parametrize(
    ("days", "code"),
    [
        (0, "orders.bad_range"),
        (-1, "orders.bad_range"),
        (-3000, "orders.bad_range"),
        (32, "orders.range_too_long"),
        (365, "orders.range_too_long"),
        (2_000_000, "orders.range_too_long"),
    ],
)
def test_days_that_cannot_be_searched_are_refused(
    client: CheckedClient, company: Company, days: int, code: str
) -> None:
    answer = _ask(client, company, to=(DAY + timedelta(days=days)).isoformat())
    assert (answer.status_code, answer.get_json()["code"]) == (422, code)
    assert [error["pointer"] for error in answer.get_json()["errors"]] == ["/to"]


def test_a_month_can_be_searched(client: CheckedClient, company: Company) -> None:
    assert _ask(client, company, to=(DAY + timedelta(days=31)).isoformat()).status_code == 200


@pytest.mark.parametrize("day", ["1971-01-01", "8999-11-30"])
def test_days_far_away_break_nothing(client: CheckedClient, company: Company, day: str) -> None:
    make_team(company)
    until = (datetime.fromisoformat(day) + timedelta(days=31)).date().isoformat()
    answer = _ask(client, company, **{"from": day, "to": until, "explain": "true"})
    assert answer.status_code == 200
    assert answer.get_json()["data"] == []


def test_another_organizations_team_or_estimate_is_unknown(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    make_team(company)
    foreign = {"team_id": make_team(neighbour), "estimate_id": add_estimate(neighbour, minutes=60)}
    company.headers()
    before = footprint(company.org_id), footprint(neighbour.org_id)
    for name, code in (("team_id", "orders.unknown_team"), ("estimate_id", "orders.unknown_estimate")):
        theirs, nobodys = (_ask(client, company, **{name: value}) for value in (foreign[name], uuid4()))
        assert (theirs.status_code, theirs.get_json()["code"]) == (422, code)
        assert [error["pointer"] for error in theirs.get_json()["errors"]] == [f"/{name}"]
        assert theirs.get_json() | {"request_id": ""} == nobodys.get_json() | {"request_id": ""}
    assert (footprint(company.org_id), footprint(neighbour.org_id)) == before


def test_whoever_may_read_orders_may_look_for_slots(client: CheckedClient, company: Company) -> None:
    assert client.get("/v1/slots", headers=company.headers(Role.VIEWER)).status_code == 200
    assert client.get("/v1/slots", headers=company.headers(Role.WORKER)).status_code == 403
    assert client.get("/v1/slots").status_code == 401


@pytest.mark.parametrize("explain", ["false", "true"])
def test_a_search_costs_two_statements_however_much_there_is(
    client: CheckedClient, open_daily: Company, services: Services, explain: str
) -> None:
    open_daily.headers()
    client.get("/healthz")
    for _ in range(2):
        for _ in range(3):
            team = make_team(open_daily)
            worker = make_worker(open_daily, team_id=team)
            make_blackout(open_daily, starts_at=_at(9), ends_at=_at(10), team_id=team)
            assign(open_daily, book(open_daily, team, _at(10), _at(11)), worker)
        estimate_id = add_estimate(open_daily, minutes=30)
        with counted(services) as sent:
            assert _ask(client, open_daily, explain=explain, estimate_id=estimate_id).status_code == 200
        assert len(sent) == sent.logged == 2, sent
