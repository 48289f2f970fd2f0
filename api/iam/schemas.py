from typing import Any

from marshmallow import ValidationError, fields, validates_schema
from webargs.fields import DelimitedList

from api.core.schemas import InSchema, Instant, MailAddress, OutSchema, PageArguments, Text
from shared.core.orm import columns_of
from shared.core.permissions import Role
from shared.identity.model import UserState


class WorkerProfileSchema(InSchema):
    team_id = fields.UUID(load_default=None, allow_none=True)


class InviteSchema(InSchema):
    email = MailAddress(required=True, metadata={"example": "wanda@example.com"})
    name = Text(required=True, limit=200, metadata={"example": "Wanda Worker"})
    role = fields.Enum(Role, by_value=True, required=True, metadata={"example": "worker"})
    worker_profile = fields.Nested(
        WorkerProfileSchema,
        load_default=None,
        metadata={"description": "Add a worker with this account, too; only with the role worker."},
    )

    @validates_schema
    def _worker(self, data: dict[str, Any], **_: Any) -> None:
        if data["worker_profile"] is not None and data["role"] != Role.WORKER:
            raise ValidationError("Only somebody with the role worker has one.", "worker_profile")


class ChangeUserSchema(InSchema):
    name = Text(limit=200, metadata={"example": "Dan Dispatcher"})
    role = fields.Enum(Role, by_value=True, metadata={"example": "dispatcher"})

    @validates_schema
    def _something(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Send a name, a role, or both.")


class UserListArguments(PageArguments):
    role = DelimitedList(fields.Enum(Role, by_value=True), metadata={"description": "Comma list", "example": "owner"})
    state = DelimitedList(
        fields.Enum(UserState, by_value=True), metadata={"description": "Comma list", "example": "active"}
    )


class UserSchema(OutSchema):
    id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.Enum(Role, by_value=True, required=True)
    state = fields.Enum(UserState, by_value=True, required=True)
    must_change_password = fields.Boolean(required=True)
    mfa_enabled = fields.Boolean(required=True)
    last_sign_in_at = Instant(required=True, allow_none=True)
    created_at = Instant(required=True)


class UserWithPasswordSchema(UserSchema):
    temp_password = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Shown only now; null when the answer is repeated for its Idempotency-Key."},
    )
    temp_password_until = Instant(required=True)


class EndedSessionsSchema(OutSchema):
    ended_sessions = fields.Integer(required=True)


def present(user: Any) -> dict[str, Any]:
    """A user as `UserSchema` says."""
    columns = columns_of(user)
    return {
        "id": columns["id"],
        "email": columns["email"],
        "name": columns["name"],
        "role": columns["role"],
        "state": columns["state"],
        "must_change_password": columns["must_change_password"],
        "mfa_enabled": columns["totp_confirmed_at"] is not None,
        "last_sign_in_at": columns["last_sign_in_at"],
        "created_at": columns["created_at"],
    }


def present_with(user: Any, temp_password: str) -> dict[str, Any]:
    """A user and their temporary password as `UserWithPasswordSchema` says."""
    until = columns_of(user)["temp_password_until"]
    return present(user) | {"temp_password": temp_password, "temp_password_until": until}
