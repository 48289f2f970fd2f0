"""From the JSON of a mail that SendGrid takes to the bytes that arrive."""

import base64
import json
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime
from typing import Any

CUSTOM_ARGS_HEADER = "X-Sandbox-Custom-Args"
"""Nobody gets to see custom arguments but the customer, in events; the sandbox's pages show them here."""


def built(mail: dict[str, Any], personalization: dict[str, Any], message_id: str) -> bytes:
    """One mail of ``mail``, which has passed the checks. Its Message-ID is made of ``message_id`` unless the caller has
    one."""
    message = EmailMessage(policy=SMTP)
    headers = mail.get("headers", {}) | personalization.get("headers", {})
    if "message-id" not in {name.lower() for name in headers}:
        message["Message-ID"] = f"<{message_id}@sendgrid.sandbox>"
    message["Date"] = localtime()
    message["From"] = _address(mail["from"])
    for name, kind in (("To", "to"), ("Cc", "cc")):
        if personalization.get(kind):
            message[name] = [_address(each) for each in personalization[kind]]
    if "reply_to" in mail:
        message["Reply-To"] = _address(mail["reply_to"])
    message["Subject"] = _one_line(personalization.get("subject") or mail["subject"])
    for name, value in headers.items():
        message[name] = value
    if args := custom_args(mail, personalization):
        message[CUSTOM_ARGS_HEADER] = json.dumps(args)
    _fill(message, mail)
    return bytes(message)


def custom_args(mail: dict[str, Any], personalization: dict[str, Any]) -> dict[str, str]:
    """What events about the mail carry along."""
    args: dict[str, str] = mail.get("custom_args", {}) | personalization.get("custom_args", {})
    return args


def recipients(personalization: dict[str, Any]) -> list[str]:
    """Everybody whom the mail goes to."""
    return [each["email"] for kind in ("to", "cc", "bcc") for each in personalization.get(kind) or []]


def _fill(message: EmailMessage, mail: dict[str, Any]) -> None:
    first, *others = mail["content"]
    message.set_content(first["value"], subtype=first["type"].rpartition("/")[2])
    for part in others:
        message.add_alternative(part["value"], subtype=part["type"].rpartition("/")[2])
    for file in mail.get("attachments", []):
        kind, _, subtype = file.get("type", "application/octet-stream").partition("/")
        message.add_attachment(
            base64.b64decode(file["content"]),
            maintype=kind,
            subtype=subtype or "octet-stream",
            filename=file["filename"],
            disposition=file.get("disposition", "attachment"),
        )


def _address(given: dict[str, Any]) -> Address:
    return Address(display_name=_one_line(given.get("name", "")), addr_spec=given["email"])


def _one_line(text: str) -> str:
    return " ".join(text.split())
