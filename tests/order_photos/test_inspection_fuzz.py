"""Whatever the bytes, inspection answers or refuses, and soon."""

import io
import time

from hypothesis import given, settings
from hypothesis import strategies as some

from shared.core.errors import Invalid
from shared.order_photos.inspection import Inspected, inspect
from tests.order_photos.honest import HONEST

PHOTOS = {name: make() for name, (make, _, _) in HONEST.items() if name != "large and black png"}
STARTS = sorted({content[:16] for content in PHOTOS.values()})
CODES = {f"order_photos.{what}" for what in ("not_an_image", "type_refused", "too_many_pixels", "animated")} | {
    "order_photos.polyglot",
    "order_photos.truncated",
}
# Numbers that lengths and offsets are made of, and any.
PIECES = some.one_of(
    some.sampled_from([b"\x00", b"\x01", b"\x7f", b"\x80", b"\xff", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00"]),
    some.binary(min_size=0, max_size=8),
)


def _judge(content: bytes) -> None:
    started = time.process_time()
    verdict = _verdict(content)
    assert time.process_time() - started < 1
    assert verdict in CODES if isinstance(verdict, str) else 0 < verdict.width * verdict.height <= 50_000_000


def _verdict(content: bytes) -> Inspected | str:
    try:
        return inspect(io.BytesIO(content))
    except Invalid as refused:
        return refused.code


@given(some.binary(max_size=400))
def test_noise(content: bytes) -> None:
    _judge(content)


@given(some.sampled_from(STARTS), some.binary(max_size=400))
def test_noise_behind_a_good_beginning(start: bytes, content: bytes) -> None:
    _judge(start + content)


@settings(max_examples=600)
@given(some.sampled_from(sorted(PHOTOS)), some.data())
def test_photos_with_pieces_put_over_into_and_cut_out(name: str, data: some.DataObject) -> None:
    content = PHOTOS[name]
    for _ in range(data.draw(some.integers(1, 4))):
        # Mostly near the start, where the structure is.
        at = data.draw(some.one_of(some.integers(0, min(len(content), 300)), some.integers(0, len(content))))
        piece, gone = data.draw(PIECES), data.draw(some.integers(0, 8))
        content = content[:at] + piece + content[at + gone :]
    _judge(content)


@given(some.sampled_from(sorted(PHOTOS)), some.sampled_from(sorted(PHOTOS)), some.floats(0, 1), some.floats(0, 1))
def test_the_head_of_one_and_the_tail_of_another(one: str, another: str, end: float, start: float) -> None:
    head, tail = PHOTOS[one], PHOTOS[another]
    _judge(head[: int(len(head) * end)] + tail[int(len(tail) * start) :])
