"""JPEG, by ITU T.81 annex B, and what phones append to one."""

import re

from shared.order_photos.inspection import foreign
from shared.order_photos.inspection.boxes import boxes
from shared.order_photos.inspection.content import Content, Parts, number, skip_padding
from shared.order_photos.inspection.trailers import samsung_start
from shared.order_photos.rules import NOT_AN_IMAGE, TRUNCATED, Size, check_size, refused

MOST_SEGMENTS = 1_000
"""A photo has a few dozen, with a large XMP packet some hundreds."""
MOST_SCANS = 64
"""Progressive encoders write about ten. Each costs a decoder a walk over all pixels, for a few bytes of the file."""

_START, _END, _START_OF_SCAN = b"\xff\xd8\xff", 0xD9, 0xDA
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_WITH_LENGTH = {*range(0xC0, 0xD0), *range(0xDA, 0xF0), 0xFE} - {0xC8}
# Within a scan, 0xFF is data before 0x00, and a restart before 0xD0 to 0xD7.
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")


def measure(content: Content) -> Size:
    """The size of the picture, which with all that follows it must fill the file. Raises `Invalid`."""
    parts = Parts(MOST_SEGMENTS)
    size, at = _walk(content, 0, parts)
    _check_what_follows(content, at, parts)
    return size


def _walk(content: Content, start: int, parts: Parts) -> tuple[Size, int]:
    """The size of the picture that begins at `start`, and where it ends."""
    sizes: list[Size] = []
    at, scans, in_scan = start + 2, 0, False
    while True:
        found = _MARKER.search(content, at)
        if found is None:
            raise refused(TRUNCATED, "The image has no end.")
        # Decoders step over bytes between two segments one at a time, so they count like segments.
        parts.count(1 if in_scan else 1 + found.start() - at)
        marker, at = content[found.end() - 1], found.end()
        if marker == _END and sizes and scans:
            return max(sizes, key=lambda size: size.area), at
        if marker not in _WITH_LENGTH:
            raise refused(NOT_AN_IMAGE, "The image is damaged.")
        end = at + max(number(content, at, 2), 2)
        if end > len(content):
            raise refused(TRUNCATED, "The file ends in the middle of the image.")
        if marker in _FRAMES:
            sizes.append(check_size(number(content, at + 5, 2), number(content, at + 3, 2)))
        in_scan = marker == _START_OF_SCAN
        scans += in_scan
        if scans > MOST_SCANS:
            raise refused(NOT_AN_IMAGE, "This file is built like no photo.")
        at = end


def _check_what_follows(content: Content, at: int, parts: Parts) -> None:
    """More JPEGs (previews, gain maps: CIPA DC-007), a film (Android's motion photo format 1.0), Samsung's trailer, or
    what other makers append without telling anybody how: none of it is kept, so it may be anything but another file."""
    end = samsung_start(content, at)
    while (following := skip_padding(content, at)) < end:
        film = content.find(b"ftyp", following, following + 8) - 4
        if content[following : following + 3] == _START:
            _, at = _walk(content, following, parts)
        elif film >= at:
            at = _end_of_film(content, film, end, parts)
        else:
            foreign.refuse_rider(content, following)
            return


def _end_of_film(content: Content, start: int, end: int, parts: Parts) -> int:
    for box in boxes(content, start, end, parts):
        if skip_padding(content, box.end) >= end:
            break
    return end
