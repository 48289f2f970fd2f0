"""Signing in: tokens, and the password link of a new account."""

from typing import Any

from api.core.access import public, requires
from api.core.blueprint import Blueprint
from api.core.context import actor, address, now, request_id, services, tenant
from api.core.openapi import refuses
from api.identity.schemas import (
    LoginSchema,
    MeSchema,
    RefreshSchema,
    SetPasswordSchema,
    TokensSchema,
    present_me,
    present_tokens,
)
from shared.core.actor import Actor
from shared.core.permissions import Permission, Role
from shared.core.tenancy import PLATFORM, Tenant
from shared.core.transaction import read_only, transaction
from shared.identity import accounts, passwords, signing_in
from shared.identity.tokens import Unauthenticated

blueprint = Blueprint("auth", __name__, url_prefix="/v1/auth", description=__doc__)


@blueprint.route("/login", methods=["POST"])
@public
@blueprint.arguments(LoginSchema)
@blueprint.response(200, TokensSchema)
@refuses(401)
def login(body: dict[str, Any]) -> dict[str, Any]:
    """Sign in with organization, e-mail address and password.

    401 for any combination that is wrong, always the same; 503 while too many people are signing in.
    """
    with read_only(PLATFORM) as session:
        user = signing_in.find_account(session, email=body["email"], org=body["org"])
    if not passwords.matches(user.password_hash if user else None, body["password"]) or user is None:
        raise Unauthenticated(signing_in.WRONG)
    who = Actor(
        org_id=user.org_id,
        user_id=user.id,
        role=Role(user.role),
        label="user",
        request_id=request_id(),
        address=address(),
    )
    with transaction(Tenant(user.org_id)) as session:
        tokens = signing_in.start_session(session, services().settings, who, checked_hash=user.password_hash, now=now())
    return present_tokens(tokens)


@blueprint.route("/refresh", methods=["POST"])
@public
@blueprint.arguments(RefreshSchema)
@blueprint.response(200, TokensSchema)
@refuses(401)
def refresh(body: dict[str, Any]) -> dict[str, Any]:
    """Swap a refresh token for new tokens. The old refresh token is dead afterwards."""
    org_id, secret = signing_in.split_refresh_token(body["refresh_token"])
    with transaction(Tenant(org_id)) as session:
        return present_tokens(signing_in.refresh(session, services().settings, org_id, secret, now=now()))


@blueprint.route("/logout", methods=["POST"])
@requires(Permission.SELF)
@blueprint.response(204)
def logout() -> None:
    """End the session; its tokens are refused from now on."""
    with transaction(tenant()) as session:
        signing_in.sign_out(session, actor(), now=now())


@blueprint.route("/me", methods=["GET"])
@requires(Permission.SELF)
@blueprint.response(200, MeSchema)
def me() -> dict[str, Any]:
    """Who am I, and what may I do?"""
    with read_only(tenant()) as session:
        return present_me(signing_in.get_user(session, actor()), actor())


@blueprint.route("/set-password", methods=["POST"])
@public
@blueprint.arguments(SetPasswordSchema)
@blueprint.response(204)
def set_password(body: dict[str, Any]) -> None:
    """Set the password of an account with its one-time link. Ends every open session of the account.

    422 when the link is used, expired or unknown, or the password cannot be accepted; the link stays good then.
    """
    scope = Tenant(accounts.org_of_link(body["token"]))
    with transaction(scope) as session:
        user = accounts.user_of_link(session, body["token"], now=now())
        passwords.check_choice(body["password"], user.email)
    password_hash = passwords.hash_password(body["password"])
    with transaction(scope) as session:
        accounts.set_password(session, body["token"], password_hash, request_id=request_id(), now=now())
