"""What mails say in every language: all of it, with the same values in it, and nothing left in English."""

import html
import re
from typing import Any

import pytest
from babel.messages import Catalog
from babel.messages.pofile import read_po

from ops.mail_preview import mails_in, preview_organization, preview_settings
from ops.mail_words import extracted, update
from shared.integrations.mail import Mail
from shared.messages.examples import EXAMPLES
from shared.messages.languages import LOCALES, available, language_of
from shared.messages.rendering import LARGEST_BYTES
from shared.messages.templating import ISOLATE, TEMPLATES

TRANSLATED = [language for language in available() if language != "en"]
PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%|%")
INVISIBLE = re.compile(r"<style>.*?</style>|\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", re.DOTALL)
NAMES_AND_UNITS = {"CA", "UTC", "Bright", "Tidy", "Maple", "Avenue", "Calgary", "AB", "Kx7mPq4vWz9nRt2h"}


def _catalog(language: str) -> Catalog:
    with (LOCALES / language / "LC_MESSAGES" / "messages.po").open("rb") as source:
        return read_po(source, locale=language)


def _mails(language: str, **changes: Any) -> dict[str, Mail]:
    return dict(mails_in(language, preview_settings(), preview_organization(**changes)))


def _sentences() -> list[str]:
    return [str(message.id) for message in extracted() if message.id]


def test_there_are_four_languages() -> None:
    assert available() == ("en", "de", "he", "ru")
    assert len(_sentences()) > 100


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_is_translated_with_the_same_values_in_it(language: str) -> None:
    catalog = _catalog(language)
    assert {str(message.id) for message in catalog if message.id} == set(_sentences()), "run: make mail-words"
    for sentence in _sentences():
        found = catalog[sentence]
        assert found.string, sentence
        assert not found.fuzzy, sentence
        assert sorted(PLACEHOLDER.findall(found.string)) == sorted(PLACEHOLDER.findall(sentence)), sentence


@pytest.mark.parametrize("language", available())
def test_the_title_of_the_page_is_the_subject(language: str) -> None:
    for name, mail in _mails(language, name="Fix & <Co>").items():
        (title,) = re.findall("<title>(.*?)</title>", mail.html, re.DOTALL)
        assert html.unescape(title) == mail.subject, name


@pytest.mark.parametrize("language", TRANSLATED)
def test_an_update_without_new_sentences_leaves_the_catalog_as_it_is(language: str, tmp_path: Any) -> None:
    committed = (LOCALES / language / "LC_MESSAGES" / "messages.po").read_bytes()
    (tmp_path / "messages.po").write_bytes(committed)
    assert update(tmp_path / "messages.po", language) == 0
    assert (tmp_path / "messages.po").read_bytes() == committed


def test_a_new_language_begins_with_every_sentence(tmp_path: Any) -> None:
    assert update(tmp_path / "fr" / "messages.po", "fr") == len(_sentences())


@pytest.mark.parametrize("language", available())
def test_every_kind_is_rendered_whole_and_small(language: str) -> None:
    mails = _mails(language)
    assert len(mails) > sum(len(examples) for examples in EXAMPLES.values())
    for name, mail in mails.items():
        for part in (mail.subject, mail.text, mail.html):
            assert not re.search(r"\b(None|Undefined)\b|%\(|\{\{|\{%", part), name
        assert len(mail.html.encode()) + len(mail.text.encode()) < LARGEST_BYTES / 10, name
        assert "\n\n\n" not in mail.text
        assert f'lang="{language}" dir="{"rtl" if language == "he" else "ltr"}"' in mail.html


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_sentence_stays_in_english(language: str) -> None:
    same = {str(message.id) for message in _catalog(language) if message.id and message.string == message.id}
    assert same == set(), "translated by itself"
    literal = [re.escape(part) for sentence in _sentences() for part in re.split(r"%\(\w+\)s", sentence)]
    english = re.compile("|".join(sorted({part for part in literal if len(part) > 12}, key=len, reverse=True)))
    for name, mail in _mails(language).items():
        assert not english.findall(mail.subject + mail.text + html.unescape(mail.html)), name


