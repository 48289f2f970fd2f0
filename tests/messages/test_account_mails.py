"""Mails about accounts: without the temporary password, unless the installation says so, and then sealed on its way."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from shared.core.permissions import Role
from shared.core.sealing import unseal
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.messages import sending
from shared.messages.model import SEALED_PASSWORD, Message, MessageKind
from shared.wiring import Services
from tests.factories.identity import make_person
from tests.factories.messages import make_message
from tests.factories.organizations import Company, make_company
from tests.jobs_probe import JobsProbe
from tests.messages.conftest import Postbox
from tests.rows import row
from tests.variants import client_on, with_settings
from worker.core import boot

ANOTHER_KEY = SecretStr("another-key-of-the-test-run-" + "n" * 20)

Promise = Callable[..., tuple[str, str]]


def _invite(company: Company, services: Services, **changes: Any) -> tuple[str, str]:
    body = {"email": "dan@staff.test", "name": "Dan Dispatcher", "role": "dispatcher"} | changes
    answer = client_on(services).post("/v1/iam/users", json=body, headers=company.headers())
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()["email"], answer.get_json()["temp_password"]


def _reset(company: Company, services: Services) -> tuple[str, str]:
    person, email = make_person(company.org_id, Role.VIEWER)
    url = f"/v1/iam/users/{person.user_id}/reset-password"
    answer = client_on(services).post(url, headers=company.headers())
    return email, answer.get_json()["temp_password"]


both_kinds = pytest.mark.parametrize(
    ("promise", "kind"), [(_invite, MessageKind.ACCOUNT_CREATED), (_reset, MessageKind.PASSWORD_RESET)]
)


@pytest.fixture
def telling(services: Services) -> Services:
    """An installation that mails temporary passwords."""
    return with_settings(services, email_temp_passwords=True)


def _kept(email: str) -> dict[str, Any]:
    return row("SELECT * FROM messages WHERE recipient = :email", email=email)


def _sweep(services: Services, after: timedelta) -> dict[str, int]:
    with transaction(PLATFORM) as session:
        return sending.sweep(session, services.settings, now=datetime.now(UTC) + after, limit=500)


@both_kinds
def test_by_default_the_mail_only_tells_that_there_is_a_password(
    company: Company, services: Services, jobs: JobsProbe, postbox: Postbox, promise: Promise, kind: MessageKind
) -> None:
    email, password = promise(company, services)
    assert SEALED_PASSWORD not in _kept(email)["variables"]
    jobs.drain()
    assert (_kept(email)["kind"], _kept(email)["state"]) == (kind, "sent")
    (mail,) = postbox.mails(email)
    assert password not in str(mail)
    for part in (mail["text"], mail["html"]):
        assert "Your administrator will tell you" in part
        assert company.slug in part
        assert email in part
        assert "America/Edmonton" in part


@both_kinds
def test_where_the_installation_says_so_the_password_is_in_the_mail_and_sealed_until_then(
    company: Company, telling: Services, jobs: JobsProbe, postbox: Postbox, promise: Promise, kind: MessageKind
) -> None:
    email, password = promise(company, telling)
    sealed = _kept(email)["variables"][SEALED_PASSWORD]
    assert password not in str(_kept(email))
    assert unseal(telling.settings, sealed) == password
    with capture_logs() as logged:
        assert jobs.drain() == ["messages.send"]
    assert password not in str(logged)
    (mail,) = postbox.mails(email)
    assert password not in mail["subject"]
    for part in (mail["text"], mail["html"]):
        assert password in part
        assert sealed not in part
        assert "Your administrator will tell you" not in part
    after = _kept(email)
    assert (after["kind"], after["state"]) == (kind, "sent")
    assert SEALED_PASSWORD not in after["variables"]
    assert after["variables"]["email"] == email


def test_it_stays_sealed_between_two_tries(
    company: Company, telling: Services, jobs: JobsProbe, postbox: Postbox
) -> None:
    email, password = _invite(company, telling)
    postbox.fault("reject_4xx", count=1)
    jobs.drain()
    kept = _kept(email)
    assert (kept["state"], password in str(kept)) == ("retrying", False)
    assert unseal(telling.settings, kept["variables"][SEALED_PASSWORD]) == password
    assert _sweep(telling, timedelta(hours=1))["requeued"] == 1
    jobs.drain()
    assert password in postbox.mails(email)[0]["text"]
    assert SEALED_PASSWORD not in _kept(email)["variables"]


def test_it_is_gone_when_the_mail_is_dead(
    company: Company, telling: Services, jobs: JobsProbe, postbox: Postbox
) -> None:
    email, password = _invite(company, telling)
    postbox.fault("reject_5xx", count=1)
    jobs.drain()
    kept = _kept(email)
    assert (kept["state"], SEALED_PASSWORD in kept["variables"]) == ("dead", False)
    assert kept["variables"]["name"] == "Dan Dispatcher"
    assert password not in str(kept)


def test_it_is_gone_when_the_tries_are_used_up(
    company: Company, telling: Services, jobs: JobsProbe, postbox: Postbox
) -> None:
    email, _ = _invite(company, telling)
    _change(company, email, attempts=telling.settings.email_max_retries)
    postbox.fault("reject_4xx")
    jobs.drain()
    kept = _kept(email)
    assert (kept["state"], SEALED_PASSWORD in kept["variables"]) == ("dead", False)


def test_it_is_gone_when_the_sweep_gives_up(company: Company, telling: Services) -> None:
    email, _ = _invite(company, telling)
    _change(company, email, state="sending", attempts=telling.settings.email_max_retries + 1)
    assert _sweep(telling, timedelta(minutes=10)) == {"requeued": 0, "dead": 1}
    kept = _kept(email)
    assert (kept["state"], SEALED_PASSWORD in kept["variables"]) == ("dead", False)
    assert kept["variables"]["name"] == "Dan Dispatcher"


def test_a_lost_key_makes_one_dead_mail_with_a_reason(
    company: Company, telling: Services, jobs: JobsProbe, postbox: Postbox
) -> None:
    email, password = _invite(company, telling)
    sealed, key = _kept(email)["variables"][SEALED_PASSWORD], telling.settings.auth_secret_key.get_secret_value()
    boot.use(with_settings(telling, auth_secret_key=ANOTHER_KEY))
    assert jobs.drain() == ["messages.send"]
    kept = _kept(email)
    assert kept["state"] == "dead"
    assert kept["last_error"] == "ValueError: sealed with neither AUTH_SECRET_KEY nor AUTH_SECRET_KEY_PREVIOUS"
    for secret in (password, sealed, key, ANOTHER_KEY.get_secret_value()):
        assert secret not in str(kept)
    assert postbox.all() == []
    assert _sweep(telling, timedelta(days=1)) == {"requeued": 0, "dead": 0}


def test_while_keys_are_rotated_the_mail_still_goes_out(
    company: Company, telling: Services, jobs: JobsProbe, postbox: Postbox
) -> None:
    email, password = _invite(company, telling)
    old = telling.settings.auth_secret_key
    boot.use(with_settings(telling, auth_secret_key=ANOTHER_KEY, auth_secret_key_previous=old))
    jobs.drain()
    assert password in postbox.mails(email)[0]["text"]


@pytest.mark.parametrize("kind", [MessageKind.ACCOUNT_CREATED, MessageKind.PASSWORD_RESET])
def test_names_are_escaped_and_end_no_line(
    services: Services, jobs: JobsProbe, postbox: Postbox, kind: MessageKind
) -> None:
    company = make_company(services, name="<b>Bold</b> & Sons\r\nBcc: all@staff.test")
    email = "dan@staff.test"
    make_message(company, to=email, kind=kind, name="<script>alert('x')</script>\nBcc: all@staff.test {{ 7*7 }}")
    jobs.drain()
    (mail,) = postbox.mails(email)
    assert "<script" not in mail["html"]
    assert "<b>" not in mail["html"]
    assert "&lt;script&gt;" in mail["html"]
    assert "{{ 7*7 }}" in mail["text"]
    assert "bcc" not in [name.lower() for name, _ in mail["headers"]]
    assert mail["envelope_to"] == [email]


def test_a_replayed_invitation_mails_once(
    company: Company, telling: Services, jobs: JobsProbe, postbox: Postbox
) -> None:
    client = client_on(telling)
    body = {"email": "dan@staff.test", "name": "Dan", "role": "viewer"}
    headers = company.headers() | {"Idempotency-Key": "once"}
    for _ in range(2):
        assert client.post("/v1/iam/users", json=body, headers=headers).status_code == 201
    jobs.drain()
    assert len(postbox.mails("dan@staff.test")) == 1


def test_each_reset_is_a_mail_of_its_own(
    company: Company, services: Services, jobs: JobsProbe, postbox: Postbox
) -> None:
    person, email = make_person(company.org_id, Role.VIEWER)
    for _ in range(2):
        client_on(services).post(f"/v1/iam/users/{person.user_id}/reset-password", headers=company.headers())
    jobs.drain()
    assert len(postbox.mails(email)) == 2


def _change(company: Company, email: str, **values: Any) -> None:
    with transaction(company.scope) as session:
        kept = session.query(Message).filter_by(org_id=company.org_id, recipient=email).one()
        for name, value in values.items():
            setattr(kept, name, value)
