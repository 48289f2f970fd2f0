"""Every mail in every language, to look at before anybody gets it: `make mail-preview`.

Renders the examples of `shared/messages/examples.py` as a worker would, with no server and no database, to
`var/mail-preview`: each mail as HTML, as text and with its calendar file, and a page for each language that shows them
in the width of a phone and of a desk. Open `var/mail-preview/index.html` in a browser; in dark mode, too.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from babel import Locale
from jinja2 import Environment

from ops.openapi import NOWHERE
from shared.core.sealing import seal
from shared.core.settings import Settings
from shared.integrations.mail import Mail
from shared.messages.examples import EXAMPLES
from shared.messages.languages import available
from shared.messages.model import SEALED_PASSWORD, Message, MessageKind
from shared.messages.rendering import render
from shared.messages.words import zone_of
from shared.organizations.model import Organization

FOLDER = Path("var/mail-preview")
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mails: {{ language }}</title>
<style>
  body { margin: 24px; font: 15px/1.5 system-ui, sans-serif; background: #e9edeb; color: #14201d; }
  nav a { margin-right: 16px; } nav a[aria-current] { font-weight: 700; color: inherit; text-decoration: none; }
  section { margin: 32px 0; } h2 { margin: 0; font-size: 18px; }
  .frames { display: flex; gap: 16px; align-items: flex-start; overflow-x: auto; }
  iframe { border: 1px solid #b9c4c0; height: 620px; background: #fff; flex: none; }
  pre { width: 380px; height: 596px; margin: 0; padding: 12px; overflow: auto; white-space: pre-wrap; flex: none;
    background: #fff; border: 1px solid #b9c4c0; unicode-bidi: plaintext; }
</style></head><body>
<nav>{% for tag, name, page in pages %}
<a href="{{ page }}"{% if name == language %} aria-current="page"{% endif %}>{{ name }}</a>
{% endfor %}</nav>
{% for name, mail in mails.items() %}
<section id="{{ name }}">
<h2>{{ name }}</h2>
<p><bdi>{{ mail.subject }}</bdi> · <a href="{{ folder }}/{{ name }}.html">HTML</a> ·
<a href="{{ folder }}/{{ name }}.txt">text</a>
{% for file in mail.attachments %}· <a href="{{ folder }}/{{ name }}.ics">{{ file.filename }}</a>{% endfor %}</p>
<div class="frames">
<iframe title="{{ name }} on a phone" src="{{ folder }}/{{ name }}.html" width="390" loading="lazy"></iframe>
<iframe title="{{ name }} on a desk" src="{{ folder }}/{{ name }}.html" width="640" loading="lazy"></iframe>
<pre>{{ mail.text }}</pre>
</div></section>
{% endfor %}
</body></html>
"""


def preview_settings() -> Settings:
    """Settings that connect to nothing."""
    return Settings(**NOWHERE | {"auth_secret_key": "p" * 40, "email_from": "no-reply@crewline.example"})


def preview_organization(**changes: str | None) -> Any:
    """The company in whose name the examples come."""
    values = {
        "name": "Bright & Tidy",
        "timezone": "America/Edmonton",
        "currency": "cad",
        "locale": "en-CA",
        "contact_email": "office@bright.example",
        "contact_address": "4 Maple Avenue\nCalgary AB",
    }
    return Organization(**values | changes)


def mails_in(language: str, settings: Settings, organization: Any) -> Iterator[tuple[str, Mail]]:
    """Every example, rendered, by a name that is good for a file."""
    for kind, examples in EXAMPLES.items():
        if kind in {MessageKind.ACCOUNT_CREATED, MessageKind.PASSWORD_RESET}:
            secret = {SEALED_PASSWORD: seal(settings, "Kx7mPq4vWz9nRt2h")}
            examples = examples | {"with password": examples[""] | secret}  # noqa: PLW2901 - one more for this kind
        for name, variables in examples.items():
            message: Any = Message(
                org_id=UUID(int=1),
                id=UUID(int=2),
                kind=kind,
                recipient="anna@example.com",
                variables=variables,
                locale=language,
                request_id=None,
                created_at=datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
            )
            yield re.sub(r"\W+", "_", f"{kind} {name}".strip()), render(message, organization, settings)


def write(folder: Path, settings: Settings, organization: Any) -> int:
    """Write all pages into `folder`. Returns how many mails there are."""
    page = Environment(autoescape=True).from_string(PAGE)
    pages = [(tag, Locale(tag).english_name, f"{tag}.html" if tag != "en" else "index.html") for tag in available()]
    count = 0
    for tag, name, file in pages:
        mails = dict(mails_in(tag, settings, organization))
        (folder / tag).mkdir(parents=True, exist_ok=True)
        for stem, mail in mails.items():
            (folder / tag / f"{stem}.html").write_text(mail.html)
            (folder / tag / f"{stem}.txt").write_text(mail.text)
            for attachment in mail.attachments:
                (folder / tag / f"{stem}.ics").write_text(attachment.content, newline="")
        (folder / file).write_text(page.render(language=name, pages=pages, mails=mails, folder=tag))
        count += len(mails)
    return count


def _color(text: str) -> str:
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not written like #0b6b57")
    return text.lower()


def main() -> int:
    """Render everything and say where it is."""
    arguments = argparse.ArgumentParser(
        prog="make mail-preview", description="Render every mail in every language, to look at."
    )
    arguments.add_argument("--out", type=Path, default=FOLDER, help="folder to write into (%(default)s)")
    arguments.add_argument("--color", type=_color, help="brand_color of the company: '#rrggbb' (default: our green)")
    arguments.add_argument(
        "--zone", type=zone_of, default="America/Edmonton", help="IANA time zone of the company (%(default)s)"
    )
    wanted = arguments.parse_args()
    organization = preview_organization(brand_color=wanted.color, timezone=wanted.zone.key)
    count = write(wanted.out, preview_settings(), organization)
    print(f"{count} mails; open {wanted.out / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
