"""What SendGrid finds wrong with the JSON of a mail, as its list of errors words it."""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message."
MAX_RECIPIENTS = 1_000
MAX_CUSTOM_ARGS_BYTES = 10_000
RESERVED_HEADERS = frozenset(
    {
        "x-sg-id",
        "x-sg-eid",
        "received",
        "dkim-signature",
        "content-type",
        "content-transfer-encoding",
        "to",
        "from",
        "subject",
        "reply-to",
        "cc",
        "bcc",
    }
)
KNOWN = frozenset(
    "personalizations from reply_to reply_to_list subject content attachments template_id headers categories"
    " custom_args send_at batch_id asm ip_pool_name mail_settings tracking_settings".split()
)
"""SendGrid says nothing about others; here a misspelt field is refused, because what it asks for would not happen."""
_ADDRESS = re.compile(r"[!-?A-Z^-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_HEADER_NAME = re.compile(r"[!-9;-~]+")
_NO_FROM = (
    "The from object must be provided for every email send. It is an object that requires the email parameter, but may"
    ' also contain a name parameter.  e.g. {"email" : "example@example.com"}  or {"email" : "example@example.com",'
    ' "name" : "Example Recipient"}.'
)
_NO_CONTENT = (
    "Unless a valid template_id is provided, the content parameter is required. There must be at least one defined"
    " content block. We typically suggest both text/plain and text/html blocks are included, but only one block is"
    " required."
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of ``errors``: what is wrong, in which field, and the part of SendGrid's page about it."""

    message: str
    field: str | None = None
    topic: str | None = None

    def told(self) -> dict[str, str | None]:
        """As it stands in the answer."""
        return {"message": self.message, "field": self.field, "help": self.topic and HELP + self.topic}


def faults_of(mail: Any) -> list[Fault]:
    """Everything that is wrong with ``mail``, which is any JSON; nothing when it can be sent."""
    if not isinstance(mail, dict):
        return [Fault("Bad Request")]
    return [
        *(Fault(f"The field {name!r} is not known", name) for name in sorted(set(mail) - KNOWN)),
        *_of_addresses(mail),
        *_of_personalizations(mail.get("personalizations"), has_subject=_is_text(mail.get("subject"))),
        *_of_content(mail.get("content")),
        *_of_attachments(mail.get("attachments", [])),
        *_of_headers(mail.get("headers", {}), "headers"),
        *_of_custom_args(mail.get("custom_args", {}), "custom_args"),
    ]


def _of_addresses(mail: dict[str, Any]) -> Iterator[Fault]:
    sender = mail.get("from")
    if not isinstance(sender, dict) or "email" not in sender:
        yield Fault(_NO_FROM, "from.email", "from")
    elif not _is_address(sender):
        yield Fault("The from email does not contain a valid address.", "from.email", "from")
    if "reply_to" in mail and not _is_address(mail["reply_to"]):
        yield Fault("The reply_to email does not contain a valid address.", "reply_to.email", "reply_to")


def _of_personalizations(given: Any, *, has_subject: bool) -> Iterator[Fault]:
    if not isinstance(given, list) or not given:
        wrong = "The personalizations field is required and must have at least one personalization."
        yield Fault(wrong, "personalizations", "personalizations")
        return
    for number, each in enumerate(given):
        where = f"personalizations.{number}"
        if not isinstance(each, dict):
            yield Fault("Bad Request", where)
            continue
        yield from _of_recipients(each, where)
        if not has_subject and not _is_text(each.get("subject")):
            wrong = (
                "The subject is required. You can get around this requirement if you use a template with a subject"
                " defined or if every personalization has a subject defined."
            )
            yield Fault(wrong, "subject", "subject")
        yield from _of_headers(each.get("headers", {}), f"{where}.headers")
        yield from _of_custom_args(each.get("custom_args", {}), f"{where}.custom_args")


def _of_recipients(each: dict[str, Any], where: str) -> Iterator[Fault]:
    if not isinstance(each.get("to"), list) or not each["to"]:
        wrong = (
            "The to array is required for all personalization objects, and must have at least one email object with a"
            " valid email address."
        )
        yield Fault(wrong, f"{where}.to", "personalizations.to")
    count = 0
    for kind in ("to", "cc", "bcc"):
        given = each.get(kind)
        for place, address in enumerate(given if isinstance(given, list) else []):
            count += 1
            if not _is_address(address):
                wrong = "Does not contain a valid address."
                yield Fault(wrong, f"{where}.{kind}.{place}.email", f"personalizations.{kind}")
    if count > MAX_RECIPIENTS:
        yield Fault(f"The personalization has more than {MAX_RECIPIENTS} recipients.", where, "personalizations")


def _of_content(given: Any) -> Iterator[Fault]:
    if not isinstance(given, list) or not given:
        yield Fault(_NO_CONTENT, "content", "content")
        return
    kinds = [each.get("type") if isinstance(each, dict) else None for each in given]
    for number, (each, kind) in enumerate(zip(given, kinds, strict=True)):
        if not isinstance(kind, str) or not kind:
            yield Fault("The content type is required.", f"content.{number}.type", "content.type")
        elif not _is_bare(kind):
            wrong = "The content type cannot contain ';', or CRLF characters."
            yield Fault(wrong, f"content.{number}.type", "content.type")
        if not isinstance(each, dict) or not _is_text(each.get("value")):
            wrong = "The content value must be a string at least one character in length."
            yield Fault(wrong, f"content.{number}.value", "content.value")
    ranks = [{"text/plain": 0, "text/html": 1}.get(str(kind), 2) for kind in kinds]
    if ranks != sorted(ranks):
        wrong = "If present, text/plain must be first, followed by text/html, followed by any other content."
        yield Fault(wrong, "content", "content")
    if ranks.count(0) > 1 or ranks.count(1) > 1:
        yield Fault("If present, text/plain and text/html may only be provided once.", "content", "content")


def _of_attachments(given: Any) -> Iterator[Fault]:
    if not isinstance(given, list):
        yield Fault("The attachments must be an array.", "attachments", "attachments")
        return
    for number, file in enumerate(given):
        where = f"attachments.{number}"
        if not isinstance(file, dict):
            yield Fault("Bad Request", where)
            continue
        if not _is_base64(file.get("content")):
            wrong = "The attachment content must be base64 encoded."
            yield Fault(wrong, f"{where}.content", "attachments.content")
        if not _is_text(file.get("filename")):
            yield Fault("The attachment filename is required.", f"{where}.filename", "attachments.filename")
        elif not _is_bare(file["filename"]):
            wrong = "The attachment filename cannot contain ';', or CRLF characters."
            yield Fault(wrong, f"{where}.filename", "attachments.filename")
        if "type" in file and not (_is_text(file["type"]) and _is_bare(file["type"])):
            wrong = "The attachment type cannot contain ';', or CRLF characters."
            yield Fault(wrong, f"{where}.type", "attachments.type")
        if file.get("disposition", "attachment") not in ("attachment", "inline"):
            wrong = "The attachment disposition must be 'attachment' or 'inline'."
            yield Fault(wrong, f"{where}.disposition", "attachments.disposition")


def _of_headers(given: Any, where: str) -> Iterator[Fault]:
    if not isinstance(given, dict):
        yield Fault("The headers must be an object.", where, "headers")
        return
    for name, value in given.items():
        if name.lower() in RESERVED_HEADERS:
            yield Fault(f"The header {name} is reserved.", f"{where}.{name}", "headers")
        elif not _HEADER_NAME.fullmatch(name):
            yield Fault("The header name is not valid.", where, "headers")
        if not isinstance(value, str) or "\r" in value or "\n" in value:
            yield Fault("The header value must be a string without CRLF characters.", f"{where}.{name}", "headers")


def _of_custom_args(given: Any, where: str) -> Iterator[Fault]:
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        yield Fault("The custom_args values must be strings.", where, "custom_args")
    elif sum(len(name.encode()) + len(value.encode()) for name, value in given.items()) >= MAX_CUSTOM_ARGS_BYTES:
        yield Fault("The custom_args must be less than 10000 bytes.", where, "custom_args")


def _is_address(given: Any) -> bool:
    if not isinstance(given, dict) or not isinstance(given.get("name", ""), str):
        return False
    email = given.get("email")
    return isinstance(email, str) and len(email) <= 320 and _ADDRESS.fullmatch(email) is not None


def _is_text(given: Any) -> bool:
    return isinstance(given, str) and given != ""


def _is_bare(text: str) -> bool:
    return not any(character in text for character in ";\r\n")


def _is_base64(given: Any) -> bool:
    if not _is_text(given):
        return False
    try:
        base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
