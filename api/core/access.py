"""Nothing is open by default: the first decorator of every view is `@requires(...)` or `@public`.

A test walks the URL map and fails for a view without either. A caller without the right is refused before the body is
read.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from hmac import compare_digest
from typing import Any

import structlog
from flask import Request
from flask_smorest import Blueprint
from werkzeug.exceptions import HTTPException

from api.core import basic_auth, familiar
from api.core.context import Call, actor, current, tenant
from shared.core import query_count
from shared.core.actor import Actor
from shared.core.errors import Forbidden, Invalid, Refusal, Unavailable, code
from shared.core.permissions import Permission
from shared.core.tenancy import Owing, SignedIn
from shared.core.transaction import read_only
from shared.identity import sessions
from shared.identity.tokens import Unauthenticated, read_access_token

BAD_QUERY = code("request.bad_query", "The query string is not valid")
FORBIDDEN = code("access.forbidden", "Your role does not allow this")
NO_ACCOUNT = code("access.no_account", "There is no account behind this login")

View = Callable[..., Any]


def requires(
    permission: Permission, *, may_owe: Owing = Owing.NOTHING, or_bearer: str | None = None
) -> Callable[[View], View]:
    """Let signed-in staff with `permission` in; 401 for nobody, 403 for somebody else. `or_bearer` names the setting of
    a bearer token for machines, which stands for nobody: the view has no actor then.

    The token says who and in which role. Whether the session lives, the role still holds, and nothing is owed but what
    they `may_owe` here, is looked at together with the first statement in `tenant()`; a view that has run none is made
    to ask at its end.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            call = current()
            if or_bearer and _bears(call, getattr(call.services.settings, or_bearer).get_secret_value()):
                refuse_stray_query(view, call.request)
                return view(*args, **kwargs)
            caller = call.actor = _authenticate(call, may_owe)
            try:
                if not caller.may(permission):
                    raise Forbidden(FORBIDDEN, f"Your role does not have the permission {permission}.")
                refuse_stray_query(view, call.request)
                if or_bearer:
                    confirm_session()  # what is there for machines too is asked in nobody's name, and would not
                answer = view(*args, **kwargs)
            except Unavailable:
                raise  # Whoever asks a database that is away once more waits for it once more.
            except (Refusal, HTTPException):
                _confirm_unless_asked()
                raise
            _confirm_unless_asked()
            familiar.addresses.add(call.address, caller.org_id)
            return answer

        guarded.access = permission  # type: ignore[attr-defined]
        documented: View = Blueprint.doc(operationId=view.__name__, security=[{"staff": []}])(guarded)
        return documented

    return decorate


def of_account(view: View) -> View:
    """The view is about the caller's own account, which a Basic login has none of. Goes below `@requires`."""

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if actor().user_id is None:
            raise Forbidden(NO_ACCOUNT, "A Basic login has no account. Sign in as a person.")
        return view(*args, **kwargs)

    return checked


def public(view: View) -> View:
    """Say out loud that anybody may call this; the view itself checks a signature or a token if there is one."""

    @wraps(view)
    def open_to_all(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    open_to_all.access = "public"  # type: ignore[attr-defined]
    documented: View = Blueprint.doc(operationId=view.__name__, security=[])(open_to_all)
    return documented


def refuse_stray_query(view: View, request: Request) -> None:
    """A query parameter where none is known is a typing mistake too, and would pass unseen."""
    if request.query_string and request.args and not getattr(view, "reads_query", False):
        raise Invalid(BAD_QUERY, f"This operation takes no query parameters; got {', '.join(request.args)}.")


def _confirm_unless_asked() -> None:
    if not query_count.current():
        confirm_session()


def confirm_session() -> None:
    """Ask the database now whether the session lives: for work that starts before the first statement would ask."""
    if not isinstance(tenant(), SignedIn):
        return
    with read_only(tenant()) as connection:
        sessions.check_session(connection)


def _bears(call: Call, token: str) -> bool:
    scheme, _, credentials = call.request.headers.get("Authorization", "").partition(" ")
    return bool(token) and scheme.lower() == "bearer" and compare_digest(credentials.encode(), token.encode())


def _authenticate(call: Call, may_owe: Owing) -> Actor:
    scheme, _, credentials = call.request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials:
        actor = _signed_in(call, credentials, may_owe)
    elif scheme.lower() == "basic":
        actor = basic_auth.authenticate(call, credentials)
    else:
        raise Unauthenticated("Send `Authorization: Bearer <access token>`.")
    structlog.contextvars.bind_contextvars(org_id=str(actor.org_id), actor_id=str(actor.user_id or actor.label))
    return actor


def _signed_in(call: Call, token: str, may_owe: Owing) -> Actor:
    scope = read_access_token(call.services.settings.auth_secrets, token, now=call.now).scope
    call.scope = scope if may_owe is Owing.NOTHING else replace(scope, may_owe=may_owe)
    return Actor(
        org_id=scope.org_id,
        user_id=scope.user_id,
        role=scope.user_role,
        label="user",
        session_id=scope.session_id,
        request_id=call.request_id,
        address=call.address,
    )
