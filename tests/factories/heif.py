"""HEIC files put together box by box (ISO/IEC 14496-12 and 23008-12), around one real HEVC picture.

Nothing that is installed writes HEVC, so the coded picture is kept here: 64 x 64 pixels, each quarter in one colour,
as `tests.factories.images.quarters` draws them.
"""

from base64 import b64decode
from dataclasses import dataclass

_HEVC_CONFIGURATION = b64decode(
    "AQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQArQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq"
    "SSmubgIaDAgAAAMAyAAAAwAIQGIAAQAHRAHBcrAiQA=="
)
_HEVC_PICTURE = b64decode("AAAAOCgBrxOA5qhw0//9oFH/8AmeH5PdESq30agf+UrH/7lHrT/94BpH5Rzz/zFH/6x+Kss/yBCp8dxp")
SIDE = 64


def box(kind: bytes, *parts: bytes) -> bytes:
    """One box: its size, its kind, and what is in it."""
    content = b"".join(parts)
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def full_box(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, bytes([version]) + flags.to_bytes(3, "big"), *parts)


def file_type(*brands: bytes) -> bytes:
    """The first box: the major brand, a version, and the brands that the file is compatible with."""
    return box(b"ftyp", brands[0], bytes(4), *brands[1:])


def film() -> bytes:
    """What a motion photo has behind the picture, as far as the boxes go."""
    return file_type(b"mp42", b"isom") + box(b"mdat", b"\xff\xd9 frames \xff\xd8" * 900) + box(b"moov", box(b"mvhd"))


@dataclass(frozen=True, kw_only=True)
class Heic:
    """A still image of one picture, or of several in a row."""

    columns: int = 1
    kind: bytes = b"hvc1"
    declared: tuple[int, int] = (SIDE, SIDE)
    """The size that each picture says it has."""
    grid: tuple[int, int] | None = None
    """The size that the row says it has, when not the true one."""
    turns: int = 0
    """Quarter turns against the clock (`irot`)."""
    mirrored: bool = False
    """Left with right (`imir`)."""
    exif: bytes = b""
    """A TIFF block."""
    xmp: bytes = b""
    profile: bytes = b""
    brands: tuple[bytes, ...] = (b"heic", b"mif1", b"heic")
    more: bytes = b""
    """Boxes to put into the `meta` box."""

    def file(self) -> bytes:
        first = file_type(*self.brands)
        start = len(first) + len(self._meta(0)) + 8
        return first + self._meta(start) + box(b"mdat", *(payload for _, payload in self._items()))

    def _items(self) -> list[tuple[bytes, bytes]]:
        """The items with a payload, numbered from 1: the pictures, then the metadata."""
        exif = [(b"Exif", bytes(4) + self.exif)] if self.exif else []
        xmp = [(b"mime", self.xmp)] if self.xmp else []
        return [(self.kind, _HEVC_PICTURE)] * self.columns + exif + xmp

    @property
    def _primary(self) -> int:
        """The grid comes after the items with a payload."""
        return len(self._items()) + 1 if self.columns > 1 else 1

    def _meta(self, start: int) -> bytes:
        tiles = range(1, self.columns + 1) if self.columns > 1 else ()
        entries = [_entry(item, kind, hidden=item in tiles) for item, (kind, _) in enumerate(self._items(), 1)]
        if tiles:
            entries.append(_entry(self._primary, b"grid"))
        return full_box(
            b"meta",
            full_box(b"hdlr", bytes(4), b"pict", bytes(13)),
            full_box(b"pitm", _short(self._primary)),
            full_box(b"iinf", _short(len(entries)), *entries),
            box(b"iprp", *self._properties()),
            full_box(b"iref", *self._references()),
            full_box(b"iloc", self._places(start), version=1),
            box(b"idat", b"\x00\x00\x00", bytes([self.columns - 1]), *map(_short, self._size())),
            self.more,
        )

    def _size(self) -> tuple[int, int]:
        return self.grid or (SIDE * self.columns, SIDE)

    def _properties(self) -> tuple[bytes, bytes]:
        """1 decodes a picture, 2 and 3 are the sizes of a picture and of the row, the rest says how to show it."""
        listed = [
            box(b"hvcC", _HEVC_CONFIGURATION),
            full_box(b"ispe", *map(_long, self.declared)),
            full_box(b"ispe", *map(_long, self._size())),
            box(b"irot", bytes([self.turns])),
        ]
        listed += [box(b"imir", b"\x01")] if self.mirrored else []
        listed += [box(b"colr", b"prof", self.profile)] if self.profile else []
        shown = list(range(4, len(listed) + 1))
        has = {number: [1, 2] for number in range(1, self.columns + 1)}
        has[self._primary] = ([3] if self.columns > 1 else [1, 2]) + shown
        associated = b"".join(_short(item) + bytes([len(which), *which]) for item, which in has.items())
        return box(b"ipco", *listed), full_box(b"ipma", _long(len(has)), associated)

    def _references(self) -> list[bytes]:
        described = range(self.columns + 1, len(self._items()) + 1)
        references = [box(b"cdsc", _short(item), _short(1), _short(self._primary)) for item in described]
        tiles = [_short(tile) for tile in range(1, self.columns + 1)]
        return references + (
            [box(b"dimg", _short(self._primary), _short(len(tiles)), *tiles)] if len(tiles) > 1 else []
        )

    def _places(self, start: int) -> bytes:
        """Offsets and lengths of four bytes; those of the grid count from the start of `idat`."""
        places = []
        for number, (_, payload) in enumerate(self._items(), 1):
            places.append(_place(number, 0, start, len(payload)))
            start += len(payload)
        places += [_place(self._primary, 1, 0, 8)] if self.columns > 1 else []
        return b"\x44\x00" + _short(len(places)) + b"".join(places)


def _entry(number: int, kind: bytes, *, hidden: bool = False) -> bytes:
    said = b"\x00application/rdf+xml\x00" if kind == b"mime" else b"\x00"
    return full_box(b"infe", _short(number), _short(0), kind, said, version=2, flags=hidden)


def _place(number: int, method: int, start: int, length: int) -> bytes:
    return _short(number) + _short(method) + _short(0) + _short(1) + _long(start) + _long(length)


def _short(number: int) -> bytes:
    return number.to_bytes(2, "big")


def _long(number: int) -> bytes:
    return number.to_bytes(4, "big")
