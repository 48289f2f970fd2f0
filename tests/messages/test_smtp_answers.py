"""What a mail server says, and whether it is about the mail, the recipient or the server itself."""

import pytest
from pydantic import SecretStr

from shared.integrations.mail.smtp_mailer import LONGEST_DETAIL
from shared.wiring import Services
from tests.factories.messages import make_message
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.messages.mail_servers import LOGIN, MailServer, mail_server, only_the_login
from tests.messages.sending_steps import last_error, later, mail, send_through


@pytest.fixture
def services(services: Services, server: MailServer) -> Services:
    """With the test's own mail server."""
    return send_through(services, server.port)


@pytest.mark.parametrize(
    ("command", "answer", "outcome"),
    [
        ("DATA", "250 OK\0 queued as \x1b[2J" + "x" * 3000, ("sent", 1)),
        ("DATA", "451 not\0 now" + "x" * 3000, ("retrying", 1)),
        ("RCPT", "550 no\0 such box \x1b[2J" + "x" * 3000, ("dead", 1)),
        ("greeting", "554 no\0 service \x1b[2J" + "x" * 3000, ("retrying", 0)),
    ],
)
def test_whatever_a_server_says_can_be_written_down(
    company: Company, jobs: JobsProbe, server: MailServer, command: str, answer: str, outcome: tuple[str, int]
) -> None:
    message_id = make_message(company)
    server.once[command].append(answer)
    jobs.drain()
    assert mail(message_id) == outcome


@pytest.mark.parametrize("answer", ["450 mailbox busy", "451 greylisted, come back", "452 mailbox full"])
def test_an_address_that_takes_nothing_for_now_does_not_hold_up_others(
    company: Company, jobs: JobsProbe, services: Services, server: MailServer, answer: str
) -> None:
    many = services.settings.email_circuit_failure_threshold * 2
    ids = [make_message(company) for _ in range(many)]
    last = make_message(company)
    server.once["RCPT"] += [answer] * many
    jobs.drain()
    assert {mail(message_id) for message_id in ids} == {("retrying", 1)}
    assert last_error(ids[0]) == answer
    assert mail(last) == ("sent", 1)
    assert server.connects == 1


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("greeting", "554 no service today"),
        ("greeting", "421 too busy"),
        ("EHLO", "550 who are you"),
        ("MAIL", "421 too busy"),
        ("MAIL", "451 local error"),
        ("MAIL", "530 authentication required"),
        ("MAIL", "550 this sender is not known yet"),
        ("RCPT", "530 authentication required"),
        ("DATA", "535 your login has expired"),
    ],
)
def test_a_server_that_lets_nobody_in_costs_no_try(
    company: Company, jobs: JobsProbe, services: Services, server: MailServer, command: str, answer: str
) -> None:
    services = send_through(services, server.port, email_circuit_failure_threshold=100)
    message_id = make_message(company)
    server.always[command] = server.always["HELO"] = answer
    for _ in range(services.settings.email_max_retries + 3):
        later(services, jobs)
        assert mail(message_id) == ("retrying", 0)
    assert answer in last_error(message_id)
    assert server.mails == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_login_that_is_refused_costs_no_try(company: Company, jobs: JobsProbe, services: Services) -> None:
    message_id = make_message(company)
    with mail_server(authenticator=only_the_login, auth_required=True, auth_require_tls=False) as server:
        login = {"smtp_username": LOGIN, "smtp_password": SecretStr("wrong")}
        send_through(services, server.port, **login)
        jobs.drain()
        assert mail(message_id) == ("retrying", 0)
        assert last_error(message_id) == "535 5.7.8 Authentication credentials invalid"
        assert server.mails == []


@pytest.mark.parametrize("command", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
def test_whatever_a_server_says_is_kept_in_short_and_can_be_kept(
    company: Company, jobs: JobsProbe, server: MailServer, command: str
) -> None:
    message_id = make_message(company)
    server.always[command] = server.always["HELO"] = "\r\n".join(
        [*(f"550-no\x00\x07box {'x' * 400}" for _ in range(20)), "550 end"]
    )
    jobs.drain()
    said = last_error(message_id)
    assert said.startswith("550 no  box xxx")
    assert len(said) == LONGEST_DETAIL


def test_a_mail_that_was_taken_is_sent_whatever_it_is_called(
    company: Company, jobs: JobsProbe, services: Services, server: MailServer
) -> None:
    message_id = make_message(company)
    server.once["DATA"].append("250 OK\x00 4711" + "1" * 5_000)
    jobs.drain()
    later(services, jobs)
    assert mail(message_id) == ("sent", 1)
    assert len(server.mails) == 1
