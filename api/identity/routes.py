"""Signing in: tokens, and the password link of a new account."""

from typing import TYPE_CHECKING, Any

from flask import request

from api.core import familiar
from api.core.access import of_account, public, requires
from api.core.blueprint import Blueprint
from api.core.context import actor, address, now, request_id, services, tenant
from api.core.openapi import refuses
from api.identity.counting import WRONG_SIGN_IN, counted
from api.identity.schemas import (
    LoginSchema,
    MeSchema,
    RefreshSchema,
    SetPasswordSchema,
    TokensSchema,
    present_basic,
    present_me,
    present_tokens,
)
from shared.core.actor import Actor, system
from shared.core.permissions import Permission, Role
from shared.core.tenancy import PLATFORM, Owing, Tenant
from shared.core.transaction import read_only, transaction
from shared.identity import accounts, attempts, passwords, refreshing, sessions, signing_in, turns
from shared.identity.attempts import Attempt
from shared.identity.model import UserState
from shared.identity.sessions import Tokens
from shared.identity.tokens import Unauthenticated

if TYPE_CHECKING:
    from sqlalchemy import Row

LONGEST_AGENT = 300
"""Characters of what a client calls itself."""

blueprint = Blueprint("auth", __name__, url_prefix="/v1/auth", description=__doc__)


@blueprint.route("/login", methods=["POST"])
@public
@blueprint.arguments(LoginSchema)
@blueprint.response(200, TokensSchema)
@refuses(401, 429)
def login(body: dict[str, Any]) -> dict[str, Any]:
    """Sign in with organization, e-mail address and password, and with a `code` when a second factor is on.

    401 for any combination that is wrong, always the same; `identity.mfa_required` when only the code is missing,
    `identity.mfa_wrong` when it is wrong, `identity.temp_password_over` when a temporary password was used before or
    has expired. 429 with `Retry-After` after too many failures; 503 while too many people are signing in.
    """
    company = familiar.addresses.company_at(address())
    if company is None:
        turns.refuse_strangers()
    attempt = Attempt.of(body["org"], body["email"], address())
    with read_only(PLATFORM) as session:
        attempts.refuse_blocked(session, attempt, now=now())
        account = signing_in.find_account(session, email=body["email"], org=body["org"])
    who = _claimed(account) if account else None
    of = str(company or attempts.network(address()))
    with counted(attempt, who, WRONG_SIGN_IN, of=of, stranger=company is None):
        known_hash = account.password_hash if account and account.state == UserState.ACTIVE else None
        if not passwords.matches(known_hash, body["password"]) or not (account and who):
            raise Unauthenticated(signing_in.WRONG)
        return present_tokens(_start_session(who, account.password_hash, body))


@blueprint.route("/refresh", methods=["POST"])
@public
@blueprint.arguments(RefreshSchema)
@blueprint.response(200, TokensSchema)
@refuses(401)
def refresh(body: dict[str, Any]) -> dict[str, Any]:
    """Swap a refresh token for new tokens. The old refresh token is dead afterwards.

    The same one again within ten seconds gets the same answer, for clients that have lost it. Later it is taken for
    stolen, and the session ends.
    """
    org_id, secret = refreshing.split(body["refresh_token"])
    client = Actor(org_id, None, None, "refresh token", request_id=request_id(), address=address())
    with transaction(Tenant(org_id)) as session:
        outcome = refreshing.refresh(session, services().settings, client, secret, now=now())
    if isinstance(outcome, Unauthenticated):
        raise outcome
    return present_tokens(outcome)


@blueprint.route("/logout", methods=["POST"])
@requires(Permission.SELF, may_owe=Owing.ANYTHING)
@of_account
@blueprint.response(204)
def logout() -> None:
    """End the session; its tokens are refused from now on."""
    with transaction(tenant()) as session:
        sessions.sign_out(session, actor(), now=now())


@blueprint.route("/me", methods=["GET"])
@requires(Permission.SELF, may_owe=Owing.ANYTHING)
@blueprint.response(200, MeSchema)
def me() -> dict[str, Any]:
    """Who am I, what may I do, and what do I have to do first?"""
    if actor().user_id is None:
        return present_basic(actor())
    with read_only(tenant()) as session:
        return present_me(signing_in.own_account(session, actor()), actor())


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
    passwords.check_choice(body["password"], user.email, user.name)
    with turns.turn(str(scope.org_id)):
        password_hash = passwords.hash_password(body["password"])
    holder = system(scope.org_id, "password link", request_id(), address())
    with transaction(scope) as session:
        accounts.set_password(session, holder, body["token"], password_hash, now=now())


def _claimed(account: "Row[Any]") -> Actor:
    """Who the caller will be when the password is right."""
    return Actor(
        org_id=account.org_id,
        user_id=account.id,
        role=Role(account.role),
        label="user",
        request_id=request_id(),
        address=address(),
    )


def _start_session(who: Actor, checked_hash: str, body: dict[str, Any]) -> Tokens:
    """The second half of a sign-in: the password was right."""
    new_hash = passwords.hash_password(body["password"]) if passwords.is_outdated(checked_hash) else None
    with transaction(Tenant(who.org_id)) as session:
        return signing_in.start_session(
            session,
            services().settings,
            who,
            checked_hash=checked_hash,
            new_hash=new_hash,
            proof=body["code"],
            agent=request.user_agent.string[:LONGEST_AGENT],
            now=now(),
        )
