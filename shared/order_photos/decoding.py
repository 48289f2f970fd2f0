"""The only place where a decoder meets strangers' bytes. For the worker only."""

import io
import struct
import warnings
import zlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from pi_heif import register_heif_opener
from PIL import ExifTags, Image, JpegImagePlugin

from shared.order_photos.capture_time import capture_time
from shared.order_photos.colours import plain
from shared.order_photos.rules import MAX_PIXELS, TOO_MANY_PIXELS, UNDECODABLE, check_size, refused

MOST_EXIF_BYTES = 1024 * 1024
"""A camera's has some ten thousand. Pillow makes an object of each value: ten megabytes took ten seconds."""

_HEIC = "image/heic"
_DECODERS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", _HEIC: "HEIF"}

register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)

_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What Pillow, libheif and the parsers of metadata raise for damaged input, whether they document it or not."""

_Transpose = Image.Transpose
_UPRIGHT = {
    2: _Transpose.FLIP_LEFT_RIGHT,
    3: _Transpose.ROTATE_180,
    4: _Transpose.FLIP_TOP_BOTTOM,
    5: _Transpose.TRANSPOSE,
    6: _Transpose.ROTATE_270,
    7: _Transpose.TRANSVERSE,
    8: _Transpose.ROTATE_90,
}
"""By the orientation that Exif gives (Exif 3.0, 4.6.5.1.6)."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """An upright image in sRGB of mode 1, L, LA, RGB or RGBA, with nothing attached. `subsampling` of the colours is
    as Pillow writes it: 0 is 4:4:4, 2 is 4:2:0."""

    image: Image.Image
    taken_at: datetime | None
    subsampling: int


def decode(source: BinaryIO, mime: str) -> Decoded:
    """Decode a photo with the one decoder of its type. Raises `Invalid` for what cannot be decoded."""
    source.seek(0)
    content = io.BytesIO(source.read())  # A fault of the disk is none of the photo's.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # broken metadata is common, and goes anyway
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _decode(content, mime)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise refused(TOO_MANY_PIXELS, f"At most {MAX_PIXELS:,} pixels.") from None
    except _FAULTS as fault:
        raise refused(UNDECODABLE, "This image is damaged, or of a kind that cannot be decoded.") from fault


def _decode(content: BinaryIO, mime: str) -> Decoded:
    with Image.open(content, formats=[_DECODERS[mime]]) as image:
        check_size(*image.size)
        sampling = JpegImagePlugin.get_sampling(image) if isinstance(image, JpegImagePlugin.JpegImageFile) else -1
        image.load()
        check_size(*image.size)  # libheif may find another size than the one that was declared
        orientation, taken_at = _exif(image)
        upright = _upright(plain(image), 1 if mime == _HEIC else orientation)  # libheif has turned it already
    upright.info = {}
    return Decoded(upright, taken_at, 2 if sampling < 0 else sampling)


def _exif(image: Image.Image) -> tuple[int, datetime | None]:
    """The orientation and the capture time. A photo may be in order though its metadata is not."""
    orientation, taken_at = 1, None
    if len(image.info.get("exif") or b"") > MOST_EXIF_BYTES:
        return orientation, taken_at
    with suppress(*_FAULTS):
        exif = image.getexif()
        orientation = exif.get(ExifTags.Base.Orientation, 1)
        taken_at = capture_time(exif.get_ifd(ExifTags.IFD.Exif))
    return orientation, taken_at


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    """Always another image, so that the decoder and its buffers go: hundreds of megabytes for a large WebP."""
    method = _UPRIGHT.get(orientation)
    return image.copy() if method is None else image.transpose(method)
