"""How the page looks and speaks: the company's colour, the reader's language, an address that is only hinted at."""

import re
from typing import Any

from flask import request

from shared.core.errors import NotFound, code
from shared.messages.languages import ENGLISH, Language, available, language_of
from shared.messages.look import look_of
from shared.messages.templating import END_OF_ISOLATE, ISOLATE

NO_SUCH_COLOR = code("request.no_such_color", "There is no such colour")
MAX_AGE_SECONDS = 86_400

_COLOR = re.compile("#[0-9a-f]{6}")


def language_for(about: Any) -> Language:
    """The language of the mail; of the browser, where no mail is known."""
    if about is None:
        return language_of(request.accept_languages.best_match(available()) or ENGLISH)
    return language_of(about.locale or about.organization_locale)


def say(language: Language, text: str, **values: Any) -> str:
    """`text` in `language`, with `%(name)s` filled in and kept apart from the text around it in both directions of
    writing (UAX #9). It is escaped by the template."""
    apart = {name: f"{ISOLATE}{value}{END_OF_ISOLATE}" for name, value in values.items()}
    return language.translations.gettext(text) % apart


def masked(address: str) -> str:
    """Enough of an address for its reader to know which of theirs it is, and too little for anybody else to write to:
    links are passed on with mails."""
    local, _, domain = address.rpartition("@")
    return f"{local[0]}…@{domain}"


def styles(color: str) -> str:
    """Styles that put `color` (`#rrggbb`) on the page. Raises `NotFound` for anything else."""
    if not _COLOR.fullmatch(color):
        raise NotFound(NO_SUCH_COLOR, "Six hexadecimal digits, in lower case.")
    return f":root {{ --company: {color}; --on-company: {look_of(color).on_brand}; }}\n"
