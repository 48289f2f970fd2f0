"""Mails over HTTP: found by what staff know of them, shown without secrets, each list from an index."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.core.ids import lowest_id_at
from shared.core.permissions import Role
from shared.core.transaction import transaction
from shared.messages.model import Message
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.contract.statements import counted
from tests.factories.messages import VARIABLES, change_message, make_dead, make_message, make_sent
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.rows import footprint

PATH = "/v1/admin/messages"
STATES = ("queued", "sending", "retrying", "sent", "dead", "suppressed")


def _found(client: CheckedClient, company: Company, query: str = "", role: Role = Role.ADMIN) -> list[str]:
    answer = client.get(f"{PATH}?{query}", headers=company.headers(role))
    assert answer.status_code == 200, answer.get_json()
    return [each["id"] for each in answer.get_json()["data"]]


def _made_at(company: Company, moment: datetime, **values: Any) -> UUID:
    """A mail that was made at that time, as its identifier says too."""
    mail = Message(
        org_id=company.org_id,
        id=UUID(int=lowest_id_at(moment).int + uuid4().int % 1000),
        kind="order_confirmed",
        recipient=company.client_email,
        variables=VARIABLES,
        dedupe_key=f"made:{uuid4()}",
        created_at=moment,
        **values,
    )
    with transaction(company.scope) as session:
        session.add(mail)
    return mail.id


def test_a_list_shows_all_states_newest_first_and_what_became_of_each(client: CheckedClient, company: Company) -> None:
    made = [make_message(company, about=company.client_id), make_dead(company), make_sent(company)]
    listed = client.get(PATH, headers=company.headers()).get_json()["data"]
    assert [each["id"] for each in listed] == [str(each) for each in reversed(made)]
    assert listed[1] == {
        "id": str(made[1]),
        "kind": "order_confirmed",
        "recipient": company.client_email,
        "resource_id": None,
        "state": "dead",
        "summary": "Given up: 550 no such user",
        "attempts": 6,
        "next_attempt_at": None,
        "last_error": "550 no such user",
        "suppressed_reason": None,
        "provider_id": None,
        "delivery": None,
        "delivery_at": None,
        "delivery_detail": None,
        "locale": None,
        "not_after": None,
        "request_id": listed[1]["request_id"],
        "created_at": listed[1]["created_at"],
        "sent_at": None,
    }


@pytest.mark.parametrize("asked", [("dead",), ("queued", "retrying"), ("dead", "dead"), STATES])
def test_states_can_be_asked_for(client: CheckedClient, company: Company, asked: tuple[str, ...]) -> None:
    made = {state: str(change_message(company, make_message(company), state=state)) for state in STATES}
    expected = [made[state] for state in reversed(STATES) if state in asked]
    assert _found(client, company, f"state={','.join(asked)}") == expected


def test_other_filters_and_all_of_them_together(client: CheckedClient, company: Company) -> None:
    order_id, day = make_order(company), timedelta(days=1)
    now = datetime.now(UTC)
    old = _made_at(company, now - 3 * day, state="dead")
    wanted = str(_made_at(company, now - 2 * day, state="dead", resource_id=order_id))
    other = make_message(company, kind="order_cancelled", to="bo@client.test")
    assert _found(client, company, "kind=order_cancelled") == [str(other)]
    assert _found(client, company, f"resource_id={order_id}") == [wanted]
    since, until = (f"{(now + days * day):%Y-%m-%dT%H:%M:%SZ}" for days in (-2.5, -1.5))
    assert _found(client, company, f"created_from={since}") == [str(other), wanted]
    assert _found(client, company, f"created_to={until}") == [wanted, str(old)]
    assert _found(client, company, f"created_from={since}&created_to={until}") == [wanted]
    everything = (
        f"state=dead,sent&kind=order_confirmed&recipient={company.client_email}&resource_id={order_id}"
        f"&created_from={since}&created_to={until}"
    )
    assert _found(client, company, everything) == [wanted]
    assert _found(client, company, everything.replace("order_confirmed", "receipt")) == []


@pytest.mark.parametrize("asked", ["anna.berg@client.test", "ANNA.Berg@CLIENT.test"])
def test_an_address_is_found_whole_and_in_any_case(client: CheckedClient, company: Company, asked: str) -> None:
    made = [str(make_sent(company, to="Anna.Berg@client.test")), str(make_dead(company, to="anna.berg@client.test"))]
    make_sent(company, to="hanna.berg@client.test")
    make_sent(company, to="anna.berg@client.test.example")
    assert _found(client, company, f"recipient={asked}") == made[::-1]
    assert _found(client, company, f"recipient={asked}&state=dead") == [made[1]]
    assert _found(client, company, "recipient=anna@client.test") == []


@pytest.mark.parametrize("query", ["", "&state=queued,dead", "&recipient=many@client.test", "&kind=order_confirmed"])
def test_a_long_list_comes_in_pages(client: CheckedClient, company: Company, query: str) -> None:
    made = [
        str(make(company, to="many@client.test")) for make in (make_message, make_dead, make_message, make_dead) * 2
    ]
    seen: list[str] = []
    url: str | None = f"{PATH}?limit=3{query}"
    while url:
        page = client.get(url, headers=company.headers()).get_json()
        assert len(page["data"]) <= 3
        seen += [each["id"] for each in page["data"]]
        url = page["next_cursor"] and f"{PATH}?limit=3{query}&cursor={page['next_cursor']}"
    assert seen == made[::-1]


@pytest.mark.parametrize(
    "query",
    [
        "state=gone",
        "state=dead,gone",
        "kind=spam",
        "recipient=anna",
        "recipient=",
        "resource_id=1",
        "created_from=today",
        "limit=0",
        "cursor=x",
        "states=dead",
    ],
)
def test_what_cannot_be_asked_for_is_refused(client: CheckedClient, company: Company, query: str) -> None:
    answer = client.get(f"{PATH}?{query}", headers=company.headers())
    assert answer.status_code in {400, 422}, answer.get_json()


def test_one_mail_is_shown_with_what_it_said_and_without_what_opens_something(
    client: CheckedClient, company: Company
) -> None:
    secret = {
        "sealed_temp_password": "sealed:abc",
        "url": "https://portal.test/x?token=abc",
        "portal_link": "portal.test/abc",
        "token": "abc",
        "nested": {"invoice_url": "abc", "lines": ["http://pay.test/abc", "Windows"]},
    }
    message_id = make_message(company, **secret)
    kept = {"provider_id": "250 ok", "delivery": "bounced", "delivery_detail": "550 full", "request_id": "req-1"}
    moment = datetime(2026, 11, 27, 15, 40, tzinfo=UTC)
    change_message(company, message_id, state="sent", sent_at=moment, delivery_at=moment, **kept)
    answer = client.get(f"{PATH}/{message_id}", headers=company.headers())
    shown = answer.get_json()
    assert shown["variables"] == VARIABLES | {
        **dict.fromkeys(("sealed_temp_password", "url", "portal_link", "token"), "(secret)"),
        "nested": {"invoice_url": "(secret)", "lines": ["(secret)", "Windows"]},
    }
    assert "abc" not in answer.get_data(as_text=True)
    assert {name: shown[name] for name in kept} == kept
    assert shown["delivery_at"] == shown["sent_at"] == "2026-11-27T15:40:00Z"
    assert shown["summary"] == "Taken by the mail server at 2026-11-27 15:40 UTC; it came back: 550 full."


def test_a_suppressed_mail_says_why(client: CheckedClient, company: Company) -> None:
    message_id = change_message(company, make_message(company), state="suppressed", last_error="unsubscribed")
    shown = client.get(f"{PATH}/{message_id}", headers=company.headers()).get_json()
    assert (shown["state"], shown["suppressed_reason"]) == ("suppressed", "unsubscribed")
    assert shown["summary"] == "Not sent: the recipient wants no such mails."


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_owners_and_administrators_may_look_and_nobody_else(
    client: CheckedClient, company: Company, role: Role
) -> None:
    message_id = make_message(company)
    headers = company.headers(role)
    paths = (PATH, f"{PATH}?recipient={company.client_email}", f"{PATH}/{message_id}")
    answers = {client.get(path, headers=headers).status_code for path in paths}
    assert answers == ({200} if role in {Role.OWNER, Role.ADMIN} else {403})


def test_an_ended_session_finds_nobodys_mails(client: CheckedClient, company: Company) -> None:
    """The look-up by address does not look at the session; what it finds is read as the organization."""
    make_message(company)
    headers = company.headers()
    assert client.post("/v1/auth/logout", headers=headers).status_code == 204
    assert client.get(f"{PATH}?recipient={company.client_email}", headers=headers).status_code == 401


def test_another_organizations_mails_are_nobodys(client: CheckedClient, company: Company, neighbour: Company) -> None:
    order_id = make_order(neighbour)
    theirs = make_dead(neighbour, to="same@client.test", about=order_id)
    mine = make_dead(company, to="same@client.test")
    before = footprint(neighbour.org_id)
    assert _found(client, company) == _found(client, company, "recipient=same@client.test") == [str(mine)]
    assert _found(client, company, f"resource_id={order_id}") == []
    for message_id in (theirs, uuid4()):
        refused = client.get(f"{PATH}/{message_id}", headers=company.headers())
        assert (refused.status_code, refused.get_json()["code"]) == (404, "messages.not_found")
    assert footprint(neighbour.org_id) == before


@pytest.mark.parametrize(
    ("query", "most"), [("", 1), ("?state=dead,queued&kind=receipt", 1), ("?recipient=a@client.test", 2)]
)
def test_a_list_costs_one_statement_and_one_more_by_address(
    client: CheckedClient, company: Company, services: Services, query: str, most: int
) -> None:
    for _ in range(3):
        make_dead(company, to="a@client.test")
    headers = company.headers()
    client.get("/healthz")
    with counted(services) as sent:
        assert client.get(PATH + query, headers=headers).status_code == 200
    assert 0 < sent.logged <= most, sent
