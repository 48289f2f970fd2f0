"""Files that are not what they say, or too much, all made here; with the code each is refused with."""

import io
import random
import zipfile
import zlib
from functools import cache

from PIL import Image

from tests.factories.heif import Heic, box, film, full_box
from tests.factories.image_parts import (
    PNG_START,
    after_start,
    before_data,
    canvas,
    chunk,
    empty_jpeg,
    frame,
    png,
    riff,
    riff_chunk,
    segment,
)
from tests.factories.images import SECRET, quarters, saved, xmp
from tests.order_photos.honest import Make, a_png, jpeg, jpeg_with_exif, webp, with_thumbnail

NOTHING, REFUSED = "order_photos.not_an_image", "order_photos.type_refused"
PIXELS, ANIMATED = "order_photos.too_many_pixels", "order_photos.animated"
POLYGLOT, TRUNCATED = "order_photos.polyglot", "order_photos.truncated"

HTML = b"<html><body onload=alert(1)>" + SECRET
PHP = b"<?php system($_GET['c']); ?>" + SECRET
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"


@cache
def archive() -> bytes:
    """A ZIP with one file in it, which is what a JAR, an APK and a DOCX are too."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        made.writestr("META-INF/MANIFEST.MF", SECRET)
    return target.getvalue()


def one_colour_webp(width: int, height: int, *, transparent: bool = False) -> bytes:
    """A few bytes are enough for any size (RFC 9649, 3.4), which is in 14 bits for each side, less one; then one bit
    says that there may be transparency."""
    small = saved(Image.new("RGB", (8, 8), "red"), "WEBP", lossless=True)
    said = width - 1 | height - 1 << 14 | transparent << 28
    return small[:21] + said.to_bytes(4, "little") + small[25:]


def noise(kind: str) -> bytes:
    """A picture whose file is larger than its head."""
    return saved(Image.frombytes("RGB", (96, 96), random.Random(7).randbytes(96 * 96 * 3)), kind)


def animated(kind: str) -> bytes:
    frames = [quarters(), quarters().transpose(Image.Transpose.ROTATE_180)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


NO_IMAGES: dict[str, tuple[Make, str]] = {
    "nothing": (lambda: b"", NOTHING),
    "text": (lambda: b"just words", NOTHING),
    "html": (lambda: HTML, NOTHING),
    "pdf": (lambda: PDF, NOTHING),
    "zip": (archive, NOTHING),
    "film": (film, NOTHING),
    "zeros": (lambda: bytes(5000), NOTHING),
    "a jpeg's first bytes": (lambda: b"\xff\xd8\xff\xe0" + b"x" * 200, TRUNCATED),
    "a png's first bytes": (lambda: PNG_START + bytes(200), NOTHING),
    "a webp's first bytes": (lambda: b"RIFF\xff\x00\x00\x00WEBP", TRUNCATED),
    "a heic's first bytes": (lambda: Heic().file()[:24], NOTHING),
    "svg": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', REFUSED),
    "svg with a declaration": (lambda: b'<?xml version="1.0"?>\n<svg onload="alert(1)"/>', REFUSED),
    "gif": (lambda: saved(quarters(), "GIF"), REFUSED),
    "moving gif": (lambda: animated("GIF"), REFUSED),
    "bmp": (lambda: saved(quarters(), "BMP"), REFUSED),
    "tiff": (lambda: saved(quarters(), "TIFF"), REFUSED),
    "icon": (lambda: saved(quarters(), "ICO"), REFUSED),
    "avif": (lambda: saved(quarters(), "AVIF"), REFUSED),
    "avif under heif's brand": (lambda: Heic(brands=(b"mif1", b"avif")).file(), REFUSED),
    "heif of av1": (lambda: Heic(brands=(b"mif1", b"heic"), kind=b"av01").file(), REFUSED),
    "heif of jpeg": (lambda: Heic(brands=(b"mif1", b"heic"), kind=b"jpeg").file(), REFUSED),
}

MOVING: dict[str, tuple[Make, str]] = {
    "moving png": (lambda: animated("PNG"), ANIMATED),
    "moving webp": (lambda: animated("WEBP"), ANIMATED),
    "webp that says it moves": (lambda: riff(canvas(96, 64, 0x02), webp()[12:]), ANIMATED),
    "heif sequence": (lambda: Heic(brands=(b"msf1", b"hevc", b"mif1", b"heic")).file(), ANIMATED),
    "heic with a film of its own": (lambda: Heic().file() + box(b"moov", box(b"mvhd")), ANIMATED),
}

TWO_IN_ONE: dict[str, tuple[Make, str]] = {
    "jpeg and zip": (lambda: jpeg() + archive(), POLYGLOT),
    "jpeg and zip inside": (lambda: jpeg_with_exif(b"Exif\x00\x00" + archive()), POLYGLOT),
    "jpeg, zip and more": (lambda: jpeg() + film() + box(b"free", archive() + b"more"), POLYGLOT),
    "jpeg with html in a comment": (lambda: after_start(jpeg(), segment(0xFE, HTML)), POLYGLOT),
    "jpeg with php in exif": (lambda: jpeg_with_exif(b"Exif\x00\x00" + bytes(3000) + PHP), POLYGLOT),
    "jpeg with php at its end": (lambda: jpeg() + PHP, POLYGLOT),
    "jpeg with a script in xmp": (lambda: jpeg(xmp=xmp("<SCRIPT>alert(1)</SCRIPT>")), POLYGLOT),
    "jpeg and pdf": (lambda: after_start(jpeg(), segment(0xFE, PDF)), POLYGLOT),
    "jpeg, film and rest": (lambda: jpeg() + film() + b"\x01ride along", POLYGLOT),
    "jpeg and gif": (lambda: jpeg() + b"GIF89a" + bytes(20), POLYGLOT),
    "jpeg and a program": (lambda: jpeg() + bytes(3) + b"\x7fELF" + bytes(60), POLYGLOT),
    "jpeg and rar": (lambda: jpeg() + b"\x01ride along" + b"Rar!\x1a\x07\x01\x00" + bytes(9), POLYGLOT),
    "jpeg and 7z": (lambda: jpeg() + b"\x01ride along" + b"7z\xbc\xaf\x27\x1c" + bytes(26), POLYGLOT),
    "jpeg and what claims to be samsung's": (lambda: jpeg() + b"ride along" + bytes(4) + b"SEFT", POLYGLOT),
    "png and pdf": (lambda: before_data(a_png(), chunk(b"tEXt", b"Title\x00" + PDF)), POLYGLOT),
    "png with php in a text": (lambda: before_data(a_png(), chunk(b"tEXt", b"Comment\x00" + PHP)), POLYGLOT),
    "png and zip": (lambda: a_png() + archive(), POLYGLOT),
    "png and rest": (lambda: a_png() + b"\x00\x00ride along", POLYGLOT),
    "webp and rest": (lambda: webp() + b"ride along", POLYGLOT),
    "webp and zip": (lambda: webp() + archive(), POLYGLOT),
    "webp with html in a chunk": (lambda: riff(webp()[12:], riff_chunk(b"note", HTML)), POLYGLOT),
    "heic and zip": (lambda: Heic().file() + archive(), POLYGLOT),
    "heic with zip in a box": (lambda: Heic().file() + box(b"free", archive()), POLYGLOT),
    "heic and html": (lambda: Heic(more=box(b"free", HTML)).file(), POLYGLOT),
    "heic and zeros": (lambda: Heic().file() + bytes(16), POLYGLOT),
}

CUT: dict[str, tuple[Make, str]] = {
    "half a jpeg": (lambda: noise("JPEG")[: len(noise("JPEG")) // 2], TRUNCATED),
    "a jpeg cut behind its thumbnail": (lambda: with_thumbnail()[: len(with_thumbnail()) * 2 // 3], TRUNCATED),
    "a jpeg without its end": (lambda: jpeg()[:-2], TRUNCATED),
    "a jpeg with half a preview": (lambda: jpeg() + jpeg()[:-40], TRUNCATED),
    "half a png": (lambda: noise("PNG")[:-5000], TRUNCATED),
    "a png without its end": (lambda: a_png()[:-12], TRUNCATED),
    "half a webp": (lambda: webp()[: len(webp()) // 2], TRUNCATED),
    "half a heic": (lambda: Heic(columns=3).file()[:-90], TRUNCATED),
    "heic without its pictures": (lambda: Heic().file()[:-68], TRUNCATED),
}

DAMAGED: dict[str, tuple[Make, str]] = {
    "png with a wrong sum": (lambda: a_png().replace(b"IDAT\x78", b"IDAT\x79"), NOTHING),
    "png of two headers": (lambda: before_data(a_png(), a_png()[8:33]), NOTHING),
    "png without data": (lambda: a_png()[:33] + chunk(b"IEND"), NOTHING),
    "jpeg without a frame": (lambda: b"\xff\xd8" + segment(0xDA, bytes(10)) + b"\xff\xd9", NOTHING),
    "jpeg without pixels": (lambda: empty_jpeg(0, 64), NOTHING),
    "webp that begins with something else": (lambda: riff(riff_chunk(b"note", b"x"), webp()[12:]), NOTHING),
    "webp without an image": (lambda: riff(canvas(96, 64)), NOTHING),
    "heic without a size": (lambda: Heic().file().replace(b"ispe", b"pasp"), NOTHING),
    "heic that says all twice": (lambda: Heic(more=full_box(b"pitm", b"\x00\x01")).file(), NOTHING),
    "heic with names that are no text": (lambda: Heic(xmp=xmp()).file().replace(b"rdf+xml", b"rdf+\xffml"), NOTHING),
    "heic of kinds that are no text": (lambda: Heic(xmp=xmp()).file().replace(b"mime\x00", b"m\x80me\x00"), NOTHING),
    "heic with too few tiles": (lambda: Heic(columns=3).file().replace(b"dimg", b"base"), NOTHING),
}

BOMBS: dict[str, tuple[Make, str]] = {
    "png of 60,000 x 60,000": (lambda: png(60_000, 60_000), PIXELS),
    "png of 50,001 x 1,000": (lambda: png(50_001, 1_000), PIXELS),
    "png of two billion wide": (lambda: png(2**31 - 1, 2**31 - 1), PIXELS),
    "jpeg of 65,500 x 65,500": (lambda: empty_jpeg(65_500, 65_500), PIXELS),
    "jpeg of two sizes": (lambda: after_start(jpeg(), frame(60_000, 60_000, 0xC2)), PIXELS),
    "jpeg with a large preview": (lambda: jpeg() + empty_jpeg(60_000, 60_000), PIXELS),
    "webp of 60,000 x 60,000": (lambda: riff(canvas(60_000, 60_000), webp()[12:]), PIXELS),
    "webp of 16,384 x 16,384": (lambda: one_colour_webp(16_384, 16_384), PIXELS),
    "transparent webp of 4,001 x 4,000": (lambda: riff(canvas(4_001, 4_000, 0x10), webp()[12:]), PIXELS),
    "transparent and lossless webp of 4,001 x 4,000": (
        lambda: one_colour_webp(4_001, 4_000, transparent=True),
        PIXELS,
    ),
    "heic of 60,000 x 60,000": (lambda: Heic(declared=(60_000, 60_000)).file(), PIXELS),
    "heic of a large grid": (lambda: Heic(columns=2, grid=(60_000, 60_000)).file(), PIXELS),
    "heic of large tiles": (lambda: Heic(columns=3, declared=(7_000, 7_000), grid=(192, 64)).file(), PIXELS),
}

FAMILIES = {
    "no images": NO_IMAGES,
    "moving": MOVING,
    "two in one": TWO_IN_ONE,
    "cut": CUT,
    "damaged": DAMAGED,
    "bombs": BOMBS,
}
HOSTILE = {name: hostile for family in FAMILIES.values() for name, hostile in family.items()}

UNDECODABLE: dict[str, tuple[Make, str]] = {
    "jpeg without tables": (lambda: empty_jpeg(64, 64), "image/jpeg"),
    "jpeg of two frames": (lambda: after_start(jpeg(), frame(64, 64, 0xC2)), "image/jpeg"),
    "png of little data": (lambda: png(8000, 6000), "image/png"),
    "png of noise": (lambda: png(96, 64, packed=random.Random(1).randbytes(900)), "image/png"),
    "png with a text of megabytes": (lambda: before_data(a_png(), packed_zeros(b"zTXt")), "image/png"),
    "png with a profile of megabytes": (lambda: before_data(a_png(), packed_zeros(b"iCCP")), "image/png"),
    "webp of noise": (lambda: webp()[:40] + random.Random(1).randbytes(len(webp()) - 40), "image/webp"),
    "webp of another size": (lambda: riff(canvas(4000, 4000), webp()[12:]), "image/webp"),
    "heic of noise": (lambda: Heic().file()[:-60] + random.Random(1).randbytes(60), "image/heic"),
    "heic of another size": (lambda: Heic(declared=(32, 32)).file(), "image/heic"),
    "heic of tiles that leave gaps": (lambda: Heic(columns=2, grid=(6000, 6000)).file(), "image/heic"),
}
"""What looks like a photo from outside, and is none."""


def packed_zeros(kind: bytes) -> bytes:
    return chunk(kind, b"Name\x00\x00" + zlib.compress(bytes(20_000_000)))


OF_MANY_PARTS: dict[str, Make] = {
    "empty application segments": lambda: b"\xff\xd8" + segment(0xE9) * 2_500_000,
    "empty comments": lambda: b"\xff\xd8" + segment(0xFE) * 2_500_000,
    "segments that say less than their length": lambda: b"\xff\xd8" + b"\xff\xe9\x00\x00" * 2_500_000,
    "fill bytes": lambda: b"\xff\xd8" + b"\xff" * 10_000_000,
    "fill bytes and an image": lambda: after_start(jpeg(), b"\xff" * 10_000_000),
    "markers without length": lambda: b"\xff\xd8" + b"\xff\x01" * 5_000_000,
    "stuffed zeros": lambda: jpeg()[:-2] + b"\xff\x00" * 5_000_000,
    "scans": lambda: jpeg(progressive=True)[:-2] + segment(0xDA, bytes(10)) * 700_000 + b"\xff\xd9",
    "images": lambda: empty_jpeg(8, 8) * 180_000,
    "empty texts": lambda: before_data(a_png(), chunk(b"tEXt") * 800_000),
    "empty data": lambda: before_data(a_png(), chunk(b"IDAT") * 800_000),
    "empty riff chunks": lambda: riff(webp()[12:], riff_chunk(b"note", b"") * 1_200_000),
    "empty boxes": lambda: Heic().file() + box(b"free") * 1_200_000,
    "empty boxes inside": lambda: Heic(more=box(b"free") * 1_200_000).file(),
    "archives without a directory": lambda: jpeg()[:-2] + b"PK\x05\x06" * 2_500_000,
    "line ends": lambda: jpeg() + b"\r\n" * 4_900_000 + b"GIF89a",
    "ends": lambda: jpeg() + b"\xff\xd9" * 4_900_000 + b"GIF89a",
    "brackets": lambda: jpeg()[:-2] + b"<?ph" * 2_500_000,
}
"""Ten megabytes that would keep a careless reader busy, and each of them refused."""
