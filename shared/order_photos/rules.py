"""What a photo may be: its limits, and the codes of what is refused."""

from typing import NamedTuple

from shared.core.errors import Invalid, code, invalid_field

NOT_AN_IMAGE = code("order_photos.not_an_image", "The file is not an image that can be read")
TYPE_REFUSED = code("order_photos.type_refused", "Images of this type are not accepted")
TOO_LARGE = code("order_photos.too_large", "The photo is too large")
TOO_MANY_PIXELS = code("order_photos.too_many_pixels", "The image has too many pixels")
ANIMATED = code("order_photos.animated", "Moving images are not accepted")
POLYGLOT = code("order_photos.polyglot", "The file is an image and something else besides")
TRUNCATED = code("order_photos.truncated", "The file ends before the image does")
UNDECODABLE = code("order_photos.undecodable", "The image cannot be decoded")

MAX_PIXELS = 50_000_000
MAX_SIDE = 65_500
"""The longest side that libjpeg reads or writes (JPEG_MAX_DIMENSION in its jmorecfg.h)."""
THUMBNAIL_PX = 480
"""The longest side of a thumbnail."""


class Size(NamedTuple):
    """In pixels, before any rotation."""

    width: int
    height: int

    @property
    def area(self) -> int:
        return self.width * self.height


def refused(code: str, detail: str) -> Invalid:
    """The refusal of an uploaded file."""
    return invalid_field("/file", code, detail)


def check_size(width: int, height: int) -> Size:
    """The size as it was declared, if there may be a photo of it."""
    size = Size(width, height)
    if size.area == 0:
        raise refused(NOT_AN_IMAGE, "The image has no pixels.")
    if size.area > MAX_PIXELS or max(size) > MAX_SIDE:
        raise refused(TOO_MANY_PIXELS, f"At most {MAX_PIXELS:,} pixels, and {MAX_SIDE:,} on a side.")
    return size
