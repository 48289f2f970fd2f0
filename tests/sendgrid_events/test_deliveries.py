"""What events change: the newest thing that is told of a mail, and nothing of anybody else's."""

import random
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest

from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.integrations.mail.events import Happening, MailEvent
from shared.messages import deliveries
from shared.messages.model import Message
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.contract.statements import counted
from tests.factories.organizations import Company
from tests.factories.sendgrid_events import hard, make_mail, posted, told
from tests.rows import footprint, rows
from tests.sendgrid_events.conftest import Tell
from tests.sendgrid_events.kept import delivery_of, mail_of, suppressed_by


@pytest.mark.parametrize(
    ("event", "more", "delivery", "detail"),
    [
        ("deferred", {"response": "451 later"}, "deferred", "451 later"),
        ("delivered", {"response": "250 OK"}, "delivered", "250 OK"),
        ("bounce", hard(), "bounced", "550 5.1.1 No such user"),
        ("bounce", {"type": "blocked", "reason": "spam", "status": "5.7.1"}, "bounced", "5.7.1 spam"),
        ("dropped", {"reason": "Bounced Address"}, "dropped", "Bounced Address"),
        ("spamreport", {}, "complained", None),
        ("processed", {}, None, None),
        ("open", {}, None, None),
        ("click", {"url": "https://x.example"}, None, None),
        ("group_resubscribe", {}, None, None),
    ],
)
def test_each_event_is_kept_as_what_it_means(
    tell: Tell, company: Company, event: str, more: dict[str, Any], delivery: str | None, detail: str | None
) -> None:
    message_id = make_mail(company)
    given = told(company, message_id, event, **more)
    tell(given)
    kept = mail_of(message_id)
    assert (kept["delivery"], kept["delivery_detail"]) == (delivery, detail)
    assert kept["delivery_at"] == (datetime.fromtimestamp(given["timestamp"], UTC) if delivery else None)
    assert kept["provider_id"] == ("sgid-1" if delivery else None)


def test_the_newest_thing_stays_whatever_the_order(tell: Tell, company: Company) -> None:
    for order in permutations([("deferred", -30), ("deferred", -20), ("delivered", -10), ("bounce", -1)]):
        one_by_one, at_once = (make_mail(company) for _ in range(2))
        for event, at in order:
            tell(told(company, one_by_one, event, at=at))
        tell(*[told(company, at_once, event, at=at) for event, at in order])
        assert (delivery_of(one_by_one), delivery_of(at_once)) == ("bounced", "bounced")


@pytest.mark.parametrize(
    ("one", "other", "stays"),
    [
        ("deferred", "delivered", "delivered"),
        ("delivered", "bounce", "bounced"),
        ("delivered", "spamreport", "complained"),
    ],
)
def test_of_the_same_second_that_stays_which_must_have_come_later(
    tell: Tell, company: Company, one: str, other: str, stays: str
) -> None:
    for order in ((one, other), (other, one)):
        message_id = make_mail(company)
        for event in order:
            tell(told(company, message_id, event, timestamp=1_790_000_000))
        assert delivery_of(message_id) == stays


def test_the_far_future_is_not_trusted(tell: Tell, company: Company) -> None:
    message_id = make_mail(company)
    tell(*[told(company, message_id, "spamreport", at=ahead) for ahead in (400, 86_400, 10**9)])
    assert (delivery_of(message_id), suppressed_by(company)) == (None, [])
    tell(told(company, message_id, "delivered", at=120))
    assert delivery_of(message_id) == "delivered"


def test_a_mail_is_found_by_both_ids_and_its_recipient(tell: Tell, company: Company, neighbour: Company) -> None:
    mine, theirs = make_mail(company), make_mail(neighbour)
    before = footprint(company.org_id), footprint(neighbour.org_id)
    tell(
        told(company, theirs, "bounce", **hard()),
        told(company, theirs, "bounce", email=neighbour.client_email, **hard()),
        told(neighbour, mine, "bounce", **hard()),
        told(neighbour, mine, "bounce", email=company.client_email, **hard()),
        told(company, mine, "bounce", email="someone@else.test", **hard()),
        told(company, uuid4(), "bounce", **hard()),
        told(company, mine, "bounce", org_id=str(uuid4()), **hard()),
    )
    assert (footprint(company.org_id), footprint(neighbour.org_id)) == before


