"""From the bytes of a mail to what a person wants to see. Mail content is hostile: nothing here may raise."""

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import MIMEPart


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is neither the text nor the HTML body; ``content`` is decoded."""

    filename: str
    content_type: str
    content: bytes

    @property
    def size(self) -> int:
        """In bytes after decoding."""
        return len(self.content)


@dataclass(frozen=True, slots=True)
class Content:
    """A parsed mail. Headers keep their order and repetitions; a missing ``text`` or ``html`` is empty."""

    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    attachments: tuple[Attachment, ...]

    def header(self, name: str) -> str:
        """The first header called ``name`` (any case), or an empty string."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


def parse(raw: bytes) -> Content:
    """The content of one mail (RFC 5322, MIME). A mail that cannot be parsed is all text."""
    try:
        return _parse(raw)
    except Exception:  # noqa: BLE001
        # The standard parser crashes in several ways on nonsense (deep nesting, odd headers). A catcher that
        # refused such a mail would hide it from the person who has to find out who sent it.
        return Content(headers=(), text=scrubbed(raw.decode("utf-8", "replace")), html="", attachments=())


def _parse(raw: bytes) -> Content:
    message = message_from_bytes(raw, policy=policy.default)
    text = message.get_body(("plain",))
    html = message.get_body(("html",))
    bodies = {id(part) for part in (text, html) if part is not None}
    rest = [part for part in message.walk() if not part.is_multipart() and id(part) not in bodies]
    return Content(
        headers=tuple((scrubbed(name), _decoded(str(value))) for name, value in message.raw_items()),
        text=_text(text),
        html=_text(html),
        attachments=tuple(_attachment(part) for part in rest),
    )


def _decoded(value: str) -> str:
    unfolded = scrubbed(re.sub(r"\r?\n(?=[ \t])", "", value))
    try:
        return scrubbed(str(make_header(decode_header(unfolded))))
    except (HeaderParseError, LookupError, ValueError):
        return unfolded


def _text(part: MIMEPart | None) -> str:
    if part is None:
        return ""
    payload = _payload(part).replace(b"\r\n", b"\n")
    try:
        return scrubbed(payload.decode(part.get_content_charset("utf-8"), "replace"))
    except LookupError:
        return scrubbed(payload.decode("utf-8", "replace"))


def _attachment(part: MIMEPart) -> Attachment:
    name = scrubbed(part.get_filename("") or "")
    return Attachment(filename=name, content_type=scrubbed(part.get_content_type()), content=_payload(part))


def _payload(part: MIMEPart) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def scrubbed(text: str) -> str:
    """Without lone surrogates: Python's disguise for raw bytes in a header, which no answer can carry."""
    try:
        # Mostly they are UTF-8 written without any encoding, which RFC 6532 allows.
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
