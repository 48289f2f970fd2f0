"""What a client is found by: words of the name, the e-mail address and the phone number, folded.

Folded is in one case and without accents, so that `Zoë` and `ZOE` are one word, and so are `Straße` and `STRASSE`, and
the four letters that Turkish has for i. A search looks for words by their beginning. Where a script writes no blanks
between words (Chinese, Japanese, Korean), and in phone numbers, every ending of a word is kept, so that any part of it
is a beginning.
"""

import re
import unicodedata
from collections.abc import Iterator

MOST_TERMS = 200
"""Of one client; the rest of a very long name is not looked for."""

MOST_BEGINNINGS = 8
"""Of one search: the longest words, which tell people apart best."""

_LONGEST_WORD = 64
_LONGEST_ADDRESS = 254
_SHORTEST_ENDING = 3
"""Digits: shorter parts of a phone number say nothing."""
_TRUNK_DIGITS = 7
"""From so many digits on, leading zeros are those of a national or international prefix."""

_LETTERS = str.maketrans({"\u0131": "i", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe"})
"""Letters that do not come apart into a plain one and an accent."""
_APOSTROPHES = re.compile("['\u2019\u02bc`]")
_WITHOUT_BLANKS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]")
_PHONE_LIKE = re.compile(r"[+0-9][0-9 ()./-]*")


def folded(text: str) -> str:
    """`text` in one case, without accents and invisible characters."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", "".join(filter(_is_kept, apart)).translate(_LETTERS))


def words(text: str) -> Iterator[str]:
    """The folded words of `text`. Letters, digits and pictures make words, everything else is between them."""
    plain = folded(text)
    for spelling in {plain, _APOSTROPHES.sub("", plain)}:
        for word in "".join(each if _is_in_word(each) else " " for each in spelling).split():
            yield word[:_LONGEST_WORD]


def terms_of(name: str, email: str | None, phone: str | None) -> set[str]:
    """Everything that a client is found by."""
    found = set()
    if email:
        address = folded(email)
        local, _, domain = address.partition("@")
        found |= {address, domain, *words(local), *words(domain.rpartition(".")[0])}
    if phone:
        digits = phone.removeprefix("+")
        found |= {digits[start:] for start in range(len(digits) - _SHORTEST_ENDING + 1)}
    for word in words(name):
        found |= {word, *_endings(word)}
        if len(found) >= MOST_TERMS:
            break
    return found


def beginnings(q: str) -> list[str]:
    """What the words of a search have to begin with; none when there is nothing to look for in `q`."""
    if _PHONE_LIKE.fullmatch(q.strip()):
        digits = re.sub(r"\D", "", q.replace("(0)", ""))
        return [digits.lstrip("0") if len(digits) >= _TRUNK_DIGITS else digits] if digits else []
    found: list[str] = []
    for part in folded(q).split():
        found += [part.lstrip("@")[:_LONGEST_ADDRESS]] if "@" in part else words(_APOSTROPHES.sub("", part))
    return sorted({each for each in found if each}, key=lambda each: (-len(each), each))[:MOST_BEGINNINGS]


def _endings(word: str) -> set[str]:
    return {word[at.start() :] for at in _WITHOUT_BLANKS.finditer(word)}


def _is_kept(character: str) -> bool:
    """Not an accent, a joiner, a mark of direction, or a choice between two pictures."""
    category = unicodedata.category(character)
    return category != "Cf" and not (category == "Mn" and _is_accent(character))


def _is_accent(character: str) -> bool:
    """Marks of combining class 1 to 9, such as the Japanese ones for another consonant, make another letter; so do the
    vowel signs of class 0."""
    return unicodedata.combining(character) > 9 or "\ufe00" <= character <= "\ufe0f"  # noqa: PLR2004 - said above


def _is_in_word(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "LNM" or category == "So" or "\U0001f3fb" <= character <= "\U0001f3ff"
