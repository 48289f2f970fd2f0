"""The mail server is away for long: it is left alone, mails wait and lose no try, and all are sent when it is back."""

import time
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from shared.wiring import Services
from tests.factories.messages import make_message
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.messages.mail_servers import MailServer, mail_server
from tests.messages.sending_steps import last_error, later, mail, send_through

RECOVERY_SECONDS = 0.5
AWAY = "421 4.3.2 closing for now"
HOURS = 48


@pytest.fixture
def services(services: Services, server: MailServer) -> Services:
    """With the test's own mail server, which is left alone for a moment only."""
    return send_through(services, server.port, email_circuit_recovery_seconds=RECOVERY_SECONDS)


def states(ids: list[UUID]) -> Counter[tuple[str, int]]:
    return Counter(mail(message_id) for message_id in ids)


def test_a_server_that_is_away_is_left_alone_and_then_asked_once(
    company: Company, jobs: JobsProbe, services: Services, server: MailServer
) -> None:
    threshold = services.settings.email_circuit_failure_threshold
    ids = [make_message(company) for _ in range(threshold * 3)]
    server.always["greeting"] = AWAY
    jobs.drain()
    assert states(ids) == {("retrying", 0): threshold, ("queued", 0): threshold * 2}
    assert server.connects == threshold
    assert {last_error(message_id) for message_id in ids[:threshold]} == {AWAY}
    later(services, jobs, timedelta(hours=1))  # too early: nobody is asked
    assert server.connects == threshold
    time.sleep(RECOVERY_SECONDS * 1.1)
    later(services, jobs, timedelta(hours=2))
    assert server.connects == threshold + 1
    server.always.clear()
    time.sleep(RECOVERY_SECONDS * 1.1)
    later(services, jobs, timedelta(hours=3))
    assert states(ids) == {("sent", 1): len(ids)}
    assert server.connects == threshold + 2


def test_a_server_that_takes_no_mail_costs_one_try_each_until_it_is_left_alone(
    company: Company, jobs: JobsProbe, services: Services, server: MailServer
) -> None:
    threshold = services.settings.email_circuit_failure_threshold
    ids = [make_message(company) for _ in range(threshold * 3)]
    server.always["DATA"] = "451 the disk is full"
    jobs.drain()
    assert states(ids) == {("retrying", 1): threshold, ("queued", 0): threshold * 2}
    later(services, jobs, timedelta(hours=1))
    assert sum(mail(message_id)[1] for message_id in ids) == threshold
    server.always.clear()
    time.sleep(RECOVERY_SECONDS * 1.1)
    later(services, jobs, timedelta(hours=2))
    assert states(ids) == {("sent", 2): threshold, ("sent", 1): threshold * 2}


@pytest.mark.parametrize("command", ["greeting", "MAIL", "nothing listens"])
def test_after_an_outage_of_days_every_mail_is_sent(
    company: Company, neighbour: Company, jobs: JobsProbe, services: Services, server: MailServer, command: str
) -> None:
    ids = [make_message(each) for each in (company, neighbour) for _ in range(10)]
    if command == "nothing listens":
        server.close()
    else:
        server.always[command] = AWAY
    for hour in range(HOURS):
        later(services, jobs, timedelta(hours=hour))
        time.sleep(RECOVERY_SECONDS * 0.05)
    assert {state for state, _ in states(ids)} <= {"queued", "retrying"}
    assert {attempts for _, attempts in states(ids)} == {0}
    assert server.mails == []
    with mail_server() as back:
        services = send_through(services, back.port)
        later(services, jobs, timedelta(hours=HOURS))
        assert states(ids) == {("sent", 1): len(ids)}
        assert Counter(back.recipients) == {company.client_email: 10, neighbour.client_email: 10}


def test_one_answer_in_between_does_not_keep_a_bad_server_busy(
    company: Company, jobs: JobsProbe, services: Services, server: MailServer
) -> None:
    """Failures are counted in a row: a mail that went out says that the server is there."""
    threshold = services.settings.email_circuit_failure_threshold
    ids = [make_message(company) for _ in range(threshold * 2)]
    server.once["DATA"] += ["451 later"] * (threshold - 1) + ["250 OK"] + ["451 later"] * (threshold - 1)
    jobs.drain()
    assert states(ids) == {("retrying", 1): (threshold - 1) * 2, ("sent", 1): 2}
