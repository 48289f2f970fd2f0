"""Traces of other formats in an image: what makes one file two.

They are looked for where the other format's readers look, whatever part of the image that is: a comment, a text, an
application segment, or the pixels.
"""

import re

from shared.order_photos.inspection.content import Content, number
from shared.order_photos.rules import POLYGLOT, refused

_HEAD_BYTES = 2048
"""Browsers judge by the first 1,445 bytes (WHATWG MIME Sniffing, 5.2), PDF readers by the first 1,024."""
_IN_THE_HEAD = re.compile(
    rb"%PDF-|<(?:!doctype|html|head|body|svg|iframe|title|style|object|embed|img|link|meta)[\s>/]", re.IGNORECASE
)
# PHP runs whatever it finds, and some software sniffs scripts, anywhere in a file. Long enough for chance: four
# megabytes of noise contain one of these once in a million. Spelled out, because ignoring case is ten times slower.
_ANYWHERE = re.compile(rb"<(?:\?[pP][hH][pP]\s|[sS][cC][rR][iI][pP][tT][\s>/])")

# PKWARE APPNOTE 4.3.16: the end of an archive's directory, with a comment of up to 65,535 bytes behind it.
_END_OF_ZIP, _END_OF_ZIP_BYTES, _LONGEST_COMMENT = b"PK\x05\x06", 22, 0xFFFF
_SEE_ZIP64 = 0xFFFFFFFF


def refuse(content: Content) -> None:
    """Raise `Invalid` if the file is also something else than an image."""
    if _IN_THE_HEAD.search(content[:_HEAD_BYTES]) or _ANYWHERE.search(content):
        raise refused(POLYGLOT, "The file contains a document or a script.")
    if _ends_a_zip(content):
        raise refused(POLYGLOT, "The file is an archive as well.")


def _ends_a_zip(content: Content) -> bool:
    """Whether an unzipper would find a directory. Most do not mind more bytes behind it, so neither is its comment
    asked to reach the end; instead the directory that it names must fit before it, which no noise does."""
    at = max(len(content) - _END_OF_ZIP_BYTES - _LONGEST_COMMENT, 0)
    while (at := content.find(_END_OF_ZIP, at)) >= 0 and at + _END_OF_ZIP_BYTES <= len(content):
        size, offset = number(content, at + 12, 4, "little"), number(content, at + 16, 4, "little")
        if size + offset <= at or offset == _SEE_ZIP64:
            return True
        at += len(_END_OF_ZIP)
    return False
