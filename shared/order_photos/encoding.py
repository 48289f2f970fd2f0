"""Writing a photo anew: what is kept is pixels that we have written ourselves, and the hour at which it was taken.

For the worker only. Pure functions over files: no database, no storage.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from shared.order_photos.decoding import Decoded, decode
from shared.order_photos.images import EXTENSIONS
from shared.order_photos.rules import THUMBNAIL_PX

_JPEG, _PNG, _WEBP = "image/jpeg", "image/png", "image/webp"
_KEPT_AS = {_JPEG: _JPEG, _PNG: _PNG, _WEBP: _WEBP, "image/heic": _JPEG}
_QUALITY, _THUMBNAIL_QUALITY = 88, 80


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that was written. `width` and `height` in pixels, `size` in bytes."""

    path: Path
    mime: str
    width: int
    height: int
    size: int
    sha256: str

    @property
    def extension(self) -> str:
        return EXTENSIONS[self.mime]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A photo as it is kept. `taken_at` has the offset that the camera gave; without one it is the local time."""

    picture: Picture
    thumbnail: Picture
    taken_at: datetime | None


def encode(source: BinaryIO, mime: str, folder: Path) -> Encoded:
    """Decode the photo `source`, which inspection has found to be of type `mime`, and write it anew into `folder`.

    The picture keeps its type, but HEIC becomes JPEG; it stands upright, in sRGB, without any metadata. The thumbnail
    is a JPEG. `folder` must be empty, and is the caller's to remove, also after an error. Raises `Invalid` if a decoder
    finds fault with the file; anything else is ours.
    """
    decoded = decode(source, mime)
    thumbnail = _write(_small(decoded.image), _JPEG, folder / "thumbnail", quality=_THUMBNAIL_QUALITY)
    picture = _write(decoded.image, _KEPT_AS[mime], folder / "picture", **_options(decoded, _KEPT_AS[mime]))
    return Encoded(picture, thumbnail, decoded.taken_at)


def _options(decoded: Decoded, mime: str) -> dict[str, Any]:
    if mime == _PNG:
        return {}
    return {"quality": _QUALITY} | ({"subsampling": decoded.subsampling} if mime == _JPEG else {})


def _small(image: Image.Image) -> Image.Image:
    """At most `THUMBNAIL_PX` on a side, never larger than it was."""
    scale = min(1, THUMBNAIL_PX / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    several_shades = image.convert("L") if image.mode == "1" else image
    return several_shades.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _write(image: Image.Image, mime: str, stem: Path, **options: Any) -> Picture:
    path = stem.with_suffix(f".{EXTENSIONS[mime]}")
    flat = _on_white(image) if mime == _JPEG else image
    flat.save(path, format=mime.removeprefix("image/").upper(), **options)
    with path.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    return Picture(path, mime, image.width, image.height, path.stat().st_size, digest)


def _on_white(image: Image.Image) -> Image.Image:
    """JPEG knows neither transparency nor single bits."""
    if image.mode in {"LA", "RGBA"}:
        background = Image.new(image.mode.removesuffix("A"), image.size, "white")
        background.paste(image, mask=image.getchannel("A"))
        return background
    return image.convert("L") if image.mode == "1" else image
