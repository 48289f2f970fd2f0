"""From a row to a mail: Jinja2 with autoescape, an HTML part with inlined styles and a text part."""

from pathlib import Path
from typing import Any

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy import Row

from shared.core.sealing import unseal
from shared.core.settings import Settings
from shared.integrations.mail import Mail
from shared.integrations.mail.events import MESSAGE_ID, ORG_ID
from shared.messages.model import SEALED_PASSWORD

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_inliner = css_inline.CSSInliner(load_remote_stylesheets=False)


def render(message: Row[Any], organization: Row[Any], settings: Settings) -> Mail:
    """The mail of `message`, in the name of `organization`. Raises jinja2's errors for a variable that is missing, and
    ValueError for one that was sealed with a key that is gone."""
    typed = {name: _one_line(value) if isinstance(value, str) else value for name, value in message.variables.items()}
    if SEALED_PASSWORD in typed:
        typed["temp_password"] = unseal(settings, typed.pop(SEALED_PASSWORD))
    variables: dict[str, Any] = {**typed, "organization": organization}
    subject, _, text = _render(f"{message.kind}.txt", variables).partition("\n")
    domain = settings.email_from.rpartition("@")[2]
    return Mail(
        message_id=f"<{message.id}@{domain}>",
        to=message.recipient,
        from_address=settings.email_from,
        from_name=_one_line(organization.mail_sender_name or organization.name or settings.email_from_name),
        subject=_one_line(subject),
        text=text.strip() + "\n",
        html=_inliner.inline(_render(f"{message.kind}.html", variables)),
        reply_to=organization.contact_email,
        headers=(("X-Request-Id", message.request_id),) if message.request_id else (),
        reference=((ORG_ID, str(message.org_id)), (MESSAGE_ID, str(message.id))),
    )


def _one_line(text: str) -> str:
    """Names, titles and addresses fill lines of a mail, the subject among them, whatever people typed."""
    return " ".join(text.split())


def _render(template: str, variables: dict[str, Any]) -> str:
    return _templates.get_template(template).render(variables)
