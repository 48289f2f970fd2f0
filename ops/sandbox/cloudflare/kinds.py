"""Looking into images: what Cloudflare takes, and the thumbnail it makes."""

import io

from PIL import Image, UnidentifiedImageError

MAX_BYTES = 10_000_000
"""Cloudflare says 10 MB. Read strictly, so that nothing passes here that might not pass there."""
MAX_SIDE = 12_000
MAX_PIXELS = 100_000_000
THUMBNAIL_SIDE = 480

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def mime_of(content: bytes) -> str | None:
    """The image's type by its content; None for what Cloudflare does not take. SVG is left out: nobody here sends
    it."""
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        return "image/heic"
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            width, height = image.size
            image.verify()
            # MPO is what many phones write: a JPEG with a second picture behind it.
            mime = "image/jpeg" if image.format == "MPO" else image.get_format_mimetype()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    return mime if max(width, height) <= MAX_SIDE and width * height <= MAX_PIXELS else None


def thumbnail(content: bytes) -> tuple[bytes, str]:
    """The image within 480 px, never larger than it is, and its type. Raises OSError for what Pillow cannot read."""
    with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
        image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        small = io.BytesIO()
        kind = "PNG" if image.mode in {"RGBA", "LA", "P"} else "JPEG"
        image.save(small, kind)
    return small.getvalue(), f"image/{kind.lower()}"
