"""Organizations take turns, however many messages ask for the mails of one of them."""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.messages import sending
from shared.messages.jobs import GO_ON, SEND
from shared.wiring import Services
from tests.factories.messages import make_message
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.messages.mail_servers import MailServer
from tests.messages.sending_steps import mail, send_through
from tests.turns import MANY, promised_at_the_last_moment
from worker.core import turns
from worker.tasks import messages as tasks


@pytest.fixture
def services(services: Services, server: MailServer) -> Services:
    return send_through(services, server.port)


@pytest.fixture(autouse=True)
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn is one mail long."""
    monkeypatch.setattr(tasks, "LONGEST_TURN_SECONDS", 0.0)


def test_an_organization_with_many_messages_has_one_turn_before_the_next(
    company: Company, neighbour: Company, jobs: JobsProbe, server: MailServer
) -> None:
    for _ in range(MANY):
        make_message(company, to="many@client.test")
    make_message(neighbour, to="one@client.test")
    jobs.drain()
    assert server.recipients == ["many@client.test", "one@client.test", *["many@client.test"] * (MANY - 1)]


def test_sweeps_of_a_long_queue_do_not_make_others_wait(
    company: Company, neighbour: Company, jobs: JobsProbe, services: Services, server: MailServer
) -> None:
    for _ in range(MANY):
        make_message(company, to="many@client.test")
    jobs.enqueued()  # lost
    for minute in range(MANY):
        with transaction(PLATFORM) as session:
            sending.sweep(session, services.settings, now=datetime.now(UTC) + timedelta(minutes=minute + 1), limit=500)
    make_message(neighbour, to="one@client.test")
    jobs.drain()
    assert server.recipients.index("one@client.test") == 1
    assert Counter(server.recipients) == {"many@client.test": MANY, "one@client.test": 1}


def test_when_all_is_sent_the_next_message_is_heard_at_once(
    company: Company, jobs: JobsProbe, services: Services
) -> None:
    for _ in range(MANY):
        make_message(company)
    jobs.drain()
    late = make_message(company)
    assert jobs.drain() == [SEND.name]
    assert mail(late) == ("sent", 1)


def test_a_mail_whose_message_was_passed_over_at_the_last_moment_is_sent(company: Company, jobs: JobsProbe) -> None:
    late = promised_at_the_last_moment(jobs, company, tasks.MAILS, GO_ON, make_message)
    assert mail(late) == ("sent", 1)


def test_a_next_turn_that_never_comes_is_taken_for_lost(
    company: Company, jobs: JobsProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "LONGEST_WAIT_SECONDS", 0.3)
    first, second = make_message(company), make_message(company)
    ((name, arguments), *_) = jobs.enqueued()
    jobs.run(name, arguments)
    assert [asked for asked, _ in jobs.enqueued()] == [GO_ON.name]  # lost
    jobs.run(name, arguments)
    assert (mail(first), mail(second)) == (("sent", 1), ("queued", 0))
    time.sleep(0.35)
    jobs.run(name, arguments)
    assert mail(second) == ("sent", 1)
