from dataclasses import asdict
from typing import Any

from marshmallow import fields, validate

from api.core.schemas import InSchema, Instant, OutSchema, Text
from shared.core.actor import Actor
from shared.core.orm import columns_of
from shared.core.permissions import GRANTS, Permission, Role
from shared.identity import passwords
from shared.identity.mfa import MUST_HAVE as MUST_HAVE_MFA
from shared.identity.sessions import Tokens

_SECRET = validate.Length(min=1, max=passwords.LONGEST)


class LoginSchema(InSchema):
    org = Text(
        limit=50,
        load_default=None,
        allow_none=True,
        metadata={"description": "Slug of the organization; may be left out when the address has one account only."},
    )
    email = Text(required=True, shortest=3, limit=254)
    password = fields.String(required=True, validate=_SECRET)
    code = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=6, max=50),
        metadata={"description": "Of the second factor, when one is on: 6 digits, or a recovery code."},
    )


class RefreshSchema(InSchema):
    refresh_token = fields.String(required=True, validate=_SECRET)


class SetPasswordSchema(InSchema):
    token = fields.String(required=True, validate=_SECRET)
    password = fields.String(required=True, validate=_SECRET)


class PasswordSchema(InSchema):
    password = fields.String(required=True, validate=_SECRET, metadata={"description": "Your current one"})


class ChangePasswordSchema(InSchema):
    current_password = fields.String(required=True, validate=_SECRET)
    new_password = fields.String(
        required=True, validate=_SECRET, metadata={"description": f"{passwords.SHORTEST} characters or more"}
    )


class ConfirmMfaSchema(InSchema):
    code = fields.String(
        required=True, validate=validate.Regexp(r"[0-9]{6}\Z", error="Six digits."), metadata={"example": "123456"}
    )


class RemoveMfaSchema(PasswordSchema):
    code = fields.String(
        required=True,
        validate=validate.Length(min=6, max=50),
        metadata={"description": "Of the app, or a recovery code", "example": "123456"},
    )


class TokensSchema(OutSchema):
    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True, metadata={"description": "Good for one refresh"})
    token_type = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "Life of the access token in seconds"})


class MeSchema(OutSchema):
    id = fields.UUID(required=True, allow_none=True, metadata={"description": "null for a Basic login"})
    org_id = fields.UUID(required=True)
    email = fields.String(required=True, allow_none=True)
    name = fields.String(required=True)
    role = fields.Enum(Role, by_value=True, required=True)
    permissions = fields.List(fields.Enum(Permission, by_value=True), required=True)
    mfa_enabled = fields.Boolean(required=True)
    must_change_password = fields.Boolean(
        required=True, metadata={"description": "Nothing else works before POST /v1/auth/change-password."}
    )
    must_set_up_mfa = fields.Boolean(
        required=True, metadata={"description": "Nothing else works before a second factor is set up."}
    )


class SessionSchema(OutSchema):
    id = fields.UUID(required=True)
    is_current = fields.Boolean(required=True)
    created_at = Instant(required=True)
    last_used_at = Instant(required=True, allow_none=True, metadata={"description": "Sign-in or latest refresh"})
    ends_at = Instant(required=True, metadata={"description": "At the latest; earlier without a refresh"})
    address = fields.String(required=True, allow_none=True)
    user_agent = fields.String(required=True, allow_none=True)


class EnrolmentSchema(OutSchema):
    secret = fields.String(required=True, metadata={"description": "Base32, for typing in"})
    provisioning_uri = fields.String(required=True, metadata={"description": "otpauth:, for a QR code"})


class RecoveryCodesSchema(OutSchema):
    recovery_codes = fields.List(fields.String(), required=True, metadata={"description": "Shown only now"})


def present_tokens(tokens: Tokens) -> dict[str, Any]:
    """Tokens as `TokensSchema` says."""
    return asdict(tokens)


def present_me(user: Any, actor: Actor) -> dict[str, Any]:
    """The caller's own account as `MeSchema` says."""
    assert actor.role is not None
    has_mfa = user.totp_confirmed_at is not None
    return {
        "id": user.id,
        "org_id": user.org_id,
        "email": user.email,
        "name": user.name,
        "role": actor.role,
        "permissions": sorted(GRANTS[actor.role]),
        "mfa_enabled": has_mfa,
        "must_change_password": user.must_change_password,
        "must_set_up_mfa": user.require_mfa and not has_mfa and actor.role in MUST_HAVE_MFA,
    }


def present_basic(actor: Actor) -> dict[str, Any]:
    """A Basic login, which has no account, as `MeSchema` says."""
    assert actor.role is not None
    return {
        "id": None,
        "org_id": actor.org_id,
        "email": None,
        "name": actor.label,
        "role": actor.role,
        "permissions": sorted(GRANTS[actor.role]),
        "mfa_enabled": False,
        "must_change_password": False,
        "must_set_up_mfa": False,
    }


def present_session(row: Any, actor: Actor) -> dict[str, Any]:
    """One of the caller's sessions as `SessionSchema` says."""
    columns = columns_of(row)
    return {
        "id": columns["id"],
        "is_current": columns["id"] == actor.session_id,
        "created_at": columns["created_at"],
        "last_used_at": columns["last_used_at"],
        "ends_at": columns["ends_at"],
        "address": columns["address"],
        "user_agent": columns["user_agent"],
    }
