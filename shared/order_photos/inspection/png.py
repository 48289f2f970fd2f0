"""PNG, by the W3C's specification (third edition), chapters 5 and 11."""

import re
import zlib

from shared.order_photos.inspection.content import Content, Parts, number
from shared.order_photos.inspection.trailers import check_trailer
from shared.order_photos.rules import ANIMATED, NOT_AN_IMAGE, TRUNCATED, Size, check_size, refused

MOST_DATA_CHUNKS = 20_000
"""Common encoders write 8 KiB in each."""
MOST_CHUNKS = 1_000
"""Of all other kinds. Decoders may unpack a megabyte of text or colour profile from each."""

_SIGNATURE_BYTES, _HEADER_BYTES = 8, 13
_KIND = re.compile(rb"[A-Za-z]{4}")
_OF_AN_ANIMATION = {b"acTL", b"fcTL", b"fdAT"}


def measure(content: Content) -> Size:
    """The size of the image, which must be whole and undamaged. Raises `Invalid`."""
    data, others = Parts(MOST_DATA_CHUNKS), Parts(MOST_CHUNKS)
    size, has_data, at, kind = None, False, _SIGNATURE_BYTES, b""
    while kind != b"IEND":
        start = at + 8
        kind, at = _check_chunk(content, at)
        (data if kind == b"IDAT" else others).count()
        if kind in _OF_AN_ANIMATION:
            raise refused(ANIMATED, "An animated PNG is not accepted.")
        if (kind == b"IHDR") != (size is None):  # it comes first, and once
            raise refused(NOT_AN_IMAGE, "The image is damaged.")
        if size is None:
            size = check_size(number(content, start, 4), number(content, start + 4, 4))
        has_data |= kind == b"IDAT"
    if size is None or not has_data:
        raise refused(NOT_AN_IMAGE, "The image has no pixels.")
    check_trailer(content, at)
    return size


def _check_chunk(content: Content, at: int) -> tuple[bytes, int]:
    """The kind of the chunk at `at`, and where the next one begins: after a length, a kind, the data and a sum."""
    end = at + 12 + number(content, at, 4)
    kind = content[at + 4 : at + 8]
    if not _KIND.fullmatch(kind):
        raise refused(NOT_AN_IMAGE, "The image is damaged.")
    if end > len(content):
        raise refused(TRUNCATED, "The file ends in the middle of the image.")
    with memoryview(content) as view, view[at + 4 : end - 4] as summed:
        whole = zlib.crc32(summed) == number(content, end - 4, 4)
    if not whole or (kind == b"IHDR" and end != at + 12 + _HEADER_BYTES):
        raise refused(NOT_AN_IMAGE, "The image is damaged.")
    return kind, end
