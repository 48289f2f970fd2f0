"""The settings of mail; part of `shared.core.settings.Settings`."""

import base64
import re
from pathlib import Path
from typing import Annotated, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import BaseModel, Field, SecretStr

from shared.core.setting_types import Count, HttpUrl, Seconds

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")
"""What every mail can be sent from, as it is, on the wire and in its `From`."""
SMTPS_PORT = 465
"""Where servers speak TLS from the first byte (RFC 8314, 7.3)."""


class MailSettings(BaseModel):
    """How mails leave, whose they are, and how often a mail is tried."""

    email_mode: Literal["off", "smtp", "sendgrid"] = Field(
        "off", description="How mails leave. `off` keeps them queued; nothing is lost."
    )
    email_from: str = Field("no-reply@localhost", description="Sender address of every mail.")
    email_from_name: str = Field("Crewline", description="Sender name when an organization has none of its own.")
    email_temp_passwords: bool = Field(
        False, description="Put temporary passwords into the mail. Off: the mail only says that there is one."
    )
    email_max_retries: Count = Field(5, description="Further tries after the first, before a mail is dead.")
    email_retry_backoff_seconds: Seconds = Field(60.0, description="First wait between tries; doubles up to an hour.")
    email_lease_seconds: Seconds = Field(
        120.0, description="A worker that dies while sending loses the mail to another one after this long."
    )
    email_circuit_failure_threshold: Count = Field(
        5, description="Failures of the mail server in a row after which a worker leaves it alone for a while."
    )
    email_circuit_recovery_seconds: Seconds = Field(
        30.0, description="For how long; mails wait, and lose no try. Then one mail asks for all."
    )
    email_scan_interval_seconds: Seconds = Field(300.0, description="How often reminders that are due are looked for.")

    smtp_host: str = Field("", description="Mail server; required with EMAIL_MODE=smtp.")
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = Field(587, description="Its port.")
    smtp_username: str = Field("", description="Login, when the server asks for one.")
    smtp_password: SecretStr = Field(SecretStr(""), description="Its password.")
    smtp_use_tls: bool = Field(True, description="TLS with a checked certificate before anything is sent.")
    smtp_implicit_tls: bool | None = Field(
        None, description="TLS from the first byte, not by STARTTLS. Default: on port 465 only."
    )
    smtp_ca_file: Path | None = Field(
        None, description="Certificates (PEM) to trust in place of the system's, for a server with one of your own."
    )
    smtp_timeout_seconds: Seconds = Field(10.0, description="Longest wait for one answer of the mail server.")

    sendgrid_api_key: SecretStr = Field(SecretStr(""), description="API key; required with EMAIL_MODE=sendgrid.")
    sendgrid_api_base: HttpUrl = Field(
        "https://api.sendgrid.com", description="Where SendGrid is; the sandbox has one of its own."
    )
    sendgrid_timeout_seconds: Seconds = Field(10.0, description="Longest wait for an answer of SendGrid.")
    sendgrid_webhook_public_key: str = Field(
        "",
        description="Verification key of SendGrid's signed event webhook, as its settings page shows it. Empty: "
        "endpoint off (503).",
    )

    @property
    def smtp_is_implicit_tls(self) -> bool:
        """Whether the connection to the mail server begins with TLS."""
        asked = self.smtp_port == SMTPS_PORT if self.smtp_implicit_tls is None else self.smtp_implicit_tls
        return self.smtp_use_tls and asked

    def mail_faults(self) -> list[str]:
        """What the chosen mode lacks, and what contradicts itself."""
        faults = []
        if self.email_mode == "smtp" and not self.smtp_host:
            faults.append("SMTP_HOST is required with EMAIL_MODE=smtp")
        if self.email_mode == "sendgrid" and not self.sendgrid_api_key.get_secret_value():
            faults.append("SENDGRID_API_KEY is required with EMAIL_MODE=sendgrid")
        if not (self.smtp_username + self.smtp_password.get_secret_value()).isascii():
            faults.append("SMTP_USERNAME and SMTP_PASSWORD must be ASCII")
        if re.search(r"[^!-~]", self.sendgrid_api_key.get_secret_value()):
            faults.append("SENDGRID_API_KEY must be ASCII, without blanks and line ends")
        if self.smtp_implicit_tls and not self.smtp_use_tls:
            faults.append("SMTP_IMPLICIT_TLS=true needs SMTP_USE_TLS=true")
        if self.smtp_ca_file is not None and not self.smtp_ca_file.is_file():
            faults.append("SMTP_CA_FILE does not exist")
        if self.sendgrid_webhook_public_key and not _is_public_key(self.sendgrid_webhook_public_key):
            faults.append("SENDGRID_WEBHOOK_PUBLIC_KEY must be the key as SendGrid shows it: base64, on one line")
        if not _ADDRESS.fullmatch(self.email_from):
            faults.append("EMAIL_FROM must be an e-mail address in ASCII, without a name")
        return faults


def _is_public_key(text: str) -> bool:
    """Whether signatures of the event webhook can be checked with it."""
    try:
        return isinstance(load_der_public_key(base64.b64decode(text, validate=True)), EllipticCurvePublicKey)
    except (ValueError, UnsupportedAlgorithm):
        return False
