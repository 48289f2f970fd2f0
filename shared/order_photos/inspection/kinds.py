"""Which format a file is, by its first bytes."""

from shared.order_photos.inspection.content import Content, number
from shared.order_photos.rules import ANIMATED, NOT_AN_IMAGE, TYPE_REFUSED, refused

JPEG, PNG, WEBP, HEIC = "image/jpeg", "image/png", "image/webp", "image/heic"

_HEAD_BYTES = 1024
_REFUSED = {
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
    b"\x00\x00\x01\x00": "image/x-icon",
    b"8BPS": "image/vnd.adobe.photoshop",
    b"\xff\x0a": "image/jxl",
    b"\x00\x00\x00\x0cJXL ": "image/jxl",
    b"\x00\x00\x00\x0cjP  ": "image/jp2",
}

# Brands are in ISO/IEC 23008-12, annex B; the major ones are those that libheif's HEVC decoder is asked for.
_STILL_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1"}
_MOVING_BRANDS = {b"msf1", b"hevc", b"hevx", b"hevm", b"hevs"}
_REFUSED_BRANDS = {b"avif": "image/avif", b"avis": "image/avif", b"crx ": "image/x-canon-cr3"}
_MOST_BRANDS = 64


def mime_of(content: Content) -> str:
    """One of the four types that are looked into. Raises `Invalid` for anything else."""
    head = content[:_HEAD_BYTES]
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WEBP
    if head[4:8] == b"ftyp":
        return _mime_of_brands(content)
    for magic, mime in _REFUSED.items():
        if head.startswith(magic):
            raise refused(TYPE_REFUSED, f"{mime} is not accepted.")
    if head.lstrip().startswith(b"<") and b"<svg" in head.lower():
        raise refused(TYPE_REFUSED, "image/svg+xml is not accepted.")
    raise refused(NOT_AN_IMAGE, "This is not an image.")


def _mime_of_brands(content: Content) -> str:
    """The `ftyp` box: its size and type, the major brand, a version, then the brands it is compatible with."""
    end = min(number(content, 0, 4), 16 + 4 * _MOST_BRANDS)
    major = content[8:12]
    brands = {major} | {content[at : at + 4] for at in range(16, end, 4)}
    for brand, mime in _REFUSED_BRANDS.items():
        if brand in brands:
            raise refused(TYPE_REFUSED, f"{mime} is not accepted.")
    if brands & _MOVING_BRANDS:
        raise refused(ANIMATED, "A sequence of images is not accepted.")
    if major not in _STILL_BRANDS:
        raise refused(NOT_AN_IMAGE, "This is not an image.")
    return HEIC
