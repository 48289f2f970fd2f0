"""What mails, and the page by which people unsubscribe from them, say, for those who translate it: `make mail-words`.

Brings the catalogs in `shared/messages/locales` up to date: new sentences are added without a translation, changed ones
get the old translation marked fuzzy, those that are gone go. `tests/messages/test_languages.py` fails until every
sentence is translated and no mark is left. `--add LANGUAGE` begins a new catalog.
"""

import argparse
import sys
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages import Catalog
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.pofile import read_po, write_po

from ops.quickstart.database import REPOSITORY
from shared.messages.languages import LOCALES
from shared.messages.templating import TEMPLATES

PARTS = [("**", "jinja2")]
PAGE = REPOSITORY / "api/templates/unsubscribe.html"


def extracted() -> Catalog:
    """Every sentence of the templates, with where it stands."""
    found = Catalog(project="Crewline", charset="utf-8")
    options = {"**": {"silent": "false"}}
    for file, _, text, comments, _ in extract_from_dir(TEMPLATES, PARTS, options):
        found.add(text, locations=[(file, 1)], auto_comments=comments)
    for _, text, comments, _ in extract_from_file("jinja2", PAGE, options=options["**"]):
        found.add(text, locations=[(PAGE.name, 1)], auto_comments=comments)
    return found


def update(path: Path, language: str) -> int:
    """Bring the catalog at `path` up to date, or begin it. Returns how many sentences are still to be translated."""
    old = read_po(BytesIO(path.read_bytes()) if path.exists() else BytesIO(), locale=language)
    old.update(extracted(), update_creation_date=False)
    old.header_comment = f"# What mails say in {Locale(language).english_name}. After a change: make mail-words"
    old.project, old.version, old.fuzzy = "Crewline", "mails", False
    old.msgid_bugs_address = old.last_translator = old.language_team = ""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = BytesIO()
    write_po(written, old, width=100, omit_header=False, sort_output=True, ignore_obsolete=True, include_lineno=False)
    path.write_bytes(written.getvalue())
    return sum(1 for message in old if message.id and (message.fuzzy or not message.string))


def main() -> int:
    """Update every catalog, and add the one that is asked for."""
    arguments = argparse.ArgumentParser(prog="make mail-words", description=__doc__.split("\n\n")[1])
    arguments.add_argument("--add", metavar="LANGUAGE", help="begin a catalog, named as in ISO 639: fr")
    added = arguments.parse_args().add
    if added is not None:
        try:
            Locale(added)
        except (UnknownLocaleError, ValueError):
            print(f"{added!r} is not the code of a language, such as fr.", file=sys.stderr)
            return 2
    known = {path.name for path in LOCALES.iterdir() if path.is_dir()}
    for language in sorted(known | ({added} if added else set())):
        missing = update(LOCALES / language / "LC_MESSAGES" / "messages.po", language)
        print(f"{language}: {missing or 'nothing'} to translate")
    return 0


if __name__ == "__main__":
    sys.exit(main())
