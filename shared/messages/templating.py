"""Templates, filled: each kind of mail has one, for its subject, its HTML part and its text part.

`<kind>.jinja` says what the mail says, in blocks and with the macros of `kit`. Layout and kit come in two kinds, which
are chosen by their ending: `layout.html` and `kit.html`, `layout.txt` and `kit.txt`. What a template is given:

- the variables of the row, by their names (`examples.py` shows them for every kind);
- `company`, the organization's name; `address_lines` of its address; `takes_answers`, whether it reads replies;
- `unsubscribe_url`, None where there is nothing to unsubscribe from; `language`, `zone` and `look`;
- `_`, which translates and puts in what is named: `_("Hello %(name)s", name=client_name)`;
- filters: `instant`, `instant_with_zone`, `period`, `day`, `money` (see `words.py`), `isolated` and `link`.

What was put into a sentence or a table stays apart from the text around it in both directions of writing (UAX #9), and
is escaped in HTML; a template need not think of either.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from shared.messages import words

TEMPLATES = Path(__file__).parent / "templates"

ISOLATE, END_OF_ISOLATE = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_BLANK_LINES = re.compile(r"\s*\n\s*\n\s*")


class _Missing(StrictUndefined):
    """A variable that the row does not have."""

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint is None and isinstance(self._undefined_obj, type(self)):
            return super()._undefined_message
        return f"lacks the variable {self._undefined_name!r}"


def fill(kind: str, part: str, given: dict[str, Any]) -> str:
    """The `part` (`subject`, `html` or `text`) of a mail of `kind`. Raises jinja2's errors, `UndefinedError` for a
    variable that is missing, and `ValueError` for one that cannot be what it should be."""
    environment = _HTML if part == "html" else _TEXT
    ending = "html" if part == "html" else "txt"
    kit = environment.get_template(f"kit.{ending}").make_module(given)
    layout = "subject.txt" if part == "subject" else f"layout.{ending}"
    filled = environment.get_template(f"{kind}.jinja").render(given, kit=kit, layout=layout)
    if part == "text":
        return _BLANK_LINES.sub("\n\n", filled).strip() + "\n"
    if part == "subject":
        return filled.replace(ISOLATE, "").replace(END_OF_ISOLATE, "")
    return filled


@pass_context
def _gettext(context: Context, text: str, **values: Any) -> str:
    words_of_ours = context["language"].translations.gettext(text)
    template = Markup(words_of_ours) if context.eval_ctx.autoescape else words_of_ours  # noqa: S704 - values are escaped
    return template % {name: _isolated(context, value) for name, value in values.items()}


@pass_context
def _isolated(context: Context, value: Any) -> str:
    """`value`, with marks around it where its direction could disturb the text beside it, or be disturbed by it."""
    text = str(value)
    in_html = context.eval_ctx.autoescape
    if context["language"].direction == "ltr" and not _RIGHT_TO_LEFT.search(text):
        return escape(value) if in_html else text
    return Markup("<bdi>{}</bdi>").format(value) if in_html else f"{ISOLATE}{text}{END_OF_ISOLATE}"


def _link(url: Any) -> str:
    """An address that may be clicked. Raises `ValueError` for any other scheme than the web's."""
    text = str(url)
    if not text.startswith(("https://", "http://")) or not text.isprintable() or " " in text:
        raise ValueError("a link is no address of the web")
    return text


def _in_words(spoken: Callable[..., str], *needed: str) -> Callable[..., Any]:
    """A filter of `spoken`, which is handed what it needs of the mail. Nothing stays nothing."""

    @pass_context
    def said(context: Context, value: Any, *more: Any) -> Any:
        if isinstance(value, Undefined):
            str(value)  # raises: the row lacks it
        if value is None:
            return None
        here = {"locale": context["language"].locale, "zone": context["zone"]}
        return spoken(value, *(here[name] for name in needed), *more)

    return said


def _environment(*, html: bool) -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=html,  # noqa: S701 - the text part is no HTML
        undefined=_Missing,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["_"] = _gettext
    made.filters |= {
        "instant": _in_words(words.instant, "locale", "zone"),
        "instant_with_zone": _in_words(words.instant_with_zone, "locale", "zone"),
        "period": _in_words(words.period, "locale", "zone"),
        "day": _in_words(words.day, "locale"),
        "money": _in_words(words.money, "locale"),
        "isolated": _isolated,
        "link": _link,
    }
    return made


_HTML, _TEXT = _environment(html=True), _environment(html=False)
