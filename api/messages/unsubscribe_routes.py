"""The page behind the link in an `OPTIONAL` mail, for people and for the button of mail programs (RFC 8058).

Looking changes nothing, because programs that look for bad links open every one. A POST decides at once: the signed
token in the URL is all that is asked for, no cookie, no form token, and no particular body. Whoever is here is a person
or works for one, so that a link that is wrong is answered with a page, too, and not with a problem document.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from api.core.access import public
from api.core.context import address, now, request_id, services
from api.messages import unsubscribe_looks as looks
from shared.core.actor import Actor, system
from shared.core.errors import Forbidden
from shared.core.tenancy import Tenant
from shared.core.transaction import read_only, transaction
from shared.messages import unsubscribe_links, unsubscribing

Decide = Callable[..., None]

blueprint = Blueprint("unsubscribing", __name__)


@blueprint.get("/v1/unsubscribe/<token>")
@public
def ask_whether_to_unsubscribe(token: str) -> ResponseReturnValue:
    """What the reader gets, and the button to get it no more; or how things are, and the way back."""
    return _page(token)


@blueprint.post("/v1/unsubscribe/<token>")
@public
def unsubscribe(token: str) -> ResponseReturnValue:
    """No more of these mails."""
    return _page(token, unsubscribing.unsubscribe)


@blueprint.post("/v1/unsubscribe/<token>/undo")
@public
def resubscribe(token: str) -> ResponseReturnValue:
    """It was a mistake."""
    return _page(token, unsubscribing.resubscribe)


@blueprint.get("/static/brand/<string(length=6):color>.css")
@public
def brand_styles(color: str) -> Response:
    """The colour of a company, as styles: our pages take none from anywhere else."""
    styles = Response(looks.styles(f"#{color}"), mimetype="text/css")
    styles.cache_control.max_age = looks.MAX_AGE_SECONDS
    return styles


def _page(token: str, decide: Decide | None = None) -> ResponseReturnValue:
    """Carry out what was decided, if anything was, and show how things are."""
    try:
        org_id, message_id = unsubscribe_links.read(services().settings, token)
    except Forbidden as refusal:
        return _answer("bad_link", 403, code=refusal.code)
    structlog.contextvars.bind_contextvars(org_id=str(org_id))
    if decide is not None:
        with transaction(Tenant(org_id)) as session:
            decide(session, _reader(org_id), message_id, now=now())
    with read_only(Tenant(org_id)) as session:
        about = unsubscribing.find(session, org_id, message_id)
        if about is None or not unsubscribing.is_reachable(about.recipient):
            return _answer("gone", 200, about=about)
        is_out = unsubscribing.is_out(session, org_id, about.recipient)
    writes = "asked" if decide is None else "back"
    shown = "out" if is_out else writes
    return _answer(shown, 200, about=about, token=token, address=looks.masked(about.recipient))


def _reader(org_id: UUID) -> Actor:
    return system(org_id, "reader", request_id(), address())


def _answer(shown: str, status: int, *, about: Any = None, **given: Any) -> ResponseReturnValue:
    """The page in one of its states. Robots are kept out: the address of the page is as good as a signature."""
    company = about and (about.mail_sender_name or about.name)
    language = looks.language_for(about)
    page = render_template(
        "unsubscribe.html",
        shown=shown,
        company=company,
        color=about and about.brand_color,
        language=language,
        _=partial(looks.say, language),
        **given,
    )
    return page, status, {"X-Robots-Tag": "noindex"}
