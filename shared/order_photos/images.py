"""What a file really is, judged by its content: the name and the header of an upload are the sender's claims."""

import hashlib
import os
import warnings
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from shared.core.errors import code, invalid_field
from shared.order_photos.structure import is_reasonable

NOT_AN_IMAGE = code("order_photos.not_an_image", "The file is not an image that can be read")
TYPE_REFUSED = code("order_photos.type_refused", "Images of this type are not accepted")
TOO_LARGE = code("order_photos.too_large", "The photo is too large")
TOO_MANY_PIXELS = code("order_photos.too_many_pixels", "The image has too many pixels")

MAX_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
"""The only decoders that strangers' bytes meet."""

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A checked file, at its start, ready to be stored. `size` in bytes."""

    source: BinaryIO
    mime: str
    size: int
    sha256: str

    @property
    def extension(self) -> str:
        return EXTENSIONS[self.mime]


def check_upload(source: BinaryIO, allowed_mimes: tuple[str, ...], max_bytes: int) -> Upload:
    """Read `source` through once, in chunks, and make sure that it is one of the allowed images. Raises `Invalid`."""
    if source.seek(0, os.SEEK_END) > max_bytes:
        raise invalid_field("/file", TOO_LARGE, f"At most {max_bytes:,} bytes.")
    if not is_reasonable(source):
        raise invalid_field("/file", NOT_AN_IMAGE, "This file is built like no photo.")
    source.seek(0)
    mime = _sniff(source)
    if mime not in allowed_mimes or mime not in EXTENSIONS:
        raise invalid_field("/file", TYPE_REFUSED, f"{mime} is not accepted; {', '.join(allowed_mimes)} are.")
    source.seek(0)
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    source.seek(0)
    return Upload(source, mime, size, digest.hexdigest())


def _sniff(source: BinaryIO) -> str:
    """The type by content. `verify` checks the structure without decoding, so a bomb costs nothing here."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(source, formats=FORMATS)
        if image.width * image.height > MAX_PIXELS:
            raise invalid_field("/file", TOO_MANY_PIXELS, f"At most {MAX_PIXELS:,} pixels.")
        # MPO is what many phones write: a JPEG with a second picture behind it.
        mime = "image/jpeg" if image.format == "MPO" else str(image.get_format_mimetype())
        image.verify()
        if mime == "image/jpeg":
            _read_to_the_end(source)
    except Image.DecompressionBombError:
        raise invalid_field("/file", TOO_MANY_PIXELS, f"At most {MAX_PIXELS:,} pixels.") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombWarning):
        raise invalid_field("/file", NOT_AN_IMAGE, "This is not an image, or it is damaged.") from None
    return mime


def _read_to_the_end(source: BinaryIO) -> None:
    """`verify` does not look for the end of a JPEG. Decoding it at an eighth of its size does, in little time."""
    source.seek(0)
    image = Image.open(source, formats=FORMATS)
    image.draft("L", (image.width // 8, image.height // 8))
    image.load()


UNDECODABLE = code("order_photos.undecodable", "The image cannot be decoded")
THUMBNAIL_MIME = "image/jpeg"
THUMBNAIL_PX = 480
