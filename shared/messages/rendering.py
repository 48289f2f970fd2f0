"""From a row to a mail: subject, an HTML part with inlined styles, a text part, and the appointment as a file."""

from typing import Any

import css_inline
from jinja2 import TemplateError, TemplateNotFound, UndefinedError
from sqlalchemy import Row

from shared.core.sealing import unseal
from shared.core.settings import Settings
from shared.integrations.mail import Mail
from shared.integrations.mail.events import MESSAGE_ID, ORG_ID
from shared.messages import calendar, unsubscribe_links
from shared.messages.languages import language_of
from shared.messages.look import look_of
from shared.messages.model import OPTIONAL, SEALED_PASSWORD
from shared.messages.templating import fill
from shared.messages.words import zone_of

LARGEST_BYTES = 100 * 1024
"""Gmail cuts off what is longer."""

_inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)
_STEERS_DIRECTION = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}
"""Unicode's marks that turn the direction of writing: what people type must not turn the text around it."""
_CONTROLS = {number for number in (*range(0x20), *range(0x7F, 0xA0)) if not chr(number).isspace()}
_UNSEEN = dict.fromkeys(_STEERS_DIRECTION | _CONTROLS)


class UnrenderableError(ValueError):
    """A row that can never become a mail. It says why in a sentence."""


def render(message: Row[Any], organization: Row[Any], settings: Settings) -> Mail:
    """The mail of `message`, in the name of `organization`. Raises `UnrenderableError`, and nothing else."""
    try:
        mail = _render(message, organization, settings)
    except UndefinedError as error:
        raise UnrenderableError(f"The template {message.kind} {error.message}.") from error
    except TemplateNotFound as error:
        raise UnrenderableError(f"There is no template {error.name}.") from error
    except (TemplateError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
        why = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise UnrenderableError(f"The mail cannot be rendered: {why}.") from error
    size = sum(len(part.encode()) for part in (mail.html, mail.text, *(file.content for file in mail.attachments)))
    if size > LARGEST_BYTES:
        raise UnrenderableError(f"The mail would have {size} bytes; {LARGEST_BYTES} are the most.")
    return mail


def _render(message: Row[Any], organization: Row[Any], settings: Settings) -> Mail:
    variables = _clean(message.variables)
    if SEALED_PASSWORD in variables:
        variables["temp_password"] = unseal(settings, variables.pop(SEALED_PASSWORD))
    given = variables | {
        "company": _clean(organization.name),
        "address_lines": [_clean(line) for line in (organization.contact_address or "").splitlines()],
        "takes_answers": organization.contact_email is not None,
        "unsubscribe_url": unsubscribe_links.url(settings, message) if message.kind in OPTIONAL else None,
        "language": language_of(message.locale or organization.locale),
        "zone": zone_of(organization.timezone),
        "look": look_of(organization.brand_color),
    }
    domain = settings.email_from.rpartition("@")[2]
    sender = _clean(organization.mail_sender_name or organization.name or settings.email_from_name)
    subject, text, html = (fill(message.kind, part, given) for part in ("subject", "text", "html"))
    organizer = sender, organization.contact_email or settings.email_from
    appointment = calendar.appointment(message, given, domain=domain, organizer=organizer)
    return Mail(
        message_id=f"<{message.id}@{domain}>",
        to=message.recipient,
        from_address=settings.email_from,
        from_name=sender,
        subject=_clean(subject),
        text=text,
        html=_inliner.inline(html),
        reply_to=organization.contact_email,
        headers=_headers(message, given["unsubscribe_url"]),
        attachments=() if appointment is None else (appointment,),
        reference=((ORG_ID, str(message.org_id)), (MESSAGE_ID, str(message.id))),
    )


def _headers(message: Row[Any], unsubscribe_url: str | None) -> tuple[tuple[str, str], ...]:
    headers = {"Auto-Submitted": "auto-generated", "X-Request-Id": message.request_id}
    if unsubscribe_url is not None:  # RFC 8058: one click in the mail program, without a page
        headers["List-Unsubscribe"] = f"<{unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return tuple((name, value) for name, value in headers.items() if value)


def _clean(value: Any) -> Any:
    """Names, titles and addresses fill lines of a mail, the subject among them, whatever people typed: on one line,
    without characters that nobody sees and mail programs act on."""
    match value:
        case str():
            return " ".join(value.translate(_UNSEEN).split())
        case dict():
            return {name: _clean(part) for name, part in value.items()}
        case list():
            return [_clean(part) for part in value]
        case _:
            return value
