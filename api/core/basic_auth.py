"""Basic auth (RFC 7617) for old integrations, off unless `LEGACY_BASIC_AUTH_ENABLED`.

Each of the five logins of the settings acts with one role in one organization, on every staff endpoint alike. There is
no account behind it, so what belongs to an account (sessions, passwords, second factors) is refused. Wrong logins are
counted like wrong passwords; every use is logged; answers carry `Deprecation` (RFC 9745).
"""

import base64
import binascii
import hmac
from datetime import UTC, datetime

import structlog
from flask import Response

from api.core import context
from api.core.context import Call
from shared.audit import service as audit
from shared.core.actor import Actor, system
from shared.core.setting_types import BasicLogin
from shared.core.settings import Settings
from shared.core.tenancy import PLATFORM, Tenant
from shared.core.transaction import read_only, transaction
from shared.identity import attempts
from shared.identity.tokens import Unauthenticated
from shared.organizations import service as organizations

log = structlog.get_logger(__name__)

DEPRECATED_SINCE = datetime(2026, 11, 24, tzinfo=UTC)
_HEADER = f"@{int(DEPRECATED_SINCE.timestamp())}"
_WRONG = "Basic auth is off, or the login is wrong."


def authenticate(call: Call, encoded: str) -> Actor:
    """Who sends these Basic credentials; sets the call's scope. Raises `Unauthenticated`, `TooManyAttempts`."""
    settings = call.services.settings
    if not settings.legacy_basic_auth_enabled:
        raise Unauthenticated(_WRONG)
    username, password = _decode(encoded)
    attempt = attempts.Attempt.of_basic(username, call.address)
    with read_only(PLATFORM) as session:
        attempts.refuse_blocked(session, attempt, now=call.now)
        organization = organizations.find_by_slug(session, settings.legacy_basic_auth_org)
    login = _find(settings, username.encode(), password.encode())
    if login is None:
        with transaction(PLATFORM) as session:
            attempts.begin(session, attempt, now=call.now)
            attempts.failed(session, attempt, now=call.now)
            if organization is not None:
                stranger = system(organization.id, "stranger", call.request_id, call.address)
                audit.record(session, stranger, "identity.basic_login_failed", organization.id, now=call.now)
        log.warning("basic_auth.refused", address=call.address, path=call.request.path)
        raise Unauthenticated(_WRONG)
    if organization is None:
        log.error("basic_auth.no_such_organization", slug=settings.legacy_basic_auth_org)
        raise Unauthenticated(_WRONG)
    log.warning("basic_auth.used", role=str(login.role), org_id=str(organization.id), path=call.request.path)
    call.is_legacy, call.scope = True, Tenant(organization.id)
    return Actor(
        org_id=organization.id,
        user_id=None,
        role=login.role,
        label=f"basic {login.role}",
        request_id=call.request_id,
        address=call.address,
    )


def mark_deprecated(response: Response) -> Response:
    """Say in the answer that this way in will go away."""
    if context.current().is_legacy:
        response.headers["Deprecation"] = _HEADER
    return response


def _find(settings: Settings, username: bytes, password: bytes) -> BasicLogin | None:
    """The login, in a time that does not depend on how much of it is right: every one is compared, in whole."""
    found = None
    for login in settings.basic_logins:
        same_name = hmac.compare_digest(login.username.encode(), username)
        same_password = hmac.compare_digest(login.password.get_secret_value().encode(), password)
        if same_name & same_password:
            found = login
    return found


def _decode(encoded: str) -> tuple[str, str]:
    try:
        username, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise Unauthenticated(_WRONG) from None
    if not colon:
        raise Unauthenticated(_WRONG)
    return username, password
