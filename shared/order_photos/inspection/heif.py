"""HEIC: HEVC pictures in HEIF (ISO/IEC 23008-12), whole or cut into a grid of tiles as phones do."""

from shared.order_photos.inspection.boxes import boxes
from shared.order_photos.inspection.content import Content, Parts, number
from shared.order_photos.inspection.items import MOST_PARTS, Items, read_items
from shared.order_photos.rules import (
    ANIMATED,
    MAX_PIXELS,
    NOT_AN_IMAGE,
    TOO_MANY_PIXELS,
    TYPE_REFUSED,
    Size,
    check_size,
    refused,
)

_CODED, _GRID = b"hvc1", b"grid"
_MADE_OF_ANYTHING = {b"iovl", b"iden"}
"""Pictures made of pictures made of pictures: no phone writes them, and their cost has no bound."""
_MOST_TILE_PIXELS = 2 * MAX_PIXELS
"""The last row and column of tiles reach over the edge of the picture."""


def measure(content: Content) -> Size:
    """The size of the primary picture. Raises `Invalid`."""
    parts, metas = Parts(MOST_PARTS), []
    for box in boxes(content, 0, len(content), parts):
        if box.kind == b"moov":
            raise refused(ANIMATED, "A sequence of images is not accepted.")
        if box.kind == b"meta":
            metas.append(box)
    if len(metas) != 1:
        raise refused(NOT_AN_IMAGE, "The image is damaged.")
    items = read_items(content, metas[0], parts)
    if items.kinds.get(items.primary) not in {_CODED, _GRID} or _MADE_OF_ANYTHING & set(items.kinds.values()):
        raise refused(TYPE_REFUSED, "Only HEVC pictures are accepted in this type of file.")
    for item, kind in items.kinds.items():
        if kind == _GRID:
            _check_grid(content, items, item)
    if items.primary not in items.sizes:
        raise refused(NOT_AN_IMAGE, "The image has no size.")
    return items.sizes[items.primary]


def _check_grid(content: Content, items: Items, item: int) -> None:
    """A version, flags, rows and columns less one, and the size (6.6.2.3); as many coded tiles as that."""
    tiles = items.tiles.get(item, [])
    if item not in items.places or any(items.kinds.get(tile) != _CODED or tile not in items.sizes for tile in tiles):
        raise refused(NOT_AN_IMAGE, "The image is damaged.")
    method, start = items.places[item]
    at = start + (items.data if method else 0)
    width = 4 if number(content, at + 1, 1) & 1 else 2
    if len(tiles) != (number(content, at + 2, 1) + 1) * (number(content, at + 3, 1) + 1):
        raise refused(NOT_AN_IMAGE, "The image is damaged.")
    check_size(number(content, at + 4, width), number(content, at + 4 + width, width))
    if sum(items.sizes[tile].area for tile in tiles) > _MOST_TILE_PIXELS:
        raise refused(TOO_MANY_PIXELS, f"At most {MAX_PIXELS:,} pixels.")
