"""Files that are built to exhaust a decoder are refused before one meets them."""

import io
import time
import zlib

import pytest

from shared.core.errors import Invalid
from shared.order_photos.images import check_upload
from shared.order_photos.structure import is_reasonable

MOST_BYTES = 10 * 1024 * 1024
MIMES = ("image/jpeg", "image/png")


def _png_chunk(kind: bytes, data: bytes = b"") -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


PNG_HEAD = b"\x89PNG\r\n\x1a\n" + _png_chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\2\0\0\0")
BOMBS = {
    "empty application segments": b"\xff\xd8" + b"\xff\xe9\x00\x02" * 2_000_000,
    "empty comments": b"\xff\xd8" + b"\xff\xfe\x00\x02" * 2_000_000,
    "fill bytes": b"\xff\xd8" + b"\xff" * 9_000_000,
    "markers without length": b"\xff\xd8" + b"\xff\x01" * 4_000_000,
    "segments that say less than their length": b"\xff\xd8" + b"\xff\xe9\x00\x00" * 2_000_000,
    "empty chunks": PNG_HEAD + _png_chunk(b"tEXt") * 800_000,
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_of_parts_is_refused_at_once(content: bytes) -> None:
    started = time.process_time()
    with pytest.raises(Invalid) as refused:
        check_upload(io.BytesIO(content), MIMES, MOST_BYTES)
    assert refused.value.code == "order_photos.not_an_image"
    assert time.process_time() - started < 1, "a decoder has met it"


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\x00", PNG_HEAD, b"\x89PNG\r\n\x1a\n\0"]
)
def test_what_ends_early_is_left_to_the_decoder(content: bytes) -> None:
    assert is_reasonable(io.BytesIO(content))
