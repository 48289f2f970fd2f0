"""What was in a file besides its pixels is in none that we keep, except the hour at which it was taken."""

import io
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from shared.order_photos.encoding import Picture, encode
from tests.factories.heif import Heic, film
from tests.factories.image_parts import (
    after_start,
    before_data,
    chunk,
    jpeg_markers,
    png_chunks,
    riff,
    riff_chunk,
    samsung_trailer,
    segment,
    webp_chunks,
)
from tests.factories.images import SECRET, exif, quarters, saved, xmp
from tests.order_photos.hostile import TWO_IN_ONE

BLOCK = exif(1, DateTimeOriginal="2026:05:04 08:30:00", UserComment=SECRET.decode())
THUMBNAIL = saved(quarters((32, 24)), "JPEG")
PHOTOSHOP = b"Photoshop 3.0\x00" + b"8BIM\x04\x04\x00\x00\x00\x00\x00" + bytes([len(SECRET)]) + SECRET
PROFILE = b"ICC_PROFILE\x00\x01\x01" + SECRET
TAGGED = {
    "jpeg": (
        lambda: after_start(
            saved(quarters(), "JPEG", exif=BLOCK.tobytes() + THUMBNAIL, xmp=xmp(), comment=SECRET),
            segment(0xED, PHOTOSHOP),
            segment(0xE2, PROFILE),
            segment(0xEC, b"Ducky" + SECRET),
            segment(0xEF, SECRET),
        ),
        "image/jpeg",
    ),
    "jpeg with a preview and a film": (
        lambda: (
            saved(quarters(), "MPO", save_all=True, append_images=[quarters((48, 32))], exif=BLOCK)
            + samsung_trailer(b"MotionPhoto_Data", film() + SECRET)
        ),
        "image/jpeg",
    ),
    "cmyk jpeg": (lambda: saved(quarters().convert("CMYK"), "JPEG", exif=BLOCK, comment=SECRET), "image/jpeg"),
    "png": (
        lambda: before_data(
            saved(quarters(), "PNG", exif=BLOCK, dpi=(72, 72)),
            chunk(b"tEXt", b"Comment\x00" + SECRET),
            chunk(b"zTXt", b"Packed\x00\x00" + zlib.compress(SECRET)),
            chunk(b"iTXt", b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + xmp()),
            chunk(b"iCCP", b"Profile\x00\x00" + zlib.compress(SECRET)),
            chunk(b"tIME", bytes([7, 234, 5, 4, 8, 30, 0])),
            chunk(b"prIv", SECRET),
        ),
        "image/png",
    ),
    "gray png": (lambda: saved(quarters().convert("L"), "PNG", exif=BLOCK, icc_profile=SECRET), "image/png"),
    "webp": (
        lambda: riff(
            saved(quarters().convert("RGBA"), "WEBP", exif=BLOCK, xmp=xmp(), icc_profile=SECRET)[12:],
            riff_chunk(b"note", SECRET),
        ),
        "image/webp",
    ),
    "heic": (lambda: Heic(exif=BLOCK.tobytes()[6:], xmp=xmp(), profile=SECRET).file(), "image/heic"),
}
PARTS: dict[str, tuple[Callable[[bytes], object], set[object]]] = {
    # JFIF, tables, a baseline frame, a scan, and nothing else.
    "image/jpeg": (jpeg_markers, {0xD8, 0xE0, 0xDB, 0xC0, 0xC4, 0xDA, 0xD9}),
    "image/png": (png_chunks, {b"IHDR", b"IDAT", b"IEND"}),
    "image/webp": (webp_chunks, {b"VP8 ", b"VP8X", b"ALPH"}),
}


def _assert_bare(written: Picture) -> None:
    content = written.path.read_bytes()
    assert SECRET not in content
    for trace in (b"Exif", b"xmp", b"adobe", b"ICC", b"8BIM", b"ftyp", b"SEFT", b"GPS", b"MPF", b"2026"):
        assert trace not in content, trace
    parts, allowed = PARTS[written.mime]
    assert set(parts(content)) <= allowed  # type: ignore[call-overload]
    with Image.open(written.path) as picture:
        assert not picture.getexif()
        assert not set(picture.info) & {"exif", "xmp", "icc_profile", "comment", "photoshop", "dpi", "mp"}
        assert getattr(picture, "n_frames", 1) == 1
    if written.mime == "image/jpeg":
        assert (jpeg_markers(content).count(0xD8), jpeg_markers(content)[-1]) == (1, 0xD9)
        assert content.endswith(b"\xff\xd9")


@pytest.mark.parametrize("name", TAGGED)
def test_nothing_but_pixels_is_kept(name: str, tmp_path: Path) -> None:
    make, mime = TAGGED[name]
    content = make()
    assert SECRET in content, "the test must be able to fail"
    photo = encode(io.BytesIO(content), mime, tmp_path)
    _assert_bare(photo.picture)
    _assert_bare(photo.thumbnail)
    assert photo.taken_at is not None
    assert photo.taken_at.isoformat() == "2026-05-04T08:30:00"


def test_megabytes_of_exif_cost_no_seconds(tmp_path: Path) -> None:
    """One tag that has a million fractions, which a PNG has room for."""
    fractions = 1_100_000
    head = b"II*\x00" + struct.pack("<I", 8)
    directory = struct.pack("<HHHIII", 1, ExifTags.IFD.Exif, 4, 1, 26, 0)
    details = struct.pack("<HHHIII", 1, 0x9300, 5, fractions, 44, 0)
    content = before_data(saved(quarters(), "PNG"), chunk(b"eXIf", head + directory + details + bytes(8 * fractions)))
    started = time.process_time()
    assert encode(io.BytesIO(content), "image/png", tmp_path).taken_at is None
    assert time.process_time() - started < 1


@pytest.mark.parametrize("name", [name for name in TWO_IN_ONE if not name.startswith("heic with")])
def test_what_inspection_refuses_would_not_survive_either(name: str, tmp_path: Path) -> None:
    """Two walls: a polyglot that got past the first would lose its other half here."""
    make, _ = TWO_IN_ONE[name]
    content = make()
    mime = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png", b"RI": "image/webp"}.get(content[:2], "image/heic")
    photo = encode(io.BytesIO(content), mime, tmp_path)
    for written in (photo.picture, photo.thumbnail):
        kept = written.path.read_bytes()
        for trace in (SECRET, b"PK\x05\x06", b"%PDF-", b"<?php", b"<html", b"SCRIPT", b"ride along"):
            assert trace not in kept
