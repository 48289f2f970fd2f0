"""Looking at files without decoding them: what each of the corpus is found to be, at little cost."""

import io
import time
from pathlib import Path
from typing import BinaryIO

import pytest

from shared.core.errors import Invalid
from shared.order_photos.images import check_upload
from shared.order_photos.inspection import Inspected, inspect
from tests.factories.heif import Heic, box, file_type
from tests.factories.image_parts import after_start, before_data, chunk, empty_jpeg, png, riff, riff_chunk, segment
from tests.factories.images import xmp
from tests.order_photos.honest import HONEST, a_png, jpeg, webp
from tests.order_photos.hostile import (
    HOSTILE,
    NOTHING,
    OF_MANY_PARTS,
    PIXELS,
    POLYGLOT,
    TRUNCATED,
    UNDECODABLE,
    one_colour_webp,
)

MOST_BYTES = 10 * 1024 * 1024
ALLOWED = ("image/jpeg", "image/png", "image/webp", "image/heic")


def _refusal(content: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        inspect(io.BytesIO(content))
    assert [error["pointer"] for error in refused.value.errors] == ["/file"]
    return refused.value.code


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_photo_is_what_its_content_says(name: str) -> None:
    make, mime, size = HONEST[name]
    assert inspect(io.BytesIO(make())) == Inspected(mime, *size)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_its_code(name: str) -> None:
    make, code = HOSTILE[name]
    assert _refusal(make()) == code


def test_a_webp_may_be_large_or_transparent() -> None:
    for content in (one_colour_webp(8_000, 6_000), one_colour_webp(4_000, 4_000, transparent=True)):
        assert inspect(io.BytesIO(content)).mime == "image/webp"


@pytest.mark.parametrize("name", UNDECODABLE)
def test_what_only_a_decoder_can_tell_is_left_to_it(name: str) -> None:
    make, mime = UNDECODABLE[name]
    assert inspect(io.BytesIO(make())).mime == mime


@pytest.mark.parametrize("name", OF_MANY_PARTS)
def test_megabytes_of_small_parts_are_refused_at_once(name: str) -> None:
    content = OF_MANY_PARTS[name]()
    assert 9_000_000 < len(content) < MOST_BYTES
    started = time.process_time()
    assert _refusal(content) in {NOTHING, TRUNCATED, POLYGLOT}
    assert time.process_time() - started < 1


def test_a_photo_of_ten_megabytes_takes_a_few_milliseconds() -> None:
    """Least of three, as other processes share the machine."""
    film = box(b"mdat", bytes(range(256)) * 39_000)
    content = jpeg() + file_type(b"mp42") + film
    spent = []
    for _ in range(3):
        started = time.process_time()
        inspect(io.BytesIO(content))
        spent.append(time.process_time() - started)
    assert min(spent) < 0.1


@pytest.mark.parametrize("name", ["jpeg", "jpeg with a thumbnail", "png", "webp", "heic", "heic in tiles"])
def test_no_beginning_of_a_photo_passes_for_one(name: str) -> None:
    content = HONEST[name][0]()
    codes = {_refusal(content[:length]) for length in range(len(content))}
    assert codes <= {NOTHING, TRUNCATED, PIXELS}
    assert TRUNCATED in codes


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "heic"])
def test_nothing_of_ones_own_can_ride_behind_a_photo(name: str) -> None:
    content = HONEST[name][0]()
    for rider in (b"GIF89a", b"MZ\x90\x00", b"\x7fELF\x02\x01\x01", b"#!/bin/sh\nexit\n", b"\x00\x00\x00\x00<?xml"):
        assert _refusal(content + rider) in {POLYGLOT, TRUNCATED, NOTHING}


def test_the_limit_of_pixels_is_within() -> None:
    assert inspect(io.BytesIO(png(50_000, 1_000))).width == 50_000
    assert _refusal(png(50_000, 1_001)) == PIXELS
    assert inspect(io.BytesIO(empty_jpeg(1_000, 50_000))).height == 50_000
    assert _refusal(png(65_501, 1)) == PIXELS


def test_a_picture_without_width_or_height_is_none() -> None:
    for content in (png(0, 10), png(10, 0), empty_jpeg(0, 10), empty_jpeg(10, 0), Heic(declared=(0, 64)).file()):
        assert _refusal(content) == NOTHING


def test_as_many_parts_as_a_photo_has_are_fine() -> None:
    for content in (
        after_start(jpeg(), segment(0xE2, bytes(500)) * 900),
        before_data(a_png(), chunk(b"tEXt", b"k\x00v") * 900),
        riff(webp()[12:], riff_chunk(b"note", b"odd") * 900),
    ):
        inspect(io.BytesIO(content))


def test_a_large_xmp_packet_is_no_script() -> None:
    packet = b"http://ns.adobe.com/xap/1.0/\x00" + xmp("<rdf:li>before &lt;script&gt; after</rdf:li>")
    inspect(io.BytesIO(after_start(jpeg(), segment(0xE1, packet))))


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "heic", "jpeg and zip", "half a png", "nothing"])
def test_a_file_on_disk_is_judged_like_one_in_memory(name: str, tmp_path: Path) -> None:
    content = (HONEST | HOSTILE)[name][0]()  # type: ignore[operator]
    path = tmp_path / "spooled"
    path.write_bytes(content)

    def verdict(source: BinaryIO) -> object:
        try:
            return inspect(source)
        except Invalid as refused:
            return refused.code

    with path.open("rb") as source:
        assert verdict(source) == verdict(io.BytesIO(content))


def test_what_is_still_in_the_buffer_of_a_file_is_seen(tmp_path: Path) -> None:
    with (tmp_path / "spooled").open("w+b") as source:
        source.write(jpeg())
        assert inspect(source).mime == "image/jpeg"
        assert source.read() == jpeg(), "it stands at its start afterwards"


def test_an_upload_says_what_was_found_and_stands_at_its_start() -> None:
    content = jpeg()
    upload = check_upload(source := io.BytesIO(content), ALLOWED, len(content))
    assert source.read() == content
    assert (upload.mime, upload.width, upload.height) == ("image/jpeg", 96, 64)


def test_an_upload_of_a_byte_too_much_is_refused_unread() -> None:
    with pytest.raises(Invalid) as refused:
        check_upload(io.BytesIO(jpeg()), ALLOWED, len(jpeg()) - 1)
    assert refused.value.code == "order_photos.too_large"
