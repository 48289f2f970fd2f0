"""The items of a HEIF file: which pictures it holds, how large, and made of which others (ISO/IEC 23008-12)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from shared.core.errors import Invalid
from shared.order_photos.inspection.boxes import Box, boxes
from shared.order_photos.inspection.content import Content, Parts, number
from shared.order_photos.rules import NOT_AN_IMAGE, TRUNCATED, Size, check_size, refused

Said = TypeVar("Said")

MOST_PARTS = 20_000
"""Boxes, items and references of a file. A photo of 50 megapixels in tiles of 512 has about two thousand."""


@dataclass(slots=True)
class Items:
    """What the `meta` box says, by the number of the item."""

    primary: int = 0
    kinds: dict[int, bytes] = field(default_factory=dict)
    sizes: dict[int, Size] = field(default_factory=dict)
    tiles: dict[int, list[int]] = field(default_factory=dict)
    places: dict[int, tuple[int, int]] = field(default_factory=dict)
    """How and where its data begins: method 0 counts from the start of the file, 1 from that of `data`."""
    data: int = 0


def read_items(content: Content, meta: Box, parts: Parts) -> Items:
    """Raises `Invalid` for what is damaged, has too many parts or declares too many pixels."""
    items, seen = Items(), set()
    for box in boxes(content, meta.start + 4, meta.end, parts):
        if box.kind in seen:
            raise _said_twice()
        match box.kind:
            case b"pitm":
                version, at = _version(content, box)
                items.primary = number(content, at, 4 if version else 2)
            case b"iinf":
                _keep(items.kinds, _kinds(content, box, parts))
            case b"iprp":
                _keep(items.sizes, _sizes(content, box, parts))
            case b"iref":
                _keep(items.tiles, _tiles(content, box, parts))
            case b"iloc":
                _keep(items.places, _places(content, box, parts))
            case b"idat":
                items.data = box.start
            case _:
                continue
        seen.add(box.kind)
    return items


def _keep(into: dict[int, Said], entries: Iterable[tuple[int, Said]]) -> None:
    for item, value in entries:
        if item in into:
            raise _said_twice()
        into[item] = value


def _said_twice() -> Invalid:
    """A decoder might believe the other one."""
    return refused(NOT_AN_IMAGE, "The image is damaged.")


def _version(content: Content, box: Box) -> tuple[int, int]:
    """Of a full box: one byte of version, three of flags, and where the rest begins."""
    return number(content, box.start, 1), box.start + 4


def _kinds(content: Content, box: Box, parts: Parts) -> Iterator[tuple[int, bytes]]:
    version, at = _version(content, box)
    for entry in boxes(content, at + (4 if version else 2), box.end, parts):
        of_entry, at = _version(content, entry)
        length = 4 if of_entry > 2 else 2  # noqa: PLR2004 - version 3 has long numbers
        kind = content[at + length + 2 : at + length + 6]
        # Two bytes say how the item is protected; its names follow its kind. pi-heif 1.4 crashes on what is no text.
        if not (kind.isascii() and _is_text(content[at + length + 6 : entry.end])):
            raise refused(NOT_AN_IMAGE, "The image is damaged.")
        yield number(content, at, length), kind


def _is_text(names: bytes) -> bool:
    try:
        names.decode()
    except UnicodeDecodeError:
        return False
    return True


def _sizes(content: Content, box: Box, parts: Parts) -> Iterator[tuple[int, Size]]:
    """The properties are one list; a second one says which of them an item has, counting from 1."""
    listed: list[Size | None] = [None]
    for child in boxes(content, box.start, box.end, parts):
        if child.kind == b"ipco":
            listed.extend(_extent(content, each) for each in boxes(content, child.start, child.end, parts))
        elif child.kind == b"ipma":
            for item, index in _associations(content, child, parts):
                size = listed[index] if index < len(listed) else None
                if size:
                    yield item, size


def _extent(content: Content, box: Box) -> Size | None:
    if box.kind != b"ispe":
        return None
    return check_size(number(content, box.start + 4, 4), number(content, box.start + 8, 4))


def _associations(content: Content, box: Box, parts: Parts) -> Iterator[tuple[int, int]]:
    version, at = _version(content, box)
    length, wide = 4 if version else 2, number(content, box.start + 3, 1) & 1
    count, at = number(content, at, 4), at + 4
    for _ in range(count):
        item, several, at = number(content, at, length), number(content, at + length, 1), at + length + 1
        parts.count(1 + several)
        for _ in range(several):
            # The highest bit says that the property is essential.
            yield item, number(content, at, 1 + wide) & (0x7FFF if wide else 0x7F)
            at += 1 + wide


def _tiles(content: Content, box: Box, parts: Parts) -> Iterator[tuple[int, list[int]]]:
    version, at = _version(content, box)
    length = 4 if version else 2
    for each in boxes(content, at, box.end, parts):
        if each.kind == b"dimg":
            count, first = number(content, each.start + length, 2), each.start + length + 2
            parts.count(count)
            tiles = [number(content, first + length * index, length) for index in range(count)]
            yield number(content, each.start, length), tiles


def _places(content: Content, box: Box, parts: Parts) -> Iterator[tuple[int, tuple[int, int]]]:
    version, at = _version(content, box)
    widths = number(content, at, 2)
    offset, length, base, index = widths >> 12, widths >> 8 & 15, widths >> 4 & 15, widths & 15 if version else 0
    wide = 4 if version > 1 else 2
    count, at = number(content, at + 2, wide), at + 2 + wide
    for _ in range(count):
        item, at = number(content, at, wide), at + wide
        method, at = (number(content, at, 2) & 15, at + 2) if version else (0, at)
        shift, several = number(content, at + 2, base), number(content, at + 2 + base, 2)
        at += 4 + base
        parts.count(1 + several)
        for extent in range(several):
            start = shift + number(content, at + index, offset)
            if method == 0 and start + number(content, at + index + offset, length) > len(content):
                raise refused(TRUNCATED, "The file ends in the middle of the image.")
            if extent == 0:
                yield item, (method, start)
            at += index + offset + length
