"""Strangers at a company's door: `/v1/public/{org_slug}` says whose rows a request is about.

A blueprint with `serve_companies` looks the company up before any of its views runs, one statement for everything. From
then on the scope is the company's and the actor is `public`, so that `tenant()`, `actor()` and `create_once` work as
they do for staff. Browsers may read the answers on pages of the company's own (`portal_origins`): CORS, without
credentials, because there are none. Source: https://fetch.spec.whatwg.org/#http-cors-protocol.
"""

from typing import TYPE_CHECKING, Any

import structlog
from flask import Response, current_app

from api.core.access import refuse_stray_query
from api.core.blueprint import Blueprint
from api.core.context import current
from shared.core.actor import system
from shared.core.tenancy import PLATFORM, Tenant
from shared.core.transaction import read_only
from shared.organizations import service as organizations

if TYPE_CHECKING:
    from sqlalchemy import Row

REQUEST_HEADERS = ("Content-Type", "Idempotency-Key", "X-Captcha-Token", "X-Request-Id")
RESPONSE_HEADERS = ("ETag", "Idempotent-Replayed", "Link", "Retry-After", "X-Request-Id")
PREFLIGHT_SECONDS = 600


def serve_companies(blueprint: Blueprint) -> Blueprint:
    """Let the views of `blueprint`, whose URLs have an `org_slug`, work in that company. They do not get the slug."""
    blueprint.before_request(_enter)
    blueprint.after_request(_share)
    return blueprint


def company() -> "Row[Any]":
    """What anybody may know about the company of this request."""
    found = current().company
    assert found is not None, "the blueprint does not serve companies"
    return found


def _enter() -> Response | None:
    """Raises `NotFound` when there is no such company. A browser that asks for permission first is answered here."""
    call = current()
    slug = (call.request.view_args or {}).pop("org_slug")
    with read_only(PLATFORM) as session:
        found = organizations.get_for_strangers(session, slug)
    call.company, call.scope = found, Tenant(found.id)
    call.actor = system(found.id, "public", call.request_id, call.address)
    structlog.contextvars.bind_contextvars(org_id=str(found.id), actor_id="public")
    if call.request.method == "OPTIONS":
        return _permitted()
    refuse_stray_query(current_app.view_functions[call.request.endpoint or ""], call.request)
    return None


def _permitted() -> Response:
    """The answer to a preflight; which page may act on it is said by `_share`."""
    response = current_app.make_default_options_response()
    response.status_code = 204
    response.headers["Access-Control-Allow-Methods"] = response.headers["Allow"]
    response.headers["Access-Control-Allow-Headers"] = ", ".join(REQUEST_HEADERS)
    response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    return response


def _share(response: Response) -> Response:
    """Let pages of the company read the answer, problems too. Others are answered, but their browser keeps it."""
    call = current()
    response.vary.add("Origin")
    origin = call.request.headers.get("Origin", "")
    if call.company is not None and origin in call.company.portal_origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = ", ".join(RESPONSE_HEADERS)
    return response
