"""The people of your organization: invite, change, reset, shut out, let in. For owners and admins."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from api.core.access import confirm_session, requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, services, tenant
from api.core.idempotency import Answer, create_once
from api.core.openapi import refuses
from api.core.pagination import page_answer, page_request, page_schema
from api.iam.schemas import (
    ChangeUserSchema,
    EndedSessionsSchema,
    InviteSchema,
    UserListArguments,
    UserSchema,
    UserWithPasswordSchema,
    present,
    present_with,
)
from shared.core.permissions import Permission
from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only, transaction
from shared.crews import workers
from shared.iam import service as iam
from shared.identity import attempts, signing_in
from shared.identity.turns import turn
from shared.organizations import service as organizations

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("iam", __name__, url_prefix="/v1/iam/users", description=__doc__)


@blueprint.route("", methods=["GET"])
@requires(Permission.IAM_READ)
@blueprint.arguments(UserListArguments, location="query")
@blueprint.response(200, page_schema(UserSchema))
def list_users(arguments: dict[str, Any]) -> Answer:
    """List people, newest first."""
    with read_only(tenant()) as session:
        page = iam.list_page(
            session, actor(), page_request(arguments), roles=arguments.get("role"), states=arguments.get("state")
        )
    return page_answer(page, present)


@blueprint.route("", methods=["POST"])
@requires(Permission.IAM_WRITE)
@blueprint.arguments(InviteSchema)
@blueprint.response(201, UserWithPasswordSchema)
def invite_user(body: dict[str, Any]) -> Answer:
    """Add a person, with a temporary password that is shown only in this answer.

    It is good for one sign-in within 72 hours; then they must choose their own. They get a mail about it, with the
    password in it only where the installation says so. 409 `identity.email_taken` when the organization has one with
    this address; 403 `iam.owner_protected` when an admin invites an owner. With a `worker_profile` they are a worker
    from now on: 422 `crews.unknown_team`.
    """
    confirm_session()  # before the hash, which is dear
    temporary, settings = _new_temporary(), services().settings
    profile = body.pop("worker_profile")

    def invite(session: "Session") -> dict[str, Any]:
        user = iam.invite(session, settings, actor(), temporary, **body, now=now())
        if profile is not None:
            workers.create(
                session,
                actor(),
                name=user.name,
                email=user.email,
                user_id=user.id,
                team_id=profile["team_id"],
                team_pointer="/worker_profile/team_id",
                now=now(),
            )
        return present_with(user, temporary.password)

    return create_once(invite, shown_once="temp_password")


@blueprint.route("/<uuid:user_id>", methods=["GET"])
@requires(Permission.IAM_READ)
@blueprint.response(200, UserSchema)
def get_user(user_id: UUID) -> dict[str, Any]:
    """Get one person."""
    with read_only(tenant()) as session:
        return present(iam.get(session, actor(), user_id))


@blueprint.route("/<uuid:user_id>", methods=["PATCH"])
@requires(Permission.IAM_WRITE)
@blueprint.arguments(ChangeUserSchema)
@blueprint.response(200, UserSchema)
@refuses(409)
def change_user(body: dict[str, Any], user_id: UUID) -> dict[str, Any]:
    """Rename a person, or give them another role, which ends their sessions.

    403 `iam.owner_protected` when an admin makes or changes an owner; 409 `iam.last_owner`.
    """
    with transaction(tenant()) as session:
        return present(iam.change(session, actor(), user_id, **body, now=now()))


@blueprint.route("/<uuid:user_id>/reset-password", methods=["POST"])
@requires(Permission.IAM_WRITE)
@blueprint.response(200, UserWithPasswordSchema)
def reset_password(user_id: UUID) -> dict[str, Any]:
    """Replace somebody's password by a temporary one, shown only in this answer; ends their sessions.

    409 `iam.not_yourself`, and `iam.deactivated` for an account that is.
    """
    with read_only(tenant()) as session:
        iam.get(session, actor(), user_id)  # before the hash, which is dear
    temporary = _new_temporary()
    with transaction(tenant()) as session:
        user = iam.reset_password(session, services().settings, actor(), user_id, temporary, now=now())
        return present_with(user, temporary.password)


@blueprint.route("/<uuid:user_id>/deactivate", methods=["POST"])
@requires(Permission.IAM_WRITE)
@blueprint.response(200, UserSchema)
def deactivate_user(user_id: UUID) -> dict[str, Any]:
    """Shut somebody out, at once. 409 `iam.not_yourself`, `iam.last_owner`."""
    with transaction(tenant()) as session:
        return present(iam.deactivate(session, actor(), user_id, now=now()))


@blueprint.route("/<uuid:user_id>/reactivate", methods=["POST"])
@requires(Permission.IAM_WRITE)
@blueprint.response(200, UserSchema)
def reactivate_user(user_id: UUID) -> dict[str, Any]:
    """Let somebody in again, with the password they had."""
    with transaction(tenant()) as session:
        return present(iam.reactivate(session, actor(), user_id, now=now()))


@blueprint.route("/<uuid:user_id>/logout", methods=["POST"])
@requires(Permission.IAM_WRITE)
@blueprint.response(200, EndedSessionsSchema)
def log_out_user(user_id: UUID) -> dict[str, Any]:
    """End every session of somebody: when a password or a device may be in the wrong hands."""
    with transaction(tenant()) as session:
        return {"ended_sessions": iam.log_out(session, actor(), user_id, now=now())}


@blueprint.route("/<uuid:user_id>/reset-mfa", methods=["POST"])
@requires(Permission.IAM_WRITE)
@blueprint.response(200, UserSchema)
def reset_mfa(user_id: UUID) -> dict[str, Any]:
    """Take the second factor off somebody who has lost it; ends their sessions. 409 `identity.mfa_off`."""
    with transaction(tenant()) as session:
        return present(iam.reset_mfa(session, actor(), user_id, now=now()))


@blueprint.route("/<uuid:user_id>/unlock", methods=["POST"])
@requires(Permission.IAM_WRITE)
@blueprint.response(204)
def unlock_user(user_id: UUID) -> None:
    """Let somebody sign in at once who has failed too often."""
    with transaction(tenant()) as session:
        user = iam.unlock(session, actor(), user_id, now=now())
        slug = organizations.get(session, actor().org_id).slug
    keys = [attempts.account_key(slug, user.email), attempts.user_key(user.id)]
    with transaction(PLATFORM) as session:
        only = signing_in.find_account(session, email=user.email, org=None)
        if only is not None and only.id == user.id:
            keys.append(attempts.account_key(None, user.email))
        attempts.forget(session, *keys)


def _new_temporary() -> iam.Temporary:
    with turn(str(actor().org_id)):
        return iam.Temporary.new()
