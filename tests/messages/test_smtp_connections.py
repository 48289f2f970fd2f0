"""One connection for many mails, and what its end means: nothing to a mail that was not offered on it."""

import os
import signal
import threading
import time

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from shared.integrations.mail import smtp_mailer
from shared.wiring import Services
from tests.factories.messages import make_message
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.messages.mail_servers import DROP, STALL, STALL_SECONDS, MailServer
from tests.messages.sending_steps import last_error, later, mail, send_through


@pytest.fixture
def services(services: Services, server: MailServer) -> Services:
    """With the test's own mail server."""
    return send_through(services, server.port)


def test_one_connection_carries_the_mails_of_many_tasks(
    company: Company, neighbour: Company, jobs: JobsProbe, server: MailServer
) -> None:
    expected = []
    for each in (company, neighbour, company):
        ids = [make_message(each) for _ in range(7)]
        expected += [(each.client_email, f"<{message_id}@crewline.test>") for message_id in ids]
        jobs.drain()
    assert server.mails == expected
    assert server.connects == 1
    assert server.commands == ["greeting", "EHLO", *["MAIL", "RCPT", "DATA"] * 21]


@pytest.mark.parametrize("fresh_seconds", [0.0, 60.0])
def test_a_connection_that_was_ended_while_idle_costs_nothing(
    company: Company, jobs: JobsProbe, server: MailServer, monkeypatch: pytest.MonkeyPatch, fresh_seconds: float
) -> None:
    monkeypatch.setattr(smtp_mailer, "FRESH_SECONDS", fresh_seconds)
    ids = []
    for _ in range(3):
        ids.append(make_message(company))
        jobs.drain()
        server.hang_up()
    assert [mail(message_id) for message_id in ids] == [("sent", 1)] * 3
    assert (server.connects, len(server.mails)) == (3, 3)


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("MAIL", "421 too many mails on this connection"),
        ("MAIL", "451 not on this connection"),
        ("MAIL", DROP),
        ("NOOP", "421 idle for too long"),
        ("NOOP", DROP),
    ],
)
def test_a_connection_that_is_not_wanted_any_more_costs_nothing(
    company: Company,
    jobs: JobsProbe,
    server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    answer: str,
) -> None:
    monkeypatch.setattr(smtp_mailer, "FRESH_SECONDS", 0.0 if command == "NOOP" else 60.0)
    ids = [make_message(company)]
    jobs.drain()
    server.once[command].append(answer)
    ids += [make_message(company) for _ in range(3)]
    jobs.drain()
    assert [mail(message_id) for message_id in ids] == [("sent", 1)] * 4
    assert (server.connects, len(server.mails)) == (2, 4)


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
def test_a_mail_that_is_refused_leaves_the_connection_to_the_others(
    company: Company, jobs: JobsProbe, server: MailServer, command: str
) -> None:
    ids = [make_message(company) for _ in range(3)]
    server.once[command] += ["250 OK", "550 no such box"]
    jobs.drain()
    assert [mail(message_id) for message_id in ids] == [("sent", 1), ("dead", 1), ("sent", 1)]
    assert last_error(ids[1]) == "550 no such box"
    assert (server.connects, server.commands.count("RSET"), len(server.mails)) == (1, 1, 2)


def test_a_server_that_cannot_start_over_gets_a_new_connection(
    company: Company, jobs: JobsProbe, server: MailServer
) -> None:
    ids = [make_message(company) for _ in range(3)]
    server.once["RCPT"] += ["250 OK", "550 no such box"]
    server.once["RSET"].append("502 what is that")
    jobs.drain()
    assert [mail(message_id) for message_id in ids] == [("sent", 1), ("dead", 1), ("sent", 1)]
    assert (server.connects, len(server.mails)) == (2, 2)


