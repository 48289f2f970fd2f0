"""Photos as honest phones and programs write them, all made here."""

import zlib
from collections.abc import Callable
from functools import cache

from tests.factories.heif import Heic, box, film
from tests.factories.image_parts import (
    after_start,
    before_data,
    chunk,
    png,
    samsung_trailer,
    segment,
)
from tests.factories.images import SECRET, exif, quarters, saved, xmp

Make = Callable[[], bytes]


@cache
def jpeg(**options: object) -> bytes:
    return saved(quarters(), "JPEG", quality=90, **options)


@cache
def a_png() -> bytes:
    return saved(quarters(), "PNG")


@cache
def webp(*, lossless: bool = False) -> bytes:
    return saved(quarters(), "WEBP", quality=90, lossless=lossless)


def with_thumbnail() -> bytes:
    """A JPEG whose Exif segment contains another JPEG, with an end of its own."""
    return jpeg_with_exif(exif(1).tobytes() + saved(quarters((32, 24)), "JPEG"))


def jpeg_with_exif(block: bytes) -> bytes:
    return saved(quarters(), "JPEG", quality=90, exif=block)


def large_zeros() -> bytes:
    """Millions of black pixels in a few kilobytes: below the limit, so a photo like any other."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 + 3 * 5000)) for _ in range(4000)) + packer.flush()
    return png(5000, 4000, packed=packed)


def png_in_pieces(whole: bytes) -> bytes:
    """The PNG with its data in chunks of 16 bytes."""
    data = whole[whole.index(b"IDAT") + 4 : whole.index(b"IEND") - 8]
    pieces = [chunk(b"IDAT", data[at : at + 16]) for at in range(0, len(data), 16)]
    return whole[: whole.index(b"IDAT") - 4] + b"".join(pieces) + chunk(b"IEND")


HONEST: dict[str, tuple[Make, str, tuple[int, int]]] = {
    "jpeg": (jpeg, "image/jpeg", (96, 64)),
    "progressive jpeg": (lambda: jpeg(progressive=True), "image/jpeg", (96, 64)),
    "jpeg with restarts": (lambda: jpeg(restart_marker_blocks=2), "image/jpeg", (96, 64)),
    "jpeg with exif, xmp and a comment": (
        lambda: saved(quarters(), "JPEG", exif=exif(6), xmp=xmp(), comment=b"a kitchen, <before> & after"),
        "image/jpeg",
        (96, 64),
    ),
    "jpeg with a thumbnail": (with_thumbnail, "image/jpeg", (96, 64)),
    "jpeg of a separate preview": (
        lambda: saved(quarters(), "MPO", save_all=True, append_images=[quarters((48, 32))]),
        "image/jpeg",
        (96, 64),
    ),
    "jpeg with zeros behind": (lambda: jpeg() + bytes(5000), "image/jpeg", (96, 64)),
    "jpeg with a line end": (lambda: jpeg() + b"\n", "image/jpeg", (96, 64)),
    "jpeg with two ends and fill bytes": (lambda: jpeg() + b"\xff\xd9\xff\xff", "image/jpeg", (96, 64)),
    "jpeg with fill bytes": (lambda: after_start(jpeg(), b"\xff" * 9 + segment(0xFE, b"x")), "image/jpeg", (96, 64)),
    "cmyk jpeg": (lambda: saved(quarters().convert("CMYK"), "JPEG", quality=90), "image/jpeg", (96, 64)),
    "google's moving photo": (lambda: jpeg() + film(), "image/jpeg", (96, 64)),
    "google's moving photo and a line end": (lambda: jpeg() + film() + b"\r\n", "image/jpeg", (96, 64)),
    "a gain map, then a film": (lambda: jpeg() + bytes(7) + jpeg() + film() + bytes(64), "image/jpeg", (96, 64)),
    "samsung's moving photo": (
        lambda: jpeg() + samsung_trailer(b"MotionPhoto_Data", film()),
        "image/jpeg",
        (96, 64),
    ),
    "another maker's trailer": (
        lambda: jpeg() + b'vivo{"camera":1}' + bytes(9) + b"\x01\x02tail",
        "image/jpeg",
        (96, 64),
    ),
    "png": (a_png, "image/png", (96, 64)),
    "png with texts": (
        lambda: before_data(a_png(), chunk(b"tEXt", b"Comment\x00" + SECRET), chunk(b"eXIf", exif(3).tobytes()[6:])),
        "image/png",
        (96, 64),
    ),
    "png in pieces": (lambda: png_in_pieces(a_png()), "image/png", (96, 64)),
    "png with zeros behind": (lambda: a_png() + bytes(5000), "image/png", (96, 64)),
    "png with a line end": (lambda: a_png() + b"\r\n", "image/png", (96, 64)),
    "samsung's screenshot": (
        lambda: a_png() + samsung_trailer(b"Image_UTC_Data", b"1754000000000"),
        "image/png",
        (96, 64),
    ),
    "large and black png": (large_zeros, "image/png", (5000, 4000)),
    "webp": (webp, "image/webp", (96, 64)),
    "lossless webp": (lambda: webp(lossless=True), "image/webp", (96, 64)),
    "webp with alpha and metadata": (
        lambda: saved(quarters().convert("RGBA"), "WEBP", exif=exif(1), xmp=xmp()),
        "image/webp",
        (96, 64),
    ),
    "webp with a line end": (lambda: webp() + b"\n", "image/webp", (96, 64)),
    "heic": (lambda: Heic().file(), "image/heic", (64, 64)),
    "heic in tiles": (lambda: Heic(columns=3).file(), "image/heic", (192, 64)),
    "heic with exif and xmp": (lambda: Heic(exif=exif(6).tobytes()[6:], xmp=xmp()).file(), "image/heic", (64, 64)),
    "heic with a film": (lambda: Heic().file() + box(b"mpvd", film()), "image/heic", (64, 64)),
}
