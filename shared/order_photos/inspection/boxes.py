"""The boxes that HEIF and films are made of (ISO/IEC 14496-12, 4.2)."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from shared.order_photos.inspection.content import Content, Parts, number
from shared.order_photos.rules import NOT_AN_IMAGE, POLYGLOT, TRUNCATED, refused

_KIND = re.compile(rb"[A-Za-z0-9]{4}")


class Box(NamedTuple):
    """`start` and `end` are those of what is in it."""

    kind: bytes
    start: int
    end: int


def boxes(content: Content, at: int, end: int, parts: Parts) -> Iterator[Box]:
    """The boxes from `at` on, which must reach exactly `end`. Raises `Invalid`."""
    while at < end:
        parts.count()
        size, kind, start = number(content, at, 4), content[at + 4 : at + 8], at + 8
        if size == 1:  # the real size follows
            size, start = number(content, start, 8), start + 8
        if start <= end and not _KIND.fullmatch(kind):
            raise refused(POLYGLOT, "The file contains something that is no part of an image.")
        following = end if size == 0 and kind == b"mdat" else at + size  # zero is "up to the end"
        if max(start, following) > end:
            raise refused(TRUNCATED, "The file ends in the middle of the image.")
        if following < start:
            raise refused(NOT_AN_IMAGE, "The image is damaged.")
        yield Box(kind, start, following)
        at = following
