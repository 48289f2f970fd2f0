from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from marshmallow import fields, validate

from api.core.schemas import InSchema, Instant, Line, OutSchema
from shared.core.settings import Settings
from shared.exports.model import EndpointState
from shared.exports.telling import without_secrets

LONGEST_URL = 2000
Source = Literal["own", "installation", "none"]

_SECRET: dict[str, Any] = {
    "description": "Verifies the signatures (Standard Webhooks). Shown this once; null when none was made",
    "example": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
}


class DrillArguments(InSchema):
    wait = fields.Boolean(
        load_default=False,
        metadata={"description": "Answer when the run is over, or after 25 seconds; at once when others wait already"},
    )


class EndpointChangeSchema(InSchema):
    url = Line(
        required=True,
        limit=LONGEST_URL,
        metadata={"description": "Where events are posted to", "example": "https://hooks.example.com/crewline"},
    )


class EndpointSchema(OutSchema):
    source = fields.String(
        required=True,
        validate=validate.OneOf(["own", "installation", "none"]),
        metadata={"description": "Whose target it is. `none`: events wait until there is one"},
    )
    url = fields.String(
        required=True, allow_none=True, metadata={"description": "`own` only; of the installation's see `host`"}
    )
    host = fields.String(
        required=True, allow_none=True, metadata={"description": "Host, and port if it is a special one"}
    )
    is_delivering = fields.Boolean(
        required=True, metadata={"description": "False while the installation delivers nothing (EXPORT_MODE)"}
    )
    state = fields.Enum(EndpointState, by_value=True, required=True)
    disabled_reason = fields.String(required=True, allow_none=True)
    disabled_at = Instant(required=True, allow_none=True)
    failures = fields.Integer(required=True, metadata={"description": "In a row, up to now"})
    rests_until = Instant(
        required=True, allow_none=True, metadata={"description": "Left alone until then, after too many failures"}
    )
    last_success_at = Instant(required=True, allow_none=True)
    last_failure_at = Instant(required=True, allow_none=True)
    last_error = fields.String(required=True, allow_none=True, metadata={"example": "503 Service Unavailable"})
    probed_at = Instant(
        required=True, allow_none=True, metadata={"description": "When an `endpoint.probe` was sent last"}
    )
    probe_worked = fields.Boolean(required=True, allow_none=True)
    previous_secret_until = Instant(
        required=True, allow_none=True, metadata={"description": "Until then the secret before signs as well"}
    )
    version = fields.Integer(required=True)


class EndpointWithSecretSchema(EndpointSchema):
    secret = fields.String(required=True, allow_none=True, metadata=_SECRET)


_COLUMNS = tuple(
    name for name in EndpointSchema().fields if name not in {"source", "url", "host", "is_delivering", "last_error"}
)


def present(endpoint: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """The effective target, as `EndpointSchema` says."""
    target = endpoint["url"] or settings.export_webhook_url
    return {name: endpoint[name] for name in _COLUMNS} | {
        "source": _source(endpoint, settings),
        "url": endpoint["url"],
        "host": urlsplit(target).netloc.rpartition("@")[2] if target else None,
        "is_delivering": settings.export_mode != "off",
        "last_error": without_secrets(endpoint["last_error"]),
    }


def _source(endpoint: Mapping[str, Any], settings: Settings) -> Source:
    if endpoint["url"]:
        return "own"
    return "installation" if settings.export_webhook_url else "none"
