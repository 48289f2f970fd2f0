"""The mailers that the contract is held against. A new one is an entry of `MAILERS`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
import requests

from shared.core.errors import Refusal
from shared.core.settings import Settings
from shared.integrations.mail import Attachment, Mail, Mailer
from shared.integrations.mail.resting import RestingMailer
from shared.integrations.mail.sendgrid_mailer import SendGridMailer
from shared.integrations.mail.smtp_mailer import SmtpMailer
from tests.sandbox_sendgrid import SandboxSendGrid, sendgrid_settings

_numbers = count(1)


@dataclass(frozen=True)
class MailerKind:
    """How to build a mailer, what its settings are called, and how its server is made to misbehave.

    `faults` has the sandbox's word for each thing that every server can do wrong.
    """

    build: Callable[[Settings], Mailer]
    timeout: str
    elsewhere: Mapping[str, Any]
    fault_path: str
    faults: Mapping[str, str]


MAILERS = {
    "smtp": MailerKind(
        build=SmtpMailer,
        timeout="smtp_timeout_seconds",
        elsewhere={"smtp_port": 1},
        fault_path="/api/smtp/fault",
        faults={"never": "reject_5xx", "later": "reject_4xx", "slow": "stall", "in doubt": "drop_after_data"},
    ),
    "sendgrid": MailerKind(
        build=SendGridMailer,
        timeout="sendgrid_timeout_seconds",
        elsewhere={"sendgrid_api_base": "http://127.0.0.1:1"},
        fault_path="/api/sendgrid/fault",
        faults={"never": "refused", "later": "down", "slow": "slow", "in doubt": "drop_after_accept"},
    ),
}


class MailSubject:
    """One mailer under test, and the sandbox at the other end."""

    def __init__(self, kind: MailerKind, settings: Settings, ports: dict[str, int]) -> None:
        self._kind = kind
        sendgrid = sendgrid_settings(SandboxSendGrid(ports["http_port"]))
        self._settings = settings.model_copy(update=sendgrid | {kind.timeout: 5.0})
        self._url = f"http://127.0.0.1:{ports['http_port']}"
        self._session = requests.Session()
        self._session.trust_env = False

    def mailer(self, *, timeout: float = 5.0, away: bool = False) -> Mailer:
        """A new one; `away` has nothing at the other end."""
        return self._kind.build(self._changed(timeout, away))

    def resting(self, *, failures: int, recovery_seconds: float, away: bool = False) -> RestingMailer:
        """The same, as it is wired."""
        circuit = {
            "email_circuit_failure_threshold": failures,
            "email_circuit_recovery_seconds": recovery_seconds,
        }
        settings = self._changed(5.0, away).model_copy(update=circuit)
        return RestingMailer(self._kind.build(settings), settings)

    def fault(self, name: str, **more: Any) -> None:
        """Make mails go wrong from now on; `ok` ends it."""
        mode = self._kind.faults.get(name, name)
        answer = self._session.put(self._url + self._kind.fault_path, json={"mode": mode} | more, timeout=10)
        assert answer.status_code == 200, answer.text

    def arrived(self, mail: Mail) -> list[dict[str, Any]]:
        """What is in the mailbox with the Message-ID of `mail`."""
        answer = self._session.get(f"{self._url}/api/mail", params={"message_id": mail.message_id}, timeout=10)
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    def attachment(self, arrived: dict[str, Any], number: int) -> str:
        """The text of an attachment, counted from 1."""
        path = f"/mail/{arrived['id']}/attachments/{number}"
        return self._session.get(self._url + path, timeout=10).content.decode()

    def _changed(self, timeout: float, away: bool) -> Settings:
        return self._settings.model_copy(update={self._kind.timeout: timeout} | (self._kind.elsewhere if away else {}))


def make_mail(**changes: Any) -> Mail:
    """A mail with everything that one can have."""
    given: dict[str, Any] = {
        "message_id": f"<contract-{next(_numbers)}@crewline.test>",
        "to": "anna@client.test",
        "from_address": "no-reply@crewline.test",
        "from_name": "Glänzend & Söhne, GmbH",
        "subject": "Bestätigt: Frühjahrsputz, 24. November 🧹",
        "text": "Grüße, 你好 👋\n",
        "html": "<p>Grüße, 你好 👋</p>\n",
        "reply_to": "office@bright.test",
        "headers": (
            ("X-Request-Id", "contract"),
            ("List-Unsubscribe", "<https://api.crewline.test/v1/unsubscribe/token>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ),
        "attachments": (
            Attachment("visit.ics", "text/calendar; method=PUBLISH; charset=utf-8", "BEGIN:VCALENDAR\r\nX:ü\r\n"),
        ),
        "reference": (("org_id", "0199a000-0000-7000-8000-000000000001"), ("message_id", "0199a000")),
    }
    return Mail(**(given | changes))


def refused_mail(mailer: Mailer) -> Refusal:
    """What `mailer` says to a good mail."""
    with pytest.raises(Refusal) as refused:
        mailer.send(make_mail())
    return refused.value