@pytest.mark.parametrize("language", ["ru", "he"])
def test_where_the_letters_differ_latin_ones_are_values_only(language: str) -> None:
    values = set(re.findall(r"[A-Za-z]\w+", str(EXAMPLES))) | NAMES_AND_UNITS
    for name, mail in _mails(language).items():
        text = re.sub(r"https?://\S+", "", mail.subject + "\n" + mail.text)
        assert set(re.findall(r"[A-Za-z]\w+", text)) <= values, name


def test_everything_a_reader_sees_is_translatable() -> None:
    """Between the tags and macros of the templates there is no word that is not in a catalog."""
    for path in TEMPLATES.iterdir():
        source = INVISIBLE.sub(" ", path.read_text())
        assert not re.findall(r"[A-Za-z]{2,}", source), path.name


@pytest.mark.parametrize(
    ("tag", "translated", "dates"),
    [
        ("en", "en", "en"),
        ("en-CA", "en", "en_CA"),
        ("de-AT", "de", "de_AT"),
        ("de-XQ", "de", "de"),
        ("DE-at", "de", "de_AT"),
        ("ru-KZ", "ru", "ru_KZ"),
        ("he-IL", "he", "he_IL"),
        ("pt", "en", "en"),
        ("pt-BR", "en", "en"),
        ("zh-Hant-TW", "en", "en"),
        ("xx", "en", "en"),
        ("", "en", "en"),
        ("../de", "en", "en"),
        ("de-../../x", "de", "de"),
    ],
)
def test_the_nearest_language_is_taken(tag: str, translated: str, dates: str) -> None:
    found = language_of(tag)
    assert str(found.locale) == dates
    words = found.translations.gettext("Your appointment is confirmed")
    assert (words == "Your appointment is confirmed") == (translated == "en")
    assert found.translations is language_of(translated).translations


def test_the_messages_own_language_goes_before_the_organizations() -> None:
    own = dict(mails_in("de", preview_settings(), preview_organization(locale="ru")))
    assert own["order_confirmed"].subject.startswith("Bestätigt: ")
    assert _mails("", locale="ru")["order_confirmed"].subject.startswith("Подтверждено: ")


def test_a_value_stays_apart_from_writing_of_the_other_direction() -> None:
    hebrew, english = _mails("he")["order_confirmed"], _mails("en")["order_confirmed"]
    assert "<bdi>Anna Berg</bdi>" in hebrew.html
    assert "<bdi>12 Elm Street, Calgary</bdi>" in hebrew.html
    assert f"{ISOLATE}Anna Berg" in hebrew.text
    assert "text-align: right" in hebrew.html
    assert "text-align: left" not in hebrew.html
    assert "<bdi>" not in english.html
    assert ISOLATE not in english.text + english.subject + hebrew.subject


def test_an_english_mail_keeps_a_hebrew_name_together() -> None:
    mail = _mails("en", name="נקי & מסודר")["order_confirmed"]
    assert "<bdi>נקי &amp; מסודר</bdi>" in mail.html
    assert f"{ISOLATE}נקי & מסודר" in mail.text
    assert ISOLATE not in mail.subject


@pytest.mark.parametrize("language", available())
def test_what_can_be_copied_has_no_marks_in_it(language: str) -> None:
    """A password or an address with an invisible character does not work."""
    mails = _mails(language)
    assert " Kx7mPq4vWz9nRt2h\n" in mails["account_created_with_password"].text
    assert ">Kx7mPq4vWz9nRt2h</code>" in mails["account_created_with_password"].html
    for name, mail in mails.items():
        for url in re.findall(r"http\S+", mail.text):
            assert url.isascii(), name
