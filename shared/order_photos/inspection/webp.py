"""WebP, by RFC 9649."""

from shared.order_photos.inspection.content import Content, Parts, number
from shared.order_photos.inspection.trailers import check_trailer
from shared.order_photos.rules import ANIMATED, NOT_AN_IMAGE, TOO_MANY_PIXELS, TRUNCATED, Size, check_size, refused

MOST_CHUNKS = 1_000

MOST_TRANSPARENT_PIXELS = 16_000_000
"""Its encoder takes 40 bytes for each pixel that may be transparent: two gigabytes for the largest picture."""

_IS_ANIMATED, _HAS_ALPHA, _LOSSLESS_HAS_ALPHA = 0x02, 0x10, 1 << 28


def measure(content: Content) -> Size:
    """The size of the image or of its canvas, whichever is larger. Raises `Invalid`."""
    end = 8 + number(content, 4, 4, "little")
    if end > len(content):
        raise refused(TRUNCATED, "The file ends in the middle of the image.")
    parts, at = Parts(MOST_CHUNKS), 12
    sizes: list[Size] = []
    kinds: set[bytes] = set()
    while at < end:
        parts.count()
        kind, start, length = content[at : at + 4], at + 8, number(content, at + 4, 4, "little")
        if start + length > end:
            raise refused(TRUNCATED, "The file ends in the middle of the image.")
        if not kinds and kind not in _SIZES:
            raise refused(NOT_AN_IMAGE, "The image is damaged.")
        if kind in {b"ANIM", b"ANMF"}:
            raise refused(ANIMATED, "An animated WebP is not accepted.")
        if kind in _SIZES:
            sizes.append(_SIZES[kind](content, start))
        kinds.add(kind)
        at = start + length + length % 2
    if not kinds & {b"VP8 ", b"VP8L"}:
        raise refused(NOT_AN_IMAGE, "The image has no pixels.")
    check_trailer(content, end)
    return max(sizes, key=lambda size: size.area)


def _size_of_canvas(content: Content, at: int) -> Size:
    flags = number(content, at, 1)
    if flags & _IS_ANIMATED:
        raise refused(ANIMATED, "An animated WebP is not accepted.")
    size = check_size(number(content, at + 4, 3, "little") + 1, number(content, at + 7, 3, "little") + 1)
    return _check_transparent(size) if flags & _HAS_ALPHA else size


def _size_of_lossy(content: Content, at: int) -> Size:
    """RFC 6386, 9.1: three bytes of tag, a start code, and 14 bits for each side."""
    if content[at + 3 : at + 6] != b"\x9d\x01\x2a":
        raise refused(NOT_AN_IMAGE, "The image is damaged.")
    return check_size(number(content, at + 6, 2, "little") & 0x3FFF, number(content, at + 8, 2, "little") & 0x3FFF)


def _size_of_lossless(content: Content, at: int) -> Size:
    """RFC 9649, 3.4: a signature, and 14 bits for each side less one."""
    if content[at : at + 1] != b"\x2f":
        raise refused(NOT_AN_IMAGE, "The image is damaged.")
    bits = number(content, at + 1, 4, "little")
    size = check_size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    return _check_transparent(size) if bits & _LOSSLESS_HAS_ALPHA else size


def _check_transparent(size: Size) -> Size:
    if size.area > MOST_TRANSPARENT_PIXELS:
        raise refused(TOO_MANY_PIXELS, f"At most {MOST_TRANSPARENT_PIXELS:,} pixels with transparency.")
    return size


_SIZES = {b"VP8X": _size_of_canvas, b"VP8 ": _size_of_lossy, b"VP8L": _size_of_lossless}
