"""The languages of mails: English, which the templates are written in, and every language that has a catalog in
`locales/` (gettext; `ops/docs/mail-content.md` says how to add one)."""

from dataclasses import dataclass
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = Path(__file__).parent / "locales"
ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """How a mail speaks: the words of `translations`, dates and amounts as they are written at `locale`. `tag` (BCP 47)
    is for `lang`, `direction` (`ltr` or `rtl`) for `dir`."""

    locale: Locale
    translations: NullTranslations
    tag: str
    direction: str


@cache
def available() -> tuple[str, ...]:
    """The languages that there are words in, English first."""
    return (ENGLISH, *sorted(path.parents[1].name for path in LOCALES.glob("*/LC_MESSAGES/messages.po")))


@lru_cache(maxsize=500)
def language_of(tag: str) -> Language:
    """The language for `tag` (BCP 47). The words are those of its first part, English where there are none; dates and
    amounts follow the whole of it, so that `en-CA` and `en-GB` differ."""
    name = tag.partition("-")[0].lower()
    if name not in available():
        name = tag = ENGLISH
    locale = _locale(name, tag)
    return Language(locale, _translations(name), str(locale).replace("_", "-"), str(locale.text_direction))


def _locale(name: str, tag: str) -> Locale:
    try:
        return Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale(name)


@cache
def _translations(name: str) -> NullTranslations:
    """Catalogs are kept as people write them and compiled when they are first needed: no built file can be stale."""
    if name == ENGLISH:
        return NullTranslations()
    with (LOCALES / name / "LC_MESSAGES" / "messages.po").open("rb") as source:
        catalog = read_po(source, locale=name)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)
