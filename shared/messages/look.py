"""The colours of an organization's mails: its own one, and what can be read on it and beside it (WCAG 2, 1.4.3)."""

from dataclasses import dataclass
from functools import lru_cache

OURS = "#0b6b57"
WHITE, BLACK = "#ffffff", "#000000"
CARD, DARK_CARD = WHITE, "#1c2623"
READABLE = 4.5
_LINEAR_UP_TO = 0.04045


@dataclass(frozen=True, slots=True)
class Look:
    """`brand` fills, `on_brand` is text on it; `accent` and `dark_accent` are shades of it that can be read on a white
    and on a dark sheet."""

    brand: str
    on_brand: str
    accent: str
    dark_accent: str


@lru_cache(maxsize=500)
def look_of(color: str | None) -> Look:
    """The look of an organization with this `brand_color`."""
    brand = color or OURS
    on_brand = max(WHITE, BLACK, key=lambda text: contrast(text, brand))
    return Look(brand, on_brand, _readable(brand, CARD, BLACK), _readable(brand, DARK_CARD, WHITE))


def contrast(one: str, other: str) -> float:
    """1 (the same) to 21 (black on white)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _readable(color: str, ground: str, towards: str) -> str:
    """`color`, or the nearest shade of it towards black or white that can be read on `ground`."""
    shades = (_mixed(color, towards, step / 20) for step in range(21))
    return next(shade for shade in shades if contrast(shade, ground) >= READABLE)


def _channels(color: str) -> list[int]:
    return [int(color[at : at + 2], 16) for at in (1, 3, 5)]


def _mixed(color: str, other: str, part: float) -> str:
    pairs = zip(_channels(color), _channels(other), strict=True)
    return "#" + "".join(f"{round(own + (its - own) * part):02x}" for own, its in pairs)


def _luminance(color: str) -> float:
    red, green, blue = (
        channel / 12.92 if channel <= _LINEAR_UP_TO else ((channel + 0.055) / 1.055) ** 2.4
        for channel in (value / 255 for value in _channels(color))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
