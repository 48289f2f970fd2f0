"""Nothing is open by default: the first decorator of every view is `@requires(...)` or `@public`.

A test walks the URL map and fails for a view without either. A caller without the right is refused before the body is
read.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from flask import g, request
from flask_smorest import Blueprint

from api.core.context import now, request_id, services
from shared.core.actor import Actor
from shared.core.errors import Forbidden, Invalid, code
from shared.core.permissions import Permission
from shared.core.tenancy import Tenant
from shared.core.transaction import read_only
from shared.identity import signing_in
from shared.identity.tokens import Unauthenticated, read_access_token

BAD_QUERY = code("request.bad_query", "The query string is not valid")
FORBIDDEN = code("access.forbidden", "Your role does not allow this")

View = Callable[..., Any]


def requires(permission: Permission) -> Callable[[View], View]:
    """Let signed-in staff with `permission` in; 401 for nobody, 403 for somebody else."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            g.actor = _authenticate()
            if not g.actor.may(permission):
                raise Forbidden(FORBIDDEN, f"Your role does not have the permission {permission}.")
            _refuse_stray_query(view)
            return view(*args, **kwargs)

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


def _refuse_stray_query(view: View) -> None:
    """A query parameter where none is known is a typing mistake too, and would pass unseen."""
    if request.args and not getattr(view, "reads_query", False):
        raise Invalid(BAD_QUERY, f"This operation takes no query parameters; got {', '.join(request.args)}.")


def _authenticate() -> Actor:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Send `Authorization: Bearer <access token>`.")
    claims = read_access_token(services().settings.auth_secret_key.get_secret_value(), token, now=now())
    with read_only(Tenant(claims.org_id)) as session:
        role = signing_in.role_in_session(session, claims, now=now())
    structlog.contextvars.bind_contextvars(org_id=str(claims.org_id), actor_id=str(claims.user_id))
    return Actor(
        org_id=claims.org_id,
        user_id=claims.user_id,
        role=role,
        label="user",
        session_id=claims.session_id,
        request_id=request_id(),
        address=request.remote_addr,
    )
