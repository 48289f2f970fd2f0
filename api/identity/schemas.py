from dataclasses import asdict
from typing import Any

from marshmallow import fields, validate

from api.core.schemas import InSchema, OutSchema, Text
from shared.core.actor import Actor
from shared.core.permissions import GRANTS, Permission, Role
from shared.identity import passwords
from shared.identity.signing_in import Tokens

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


class RefreshSchema(InSchema):
    refresh_token = fields.String(required=True, validate=_SECRET)


class SetPasswordSchema(InSchema):
    token = fields.String(required=True, validate=_SECRET)
    password = fields.String(required=True, validate=_SECRET)


class TokensSchema(OutSchema):
    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True, metadata={"description": "Good for one refresh"})
    token_type = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "Life of the access token in seconds"})


class MeSchema(OutSchema):
    id = fields.UUID(required=True)
    org_id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.Enum(Role, by_value=True, required=True)
    permissions = fields.List(fields.Enum(Permission, by_value=True), required=True)


def present_tokens(tokens: Tokens) -> dict[str, Any]:
    """Tokens as `TokensSchema` says."""
    return asdict(tokens)


def present_me(user: Any, actor: Actor) -> dict[str, Any]:
    """The caller's own account as `MeSchema` says."""
    assert actor.role is not None
    return {
        "id": user.id,
        "org_id": user.org_id,
        "email": user.email,
        "name": user.name,
        "role": actor.role,
        "permissions": sorted(GRANTS[actor.role]),
    }
