"""From a `Mail` to the bytes that go over the wire (RFC 5322, MIME).

By the older half of the standard library: its newer one parses every header that it writes, which takes as long as all
the rest of sending a mail. So what must not happen is looked for here.
"""

import re
from email.header import Header
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import Compat32
from email.utils import formataddr, formatdate
from functools import lru_cache
from secrets import token_hex

from shared.core.errors import Invalid
from shared.core.mail_addresses import spelled
from shared.integrations.mail import MAIL_REFUSED, Attachment, Mail


class _AsWritten(Compat32):
    """Writes headers as they are: ours are folded where they must be."""

    def fold_binary(self, name: str, value: str) -> bytes:
        """One header with its line end."""
        return f"{name}: {value}\n".replace("\n", self.linesep).encode("ascii")


_WIRE = _AsWritten(linesep="\r\n")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
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
        **{name: one_line(value) for name, value in mail.headers},
    }
    if mail.reply_to:
        headers["Reply-To"] = ascii_address(mail.reply_to)
    content = _together("alternative", _text(mail.text, "plain"), _text(mail.html, "html"))
    if mail.attachments:
        content = _together("mixed", content, *map(_file, mail.attachments))
    for name, value in headers.items():
        content[name] = value
    return content.as_bytes(policy=_WIRE)


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
    return text if _is_plain(text) else Header(text, "utf-8", maxlinelen=70).encode()


def _is_plain(text: str) -> bool:
    """Whether it says the same when it is read as a header: not what looks like an encoded word, in which line breaks
    and marks of direction could come along."""
    return text.isascii() and "=?" not in text


def _together(subtype: str, *parts: MIMEBase) -> MIMEBase:
    """With a boundary that nobody can guess; the library would look through all parts for one that they do not hold."""
    return MIMEMultipart(subtype, boundary=f"=_{token_hex(16)}", _subparts=parts)


def _text(text: str, subtype: str) -> MIMEText:
    plain = text.isascii() and all(len(line) < _LONGEST_LINE for line in text.splitlines())
    if plain:
        return MIMEText(text, subtype, "us-ascii", policy=_WIRE)
    return MIMEText("\r\n".join(text.splitlines()) + "\r\n", subtype, "utf-8", policy=_WIRE)


def _file(file: Attachment) -> MIMEBase:
    kind, *parameters = (part.strip() for part in file.mime.split(";"))
    part = _text(file.content, kind.rpartition("/")[2])
    for name, value in (parameter.split("=", 1) for parameter in parameters if not parameter.startswith("charset=")):
        part.set_param(name, value)
    part.add_header("Content-Disposition", "attachment", filename=file.filename)
    return part
