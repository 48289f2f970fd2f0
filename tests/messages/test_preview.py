"""The pages that show every mail before anybody gets one."""

import re
import subprocess
import sys
from pathlib import Path
from time import process_time

from jinja2 import meta

from ops.mail_preview import mails_in, preview_organization, preview_settings, write
from shared.messages import templating
from shared.messages.examples import EXAMPLES
from shared.messages.languages import available
from shared.messages.model import MessageKind
from shared.messages.templating import TEMPLATES

GIVEN = {
    *("company", "address_lines", "takes_answers", "unsubscribe_url", "language", "zone", "look", "kit", "layout"),
    *("_", "self", "more", "headings", "temp_password"),
}
"""What a template gets besides the variables of a row that nobody can leave out."""
NOT_IN_OLD_ROWS = {"is_tentative", "ends", "reason_code"}


def test_every_mail_is_on_the_page_of_its_language(tmp_path: Path) -> None:
    count = write(tmp_path, preview_settings(), preview_organization())
    assert count == len(list(tmp_path.glob("*/*.html"))) == len(list(tmp_path.glob("*/*.txt")))
    assert {path.name for path in tmp_path.glob("*.html")} == {"index.html", "de.html", "ru.html", "he.html"}
    page = (tmp_path / "de.html").read_text()
    for linked in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert (tmp_path / linked).is_file(), linked
    assert page.count("<iframe") == 2 * count / len(available())


def test_a_wrong_option_is_said_and_not_dumped(tmp_path: Path) -> None:
    for wrong in (["--color", "red"], ["--zone", "Nowhere"]):
        done = subprocess.run(
            [sys.executable, "-m", "ops.mail_preview", "--out", str(tmp_path), *wrong],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert wrong[0] in done.stderr


def test_the_examples_are_what_the_templates_ask_for() -> None:
    assert set(EXAMPLES) == set(MessageKind)
    for kind, examples in EXAMPLES.items():
        asked = _asked_for(f"{kind}.jinja") - GIVEN
        for variables in examples.values():
            assert asked - NOT_IN_OLD_ROWS <= variables.keys(), kind


def _asked_for(name: str) -> set[str]:
    tree = templating._TEXT.parse((TEMPLATES / name).read_text())
    included = {other for other in meta.find_referenced_templates(tree) if other is not None}
    return meta.find_undeclared_variables(tree).union(*map(_asked_for, included))


def test_rendering_costs_little() -> None:
    """A server takes some hundred mails a second over one connection: ours must not be what it waits for."""
    settings, organization = preview_settings(), preview_organization()
    for language in available():
        dict(mails_in(language, settings, organization))
    began, count = process_time(), 0
    while count < 400:
        count += len([mail for language in available() for mail in mails_in(language, settings, organization)])
    assert (process_time() - began) / count < 0.004
