"""When a photo was taken: what cameras write, and what they should not."""

import io
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags

from shared.order_photos.capture_time import capture_time
from shared.order_photos.encoding import encode
from tests.factories.heif import Heic
from tests.factories.images import exif, quarters, saved

TAKEN = "2026:05:04 08:30:15"


def _tags(**tags: Any) -> dict[int, Any]:
    return {ExifTags.Base[name]: value for name, value in tags.items()}


def test_without_an_offset_it_is_the_local_time() -> None:
    found = capture_time(_tags(DateTimeOriginal=TAKEN))
    assert found == datetime(2026, 5, 4, 8, 30, 15)  # noqa: DTZ001
    assert found is not None
    assert found.tzinfo is None


@pytest.mark.parametrize(
    ("offset", "hours"), [("+00:00", 0), ("-07:00", -7), ("+05:30", 5.5), ("+14:00", 14), ("-07:00\x00", -7)]
)
def test_with_an_offset_it_is_a_moment(offset: str, hours: float) -> None:
    found = capture_time(_tags(DateTimeOriginal=TAKEN, OffsetTimeOriginal=offset))
    assert found == datetime(2026, 5, 4, 8, 30, 15, tzinfo=timezone(timedelta(hours=hours)))


@pytest.mark.parametrize("offset", ["", "   :  ", "Z", "MST", "+25:00", "+14:01", "7", "-07:00:00", 7, None, b"\xff"])
def test_an_offset_that_is_none_is_left_out(offset: Any) -> None:
    found = capture_time(_tags(DateTimeOriginal=TAKEN, OffsetTimeOriginal=offset))
    assert found is not None
    assert found.tzinfo is None


@pytest.mark.parametrize(
    ("fraction", "microseconds"), [("5", 500_000), ("123", 123_000), ("1234567", 123_456), ("x", 0), ("", 0), ("٣", 0)]
)
def test_fractions_of_a_second_count(fraction: str, microseconds: int) -> None:
    found = capture_time(_tags(DateTimeOriginal=TAKEN, SubsecTimeOriginal=fraction))
    assert found is not None
    assert found.microsecond == microseconds


@pytest.mark.parametrize("taken", [TAKEN + "\x00", f" {TAKEN} ", TAKEN.encode(), TAKEN.encode() + b"\x00"])
def test_padding_and_bytes_are_read_too(taken: Any) -> None:
    assert capture_time(_tags(DateTimeOriginal=taken)) == datetime(2026, 5, 4, 8, 30, 15)  # noqa: DTZ001


@pytest.mark.parametrize(
    "taken",
    [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "2026:02:30 10:00:00",
        "2026:13:01 10:00:00",
        "2026:05:04 24:30:00",
        "1970:01:01 00:00:00",
        "9999:12:31 23:59:59",
        "2026-05-04T08:30:15Z",
        "yesterday",
        "",
        b"\xff\xfe",
        20260504,
        (2026, 5, 4),
        None,
    ],
)
def test_nonsense_is_no_time(taken: Any) -> None:
    assert capture_time(_tags(DateTimeOriginal=taken)) is None


def test_no_time_is_none() -> None:
    assert capture_time({}) is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIC"])
def test_every_type_of_photo_tells(kind: str, tmp_path: Path) -> None:
    block = exif(1, DateTimeOriginal=TAKEN, OffsetTimeOriginal="-06:00", SubsecTimeOriginal="25")
    content = Heic(exif=block.tobytes()[6:]).file() if kind == "HEIC" else saved(quarters(), kind, exif=block)
    photo = encode(io.BytesIO(content), f"image/{kind.lower()}", tmp_path)
    assert photo.taken_at == datetime(2026, 5, 4, 14, 30, 15, 250_000, tzinfo=UTC)
