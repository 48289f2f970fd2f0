"""What SendGrid tells, in several batches at the same moment, and while a worker writes down what it has sent."""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.integrations.mail.events import Happening, MailEvent
from shared.messages import deliveries, sending
from shared.messages.model import Message
from shared.wiring import Services
from tests.concurrency.together import together, until_waiting
from tests.factories.organizations import Company
from tests.factories.sendgrid_events import make_mail
from tests.rows import row, rows

START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def event(company: Company, message_id: UUID, what: Happening, *, second: int = 0, bad: bool = False) -> MailEvent:
    at = START + timedelta(seconds=second)
    return MailEvent(company.org_id, message_id, company.client_email, what, at, is_bad_address=bad)


def record(events: list[MailEvent]) -> dict[str, int]:
    with transaction(PLATFORM) as session:
        return deliveries.record(session, events, now=datetime.now(UTC))


def mail(message_id: UUID) -> dict[str, object]:
    return row("SELECT * FROM messages WHERE id = :id", id=message_id)


def test_the_same_batch_many_times_at_once_counts_once(company: Company) -> None:
    message_id = make_mail(company)
    batch = [
        event(company, message_id, Happening.DELIVERED),
        event(company, message_id, Happening.BOUNCED, second=1, bad=True),
    ]
    counts = together(*[partial(record, batch)] * 8)
    assert sorted(each["mails"] for each in counts) == [0] * 7 + [1]
    assert sorted(each["suppressions"] for each in counts) == [0] * 7 + [1]
    assert mail(message_id)["delivery"] == "bounced"
    found = rows("SELECT reason FROM mail_suppressions WHERE org_id = :org", org=company.org_id)
    assert [each["reason"] for each in found] == ["bounced"]


def test_batches_about_the_same_mails_in_opposite_orders_wait_and_do_not_lock_each_other_out(
    company: Company, neighbour: Company
) -> None:
    mails = [(each, make_mail(each)) for _ in range(15) for each in (company, neighbour)]
    whats = [Happening.DEFERRED, Happening.DELIVERED, Happening.UNSUBSCRIBED, Happening.BOUNCED, Happening.COMPLAINED]

    def batch(second: int) -> Callable[[], dict[str, int]]:
        events = [event(each, id_, whats[second % 5], second=second, bad=True) for each, id_ in mails]
        random.Random(second).shuffle(events)
        return partial(record, events)

    together(*[batch(second) for second in range(10)])
    for _, message_id in mails:
        assert (mail(message_id)["delivery"], mail(message_id)["delivery_at"]) == (
            "complained",
            START + timedelta(seconds=9),
        )


def test_an_older_batch_that_waits_for_a_newer_one_changes_nothing(company: Company) -> None:
    message_id = make_mail(company)
    newer, older = (
        [event(company, message_id, Happening.DELIVERED, second=10)],
        [event(company, message_id, Happening.BOUNCED, second=5, bad=True)],
    )

    def first() -> dict[str, int]:
        with transaction(PLATFORM) as session:
            counts = deliveries.record(session, newer, now=datetime.now(UTC))
            until_waiting(1)
            return counts

    def second() -> dict[str, int]:
        while row("SELECT count(*) AS n FROM pg_locks WHERE locktype = 'transactionid' AND granted")["n"] == 0:
            time.sleep(0.01)
        return record(older)

    counts = together(first, second)
    assert [each["mails"] for each in counts] == [1, 0]
    assert mail(message_id)["delivery"] == "delivered"


def test_a_delivery_and_the_worker_that_writes_down_sent_agree(company: Company, services: Services) -> None:
    for _ in range(10):
        message_id = make_mail(company, state="queued")
        with transaction(company.scope) as session:
            claimed = sending.claim(session, company.org_id, services.settings, now=datetime.now(UTC))
        assert claimed is not None

        def write_down(claimed: object = claimed) -> None:
            with transaction(company.scope) as session:
                now = datetime.now(UTC)
                sending.record(session, claimed, sending.sent(claimed, "from-the-answer", now=now))  # type: ignore[arg-type]

        def hear(message_id: UUID = message_id) -> None:
            record([event(company, message_id, Happening.DELIVERED)])

        together(write_down, hear)
        kept = mail(message_id)
        assert (kept["state"], kept["delivery"], kept["next_attempt_at"]) == ("sent", "delivered", None)
        with transaction(company.scope) as session:
            assert sending.claim(session, company.org_id, services.settings, now=datetime.now(UTC)) is None
            assert session.get_one(Message, (company.org_id, message_id)).sent_at is not None
