"""Writes a picture anew, so that nothing of the file it came in is left but the pixels."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from typing import BinaryIO, cast

from PIL import Image, ImageOps

from shared.core.errors import Invalid
from shared.order_photos.images import THUMBNAIL_PX, UNDECODABLE


@dataclass(frozen=True, slots=True)
class Encoded:
    """A picture and its thumbnail (JPEG) in temporary files, at their start; sizes in bytes. `taken_at` is naive when
    the camera names no offset."""

    picture: BinaryIO
    mime: str
    size: int
    sha256: str
    width: int
    height: int
    taken_at: datetime | None
    thumbnail: BinaryIO
    thumbnail_size: int


@contextmanager
def encode(source: BinaryIO, mime: str, folder: Path | None) -> Iterator[Encoded]:
    """Decode `source` and write it upright and without metadata, into files in `folder` (None: where temporary files
    are). Raises `Invalid` with `UNDECODABLE`."""
    try:
        with Image.open(source) as opened:
            kind = opened.format
            image = ImageOps.exif_transpose(opened)
    except (OSError, SyntaxError, ValueError) as error:
        raise Invalid(UNDECODABLE, "The image cannot be decoded.") from error
    image.info.clear()
    with tempfile.TemporaryFile(dir=folder) as picture, tempfile.TemporaryFile(dir=folder) as thumbnail:
        image.save(picture, kind)
        small = image.convert("RGB")
        small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
        small.save(thumbnail, "JPEG")
        sizes = picture.tell(), thumbnail.tell()
        picture.seek(0)
        thumbnail.seek(0)
        digest = file_digest(picture, "sha256").hexdigest()
        yield Encoded(
            picture=cast(BinaryIO, picture),
            mime=mime,
            size=sizes[0],
            sha256=digest,
            width=image.width,
            height=image.height,
            taken_at=None,
            thumbnail=cast(BinaryIO, thumbnail),
            thumbnail_size=sizes[1],
        )
