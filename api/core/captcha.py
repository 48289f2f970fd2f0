"""Captchas of strangers: the token comes in a header, so that bodies are the same with and without."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import request
from flask_smorest import Blueprint

from api.core.client_address import UNKNOWN
from api.core.context import address, services

HEADER = "X-Captcha-Token"
PASSED, OFF = "passed", "off"

View = Callable[..., Any]

_DESCRIBED = {
    "name": HEADER,
    "in": "header",
    "schema": {"type": "string", "maxLength": 2048},
}


def passes_captcha(action: str) -> Callable[[View], View]:
    """Ask for the token of a captcha that was solved for `action`, when the installation wants one. Goes below
    `@blueprint.arguments`: a token is used up by being checked, so the body has to be right first.

    The view gets the verdict as `captcha`: `passed`, or `off`. 400 for a bad token, 503 when it cannot be checked.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            return view(*args, captcha=_verdict(action), **kwargs)

        described = (
            f"Turnstile's token for the action `{action}`, where captchas are on. Good once: a retry needs another."
        )
        documented: View = Blueprint.doc(parameters=[_DESCRIBED | {"description": described}])(checked)
        return documented

    return decorate


def _verdict(action: str) -> str:
    captcha, client = services().captcha, address()
    if captcha is None:
        return OFF
    captcha.verify(request.headers.get(HEADER), action=action, address=None if client == UNKNOWN else client)
    return PASSED
