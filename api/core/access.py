"""Nothing is open by default: the first decorator of every view is `@requires(...)` or `@public`.

A test walks the URL map and fails for a view without either. A caller without the right is refused before the body is
read.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from flask import Request
from flask_smorest import Blueprint
from werkzeug.exceptions import HTTPException

from api.core.context import Call, current, tenant
from shared.core import query_count
from shared.core.actor import Actor
from shared.core.errors import Forbidden, Invalid, Refusal, Unavailable, code
from shared.core.permissions import Permission
from shared.core.transaction import read_only
from shared.identity import signing_in
from shared.identity.tokens import Unauthenticated, read_access_token

BAD_QUERY = code("request.bad_query", "The query string is not valid")
FORBIDDEN = code("access.forbidden", "Your role does not allow this")

View = Callable[..., Any]


def requires(permission: Permission) -> Callable[[View], View]:
    """Let signed-in staff with `permission` in; 401 for nobody, 403 for somebody else.

    The token says who and in which role. Whether the session lives, and the role still holds, is looked at together
    with the first statement in `tenant()`; a view that has run none is made to ask at its end.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            call = current()
            actor = _authenticate(call)
            try:
                if not actor.may(permission):
                    raise Forbidden(FORBIDDEN, f"Your role does not have the permission {permission}.")
                _refuse_stray_query(view, call.request)
                answer = view(*args, **kwargs)
            except Unavailable:
                raise  # Whoever asks a database that is away once more waits for it once more.
            except (Refusal, HTTPException):
                _confirm_unless_asked()
                raise
            _confirm_unless_asked()
            return answer

        guarded.access = permission  # type: ignore[attr-defined]
        documented: View = Blueprint.doc(operationId=view.__name__, security=[{"staff": []}])(guarded)
        return documented

    return decorate


def public(view: View) -> View:
    """Say out loud that anybody may call this; the view itself checks a signature or a token if there is one."""

    @wraps(view)
    def open_to_all(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    open_to_all.access = "public"  # type: ignore[attr-defined]
    documented: View = Blueprint.doc(operationId=view.__name__, security=[])(open_to_all)
    return documented


def _refuse_stray_query(view: View, request: Request) -> None:
    """A query parameter where none is known is a typing mistake too, and would pass unseen."""
    if request.query_string and request.args and not getattr(view, "reads_query", False):
        raise Invalid(BAD_QUERY, f"This operation takes no query parameters; got {', '.join(request.args)}.")


def _confirm_unless_asked() -> None:
    if not query_count.current():
        confirm_session()


def confirm_session() -> None:
    """Ask the database now whether the session lives: for work that starts before the first statement would ask."""
    with read_only(tenant()) as connection:
        signing_in.check_session(connection)


def _authenticate(call: Call) -> Actor:
    scheme, _, token = call.request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Send `Authorization: Bearer <access token>`.")
    secret = call.services.settings.auth_secret_key.get_secret_value()
    call.scope = scope = read_access_token(secret, token, now=call.now).scope
    structlog.contextvars.bind_contextvars(org_id=str(scope.org_id), actor_id=str(scope.user_id))
    call.actor = Actor(
        org_id=scope.org_id,
        user_id=scope.user_id,
        role=scope.user_role,
        label="user",
        session_id=scope.session_id,
        request_id=call.request_id,
        address=call.address,
    )
    return call.actor
