"""From a `Mail` to the bytes that go over the wire (RFC 5322, MIME).

All mails have one shape, which is written down here. The standard library parses what it writes, its older half less
than its newer one; either takes longer than all the rest of sending a mail.
"""

import re
from base64 import encodebytes
from email.header import Header
from email.utils import formataddr, formatdate
from functools import lru_cache
from secrets import token_hex

from shared.core.errors import Invalid
from shared.core.mail_addresses import spelled
from shared.integrations.mail import MAIL_REFUSED, Attachment, Mail

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LINE_END = re.compile(r"\r\n|\r|\n")
_LONGEST_LINE = 900
"""Characters. RFC 5321, 4.5.3.1.6 allows 998 octets, and some servers add to lines."""


def encoded(mail: Mail) -> bytes:
    """`mail` on the wire: ASCII, which every server takes and none has to encode anew, which would break a signature
    (DKIM). Raises `Invalid` for an address that is none, or several, and for a header that would become two."""
    headers = {
        "Message-ID": one_line(mail.message_id),
        "Date": formatdate(),
        "From": _person(one_line(mail.from_name), one_line(mail.from_address)),
        "To": ascii_address(mail.to),
        "Subject": _words(one_line(mail.subject)),
        **{name: _words(one_line(value)) for name, value in mail.headers},
        "MIME-Version": "1.0",
    }
    if mail.reply_to:
        headers["Reply-To"] = ascii_address(mail.reply_to)
    content = _together("alternative", _part("text/plain", mail.text), _part("text/html", mail.html))
    if mail.attachments:
        content = _together("mixed", content, *map(_file, mail.attachments))
    return _lines(*(f"{name}: {value}" for name, value in headers.items())) + content


@lru_cache(maxsize=1024)
def ascii_address(text: str) -> str:
    """`text` as it goes over the wire: one address, its domain in ASCII (IDNA). Raises `Invalid`."""
    try:
        return spelled(text)
    except ValueError as error:
        raise Invalid(MAIL_REFUSED, f"The address of the mail {error}.") from error


def one_line(text: str) -> str:
    """`text`, which is to stand in a header. Raises `Invalid` for what would become two."""
    if _CONTROL.search(text):
        raise Invalid(MAIL_REFUSED, "A header of the mail would be more than one line.")
    return text


def _person(name: str, address: str) -> str:
    return formataddr((name, address)) if _is_plain(name) else f"{_words(name)} <{address}>"


def _words(text: str) -> str:
    """`text` in a header: as it is, or as encoded words (RFC 2047) that are folded where they must be."""
    return text if _is_plain(text) else Header(text, "utf-8", maxlinelen=70).encode(linesep="\r\n")


def _is_plain(text: str) -> bool:
    """Whether it says the same when it is read as a header: not what looks like an encoded word, in which line breaks
    and marks of direction could come along."""
    return text.isascii() and "=?" not in text


def _together(subtype: str, *parts: bytes) -> bytes:
    """Parts between boundaries that nobody can guess (RFC 2046, 5.1)."""
    boundary = f"=_{token_hex(16)}"
    head = _lines(f'Content-Type: multipart/{subtype}; boundary="{boundary}"', "")
    line = f"--{boundary}".encode()
    return head + b"".join(b"%b\r\n%b\r\n" % (line, part) for part in parts) + line + b"--\r\n"


def _file(file: Attachment) -> bytes:
    kind, *parameters = (part.strip() for part in file.mime.split(";"))
    kept = [kind, *(parameter for parameter in parameters if not parameter.startswith("charset="))]
    return _part("; ".join(kept), file.content, f'Content-Disposition: attachment; filename="{file.filename}"')


def _part(mime: str, text: str, *more: str) -> bytes:
    """As it is where every server passes it on so, otherwise in base64 (RFC 2045, 6)."""
    wired = _LINE_END.sub("\r\n", text)
    if text.isascii() and all(len(line) < _LONGEST_LINE for line in wired.split("\r\n")):
        head = _lines(f"Content-Type: {mime}; charset=us-ascii", "Content-Transfer-Encoding: 7bit", *more, "")
        return head + wired.encode()
    head = _lines(f"Content-Type: {mime}; charset=utf-8", "Content-Transfer-Encoding: base64", *more, "")
    return head + encodebytes(wired.encode()).replace(b"\n", b"\r\n")


def _lines(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()