@pytest.mark.parametrize(("command", "copies"), [("RCPT", 1), ("DATA", 2)])
def test_a_mail_whose_connection_ends_in_between_is_tried_again(
    company: Company, jobs: JobsProbe, services: Services, server: MailServer, command: str, copies: int
) -> None:
    first, second = make_message(company), make_message(company)
    server.once[command].append(DROP)
    jobs.drain()
    assert (mail(first), mail(second)) == (("retrying", 1), ("sent", 1))
    assert "closed" in last_error(first)
    later(services, jobs)
    assert mail(first) == ("sent", 2)
    assert [message_id for _, message_id in server.mails].count(f"<{first}@crewline.test>") == copies


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
def test_after_a_login_that_has_expired_there_is_another_one(
    company: Company, jobs: JobsProbe, services: Services, server: MailServer, command: str
) -> None:
    message_id = make_message(company)
    server.once[command].append("530 authentication required")
    jobs.drain()
    assert mail(message_id) == ("retrying", 0)
    later(services, jobs)
    assert mail(message_id) == ("sent", 1)
    assert server.connects == 2


def test_a_server_that_is_not_there_costs_no_try(
    company: Company, jobs: JobsProbe, services: Services, server: MailServer
) -> None:
    message_id = make_message(company)
    server.close()
    jobs.drain()
    assert mail(message_id) == ("retrying", 0)
    assert "Connection refused" in last_error(message_id)


@pytest.mark.parametrize("command", ["greeting", "MAIL", "RCPT", "DATA"])
def test_no_answer_is_waited_for_for_long(
    company: Company, jobs: JobsProbe, services: Services, server: MailServer, command: str
) -> None:
    services = send_through(services, server.port, smtp_timeout_seconds=STALL_SECONDS / 2)
    message_id = make_message(company)
    server.once[command].append(STALL)
    jobs.drain()
    is_offered = command in {"RCPT", "DATA"}
    assert mail(message_id) == ("retrying", int(is_offered))
    assert "timed out" in last_error(message_id)
    later(services, jobs)
    assert mail(message_id) == ("sent", 1 + is_offered)


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_a_task_that_was_stopped_leaves_no_answer_behind_for_the_next_mail(
    company: Company, jobs: JobsProbe, services: Services, server: MailServer, command: str
) -> None:
    """As Celery stops a task: by an exception, wherever it is."""

    def stop(*_: object) -> None:
        raise SoftTimeLimitExceeded

    first = make_message(company)
    jobs.drain()
    stopped = make_message(company)
    server.once[command].append(STALL)
    usual = signal.signal(signal.SIGUSR1, stop)
    try:
        threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        with pytest.raises(SoftTimeLimitExceeded):
            jobs.drain()
    finally:
        signal.signal(signal.SIGUSR1, usual)
    assert (mail(first), mail(stopped)) == (("sent", 1), ("sending", 1))
    time.sleep(STALL_SECONDS)  # now there is an answer that nobody has read
    others = [make_message(company) for _ in range(3)]
    jobs.drain()
    assert [mail(message_id) for message_id in others] == [("sent", 1)] * 3
    assert server.connects == 2
    later(services, jobs)
    assert mail(stopped) == ("sent", 2)


def test_a_server_that_lets_tasks_run_out_of_time_is_left_alone(
    company: Company, jobs: JobsProbe, services: Services, server: MailServer
) -> None:
    services = send_through(services, server.port, email_circuit_failure_threshold=2)
    ids = [make_message(company) for _ in range(3)]
    server.always["DATA"] = STALL

    def stop(*_: object) -> None:
        raise SoftTimeLimitExceeded

    usual = signal.signal(signal.SIGUSR1, stop)
    try:
        for _ in range(2):
            threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            with pytest.raises(SoftTimeLimitExceeded):
                jobs.run("messages.send", {"org_id": str(company.org_id)})
    finally:
        signal.signal(signal.SIGUSR1, usual)
    jobs.drain()
    assert [mail(message_id)[0] for message_id in ids] == ["sending", "sending", "queued"]
