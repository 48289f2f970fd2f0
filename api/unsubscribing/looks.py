"""How the page looks and speaks: the company's colour, the reader's language, an address that is only hinted at."""

import re
from dataclasses import dataclass
from typing import Any

from shared.core.errors import NotFound, code

NO_SUCH_COLOR = code("request.no_such_color", "There is no such colour")
MAX_AGE_SECONDS = 86_400
WHITE, INK = "#ffffff", "#14201d"

_COLOR = re.compile("#[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Language:
    """What the page is written in. `tag` is BCP 47."""

    tag: str

    def gettext(self, text: str, **values: Any) -> str:
        """`text` in this language, with `%(name)s` filled in; what is put in is escaped by the template."""
        return text % values


_ENGLISH = Language("en")


def language_of(_locale: str | None) -> Language:
    """The language for a locale: English, which is all there is words in."""
    return _ENGLISH


def masked(address: str) -> str:
    """Enough of an address for its reader to know which of theirs it is, and too little for anybody else to write to:
    links are passed on with mails."""
    local, _, domain = address.rpartition("@")
    return f"{local[0]}…@{domain}"


def styles(color: str) -> str:
    """Styles that put `color` (`#rrggbb`) on the page. Raises `NotFound` for anything else."""
    if not _COLOR.fullmatch(color):
        raise NotFound(NO_SUCH_COLOR, "Six hexadecimal digits, in lower case.")
    ink = max(WHITE, INK, key=lambda text: _contrast(text, color))
    return f":root {{ --company: {color}; --on-company: {ink}; }}\n"


def _contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white): WCAG 2, 1.4.3."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    channels = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels)  # noqa: PLR2004 - as WCAG defines it
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
