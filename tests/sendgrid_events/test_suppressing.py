"""Which events make an address get no more mail, and that none does so twice."""

from typing import Any

import pytest

from shared.core.transaction import transaction
from shared.messages.model import Suppression
from tests.factories.organizations import Company
from tests.factories.sendgrid_events import hard, make_mail, told
from tests.rows import footprint
from tests.sendgrid_events.conftest import Tell
from tests.sendgrid_events.kept import delivery_of, suppressed_by


@pytest.mark.parametrize(
    ("event", "more", "reason"),
    [
        ("bounce", hard(), "bounced"),
        ("bounce", hard(type="bounced"), "bounced"),
        ("bounce", hard(type="blocked"), None),
        ("bounce", hard(type="expired"), None),
        ("bounce", hard(type=None), None),
        ("dropped", {"reason": "Bounced Address"}, "bounced"),
        ("dropped", {"reason": "Invalid"}, "bounced"),
        ("dropped", {"reason": "Spam Content"}, None),
        ("dropped", {"reason": "Unsubscribed Address"}, None),
        ("dropped", {}, None),
        ("spamreport", {}, "complained"),
        ("unsubscribe", {}, "unsubscribed"),
        ("group_unsubscribe", {}, "unsubscribed"),
        ("deferred", {}, None),
        ("delivered", {}, None),
    ],
)
def test_only_what_is_about_the_address_suppresses_it(
    tell: Tell, company: Company, event: str, more: dict[str, Any], reason: str | None
) -> None:
    message_id = make_mail(company, to="Anna@Client.test")
    tell(told(company, message_id, event, email="anna@client.test", **more))
    assert suppressed_by(company) == ([("anna@client.test", reason)] if reason else [])


def test_who_unsubscribes_has_got_the_mail(tell: Tell, company: Company) -> None:
    message_id, complained = (make_mail(company) for _ in range(2))
    tell(told(company, message_id, "unsubscribe"), told(company, complained, "spamreport", at=-5))
    assert delivery_of(message_id) == "delivered"
    tell(told(company, complained, "unsubscribe"))
    assert delivery_of(complained) == "complained"
    assert [reason for _, reason in suppressed_by(company)] == ["complained", "unsubscribed"]


def test_the_same_batch_twice_changes_nothing(tell: Tell, company: Company) -> None:
    mails = [make_mail(company, to=f"{number}@client.test") for number in range(4)]
    batch = [
        told(company, mail, event, email=f"{number}@client.test", **hard())
        for number, (mail, event) in enumerate(
            zip(mails, ["delivered", "bounce", "spamreport", "unsubscribe"], strict=True)
        )
    ]
    tell(*batch, *batch)
    before = footprint(company.org_id)
    tell(*batch)
    tell(*batch[::-1])
    assert footprint(company.org_id) == before
    assert len(suppressed_by(company)) == 3


@pytest.mark.parametrize("event", ["bounce", "spamreport", "unsubscribe"])
def test_what_is_played_back_does_not_bring_back_a_suppression_that_was_lifted(
    tell: Tell, company: Company, event: str
) -> None:
    message_id = make_mail(company)
    given = [told(company, message_id, "delivered"), told(company, message_id, event, **hard())]
    for each in given:
        tell(each)
    assert len(suppressed_by(company)) == 1
    with transaction(company.scope) as session:
        session.query(Suppression).delete()
    before = footprint(company.org_id)
    for each in given:
        tell(each)
    tell(*given)
    assert footprint(company.org_id) == before
    tell(told(company, message_id, event, at=2, **hard()))
    assert len(suppressed_by(company)) == 1, "a new one counts"
