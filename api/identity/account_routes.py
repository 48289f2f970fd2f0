"""Your own account: password, sessions, second factor. What changes it asks for the password again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from api.core.access import confirm_session, of_account, requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, services, tenant
from api.core.openapi import refuses
from api.core.pagination import Answer, page_answer, page_request, page_schema
from api.core.schemas import PageArguments
from api.identity.counting import proving
from api.identity.schemas import (
    ChangePasswordSchema,
    ConfirmMfaSchema,
    EnrolmentSchema,
    PasswordSchema,
    RecoveryCodesSchema,
    RemoveMfaSchema,
    SessionSchema,
    present_session,
)
from shared.core.errors import invalid_field
from shared.core.permissions import Permission
from shared.core.tenancy import Owing
from shared.core.transaction import read_only, transaction
from shared.identity import accounts, mfa, passwords, sessions, signing_in

if TYPE_CHECKING:
    from sqlalchemy import Row

blueprint = Blueprint("account", __name__, url_prefix="/v1/auth", description=__doc__)


@blueprint.route("/change-password", methods=["POST"])
@requires(Permission.SELF, may_owe=Owing.ANYTHING)
@of_account
@blueprint.arguments(ChangePasswordSchema)
@blueprint.response(204)
@refuses(429)
def change_password(body: dict[str, Any]) -> None:
    """Choose another password. Ends every other session of yours; this one goes on.

    422 with a pointer when the current password is wrong or the new one cannot be accepted; 429 after five wrong ones.
    """
    current, chosen = body["current_password"], body["new_password"]
    with _proving(current, "/current_password") as user:
        passwords.check_choice(chosen, user.email, user.name, current=current, pointer="/new_password")
        new_hash = passwords.hash_password(chosen)
        with transaction(tenant()) as session:
            accounts.change_password(session, actor(), checked_hash=user.password_hash, new_hash=new_hash, now=now())


@blueprint.route("/sessions", methods=["GET"])
@requires(Permission.SELF)
@of_account
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, page_schema(SessionSchema))
def list_sessions(arguments: dict[str, Any]) -> Answer:
    """List where you are signed in, newest first."""
    with read_only(tenant()) as session:
        page = sessions.list_page(session, actor(), page_request(arguments), now=now())
    return page_answer(page, lambda row: present_session(row, actor()))


@blueprint.route("/sessions/<uuid:session_id>", methods=["DELETE"])
@requires(Permission.SELF)
@of_account
@blueprint.response(204)
def end_session(session_id: UUID) -> None:
    """End one of your sessions; its tokens are refused from now on."""
    with transaction(tenant()) as session:
        sessions.end_own(session, actor(), session_id, now=now())


@blueprint.route("/mfa", methods=["POST"])
@requires(Permission.SELF, may_owe=Owing.SECOND_FACTOR)
@of_account
@blueprint.arguments(PasswordSchema)
@blueprint.response(200, EnrolmentSchema)
@refuses(429)
def begin_mfa(body: dict[str, Any]) -> dict[str, Any]:
    """Begin to set up a second factor (TOTP): show `provisioning_uri` as a QR code, then confirm with a code.

    Again gives another secret; the one before is dead. 409 `identity.mfa_on` when one is set up already.
    """
    with _proving(body["password"], "/password"), transaction(tenant()) as session:
        user = accounts.lock_own(session, actor())
        secret, uri = mfa.begin(session, services().settings, actor(), user, now=now())
    return {"secret": secret, "provisioning_uri": uri}


@blueprint.route("/mfa/confirm", methods=["POST"])
@requires(Permission.SELF, may_owe=Owing.SECOND_FACTOR)
@of_account
@blueprint.arguments(ConfirmMfaSchema)
@blueprint.response(200, RecoveryCodesSchema)
@refuses(429)
def confirm_mfa(body: dict[str, Any]) -> dict[str, Any]:
    """Turn the second factor on with a code of the app. Answers ten recovery codes, which are shown only now."""
    confirm_session()  # before the try is counted
    with proving(), transaction(tenant()) as session:
        user = accounts.lock_own(session, actor())
        codes = mfa.confirm(session, services().settings, actor(), user, body["code"], now=now())
    return {"recovery_codes": codes}


@blueprint.route("/mfa/recovery-codes", methods=["POST"])
@requires(Permission.SELF)
@of_account
@blueprint.arguments(PasswordSchema)
@blueprint.response(200, RecoveryCodesSchema)
@refuses(429)
def renew_recovery_codes(body: dict[str, Any]) -> dict[str, Any]:
    """Ten new recovery codes; those before them are dead."""
    with _proving(body["password"], "/password"), transaction(tenant()) as session:
        codes = mfa.renew_recovery_codes(session, actor(), accounts.lock_own(session, actor()), now=now())
    return {"recovery_codes": codes}


@blueprint.route("/mfa/remove", methods=["POST"])
@requires(Permission.SELF)
@of_account
@blueprint.arguments(RemoveMfaSchema)
@blueprint.response(204)
@refuses(429)
def remove_mfa(body: dict[str, Any]) -> None:
    """Turn the second factor off, with the password and a code or a recovery code.

    Where the organization asks owners and admins for one, they can do nothing else until they have set up another.
    """
    with _proving(body["password"], "/password"), transaction(tenant()) as session:
        user = accounts.lock_own(session, actor())
        mfa.remove_own(session, services().settings, actor(), user, body["code"], now=now())


@contextmanager
def _proving(password: str, pointer: str) -> "Iterator[Row[Any]]":
    """Check the caller's password before the block, so that a stolen token alone does not take the account over. What
    is refused as wrong, in the block too, counts like a failed sign-in. Gives the account as it was checked.

    Raises `Invalid` at `pointer`, `TooManyAttempts`.
    """
    with read_only(tenant()) as session:
        user = signing_in.own_account(session, actor())
    with proving():
        if not passwords.matches(user.password_hash, password):
            raise invalid_field(pointer, accounts.PASSWORD_WRONG, "This is not your current password.")
        yield user
