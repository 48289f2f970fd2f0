"""When a photo was taken, as its camera says (Exif 3.0, 4.6.6.6)."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from PIL.ExifTags import Base

_YEARS = range(1990, 2100)
"""Outside of these the clock was never set, or the field is used for something else."""
_FURTHEST_OFFSET = timedelta(hours=14)
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")


def capture_time(details: Mapping[int, Any]) -> datetime | None:
    """From the tags of the Exif directory: aware if the camera gave an offset, local time without one; None for none
    or for nonsense. It may lie in the future: that is for the caller, who has a clock."""
    try:
        taken_at = datetime.strptime(_text(details, Base.DateTimeOriginal), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007
    except ValueError:
        return None
    if taken_at.year not in _YEARS:
        return None
    fraction = _text(details, Base.SubsecTimeOriginal)
    if fraction.isascii() and fraction.isdigit():
        taken_at = taken_at.replace(microsecond=int(f"{fraction:0<6}"[:6]))
    return taken_at.replace(tzinfo=_offset(_text(details, Base.OffsetTimeOriginal)))


def _offset(text: str) -> timezone | None:
    found = _OFFSET.fullmatch(text)
    if found is None:
        return None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    if offset > _FURTHEST_OFFSET:
        return None
    return timezone(-offset if found[1] == "-" else offset)


def _text(details: Mapping[int, Any], tag: int) -> str:
    """Cameras pad with spaces and zeros, and some write bytes."""
    value = details.get(tag, "")
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.strip(" \x00") if isinstance(value, str) else ""