@pytest.mark.parametrize(
    ("recipient", "spelled"),
    [
        ("Anna.Berg@Client.Test", "anna.berg@client.test"),
        ("anna@münchen.test", "anna@xn--mnchen-3ya.test"),
        ("anna@xn--mnchen-3ya.test", "anna@xn--mnchen-3ya.test"),
    ],
)
def test_spellings_of_one_address_are_one(tell: Tell, company: Company, recipient: str, spelled: str) -> None:
    message_id = make_mail(company, to=recipient)
    tell(told(company, message_id, "bounce", email=spelled, **hard()))
    assert delivery_of(message_id) == "bounced"
    assert suppressed_by(company) == [(recipient.lower(), "bounced")], "as sending looks for it"


@pytest.mark.parametrize("state", ["queued", "dead", "suppressed"])
def test_a_mail_that_was_not_sent_is_left_alone(tell: Tell, company: Company, state: str) -> None:
    message_id = make_mail(company, state=state)
    before = footprint(company.org_id)
    tell(told(company, message_id, "delivered"), told(company, message_id, "bounce", **hard()))
    assert footprint(company.org_id) == before


def test_a_thousand_events_cost_three_statements(
    client: CheckedClient, company: Company, neighbour: Company, services: Services
) -> None:
    with transaction(PLATFORM) as session:
        made = [
            Message(
                org_id=each.org_id,
                kind="order_confirmed",
                recipient=f"{number}@client.test",
                dedupe_key=f"many:{number}",
                state="sent",
                created_at=datetime.now(UTC),
            )
            for number in range(250)
            for each in (company, neighbour)
        ]
        session.add_all(made)
    kinds = ["delivered", "bounce", "spamreport", "unsubscribe"]
    events = [
        told(company, each.id, kind, org_id=str(each.org_id), email=each.recipient, at=at, **hard())
        for number, each in enumerate(made)
        for at, kind in ((-9, "deferred"), (-1, kinds[number // 2 % 4]))
    ]
    random.Random(5).shuffle(events)
    client.get("/healthz")
    with counted(services) as sent:
        assert client.post("/v1/sendgrid/events", **posted(events)).status_code == 200
    assert len(sent) <= 4, sent
    found = rows("SELECT delivery, count(*) AS n FROM messages GROUP BY 1 ORDER BY 1")
    assert {each["delivery"]: each["n"] for each in found} == {"delivered": 250, "bounced": 126, "complained": 124}
    assert len(suppressed_by(company)) == len(suppressed_by(neighbour)) == 187


def test_any_order_and_any_batches_end_the_same(company: Company) -> None:
    """Whatever was told is told again and again, mixed and cut into batches of any size."""
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    for seed in range(12):
        chance = random.Random(seed)
        message_id = make_mail(company)
        events = [
            MailEvent(
                org_id=company.org_id,
                message_id=message_id,
                email=company.client_email,
                what=chance.choice([what for what in Happening if what is not Happening.UNSUBSCRIBED]),
                at=start + timedelta(seconds=chance.randrange(20)),
            )
            for _ in range(8)
        ]
        newest = max(events, key=lambda event: (event.at, list(Happening).index(event.what)))
        told_often = events * 3
        chance.shuffle(told_often)
        while told_often:
            size = chance.randrange(1, 6)
            batch, told_often = told_often[:size], told_often[size:]
            with transaction(PLATFORM) as session:
                deliveries.record(session, batch, now=datetime.now(UTC))
        kept = mail_of(message_id)
        assert (kept["delivery_at"], kept["delivery"]) == (newest.at, newest.what)
