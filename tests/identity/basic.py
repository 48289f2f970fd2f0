"""Basic logins for the tests: one for each role that can have one."""

import base64
from typing import Any

from pydantic import SecretStr

from shared.core.permissions import Role
from shared.wiring import Services
from tests.variants import with_settings

ROLES = {
    "owner": Role.OWNER,
    "admin": Role.ADMIN,
    "dispatcher": Role.DISPATCHER,
    "accountant": Role.FINANCE,
    "viewer": Role.VIEWER,
}
"""The role of each login, by the name that its settings begin with."""


def password_of(name: str) -> str:
    return f"the {name} opens: s\u00e9same"


def with_logins(services: Services, slug: str, **changes: Any) -> Services:
    """An installation with all five logins, which act in the organization `slug`."""
    logins: dict[str, Any] = {}
    for name in ROLES:
        logins |= {f"{name}_basic_username": f"old-{name}", f"{name}_basic_password": SecretStr(password_of(name))}
    return with_settings(
        services, **{"legacy_basic_auth_enabled": True, "legacy_basic_auth_org": slug} | logins | changes
    )


def basic(name: str, password: str | None = None) -> dict[str, str]:
    """`Authorization` of the login of that name."""
    return encoded(f"old-{name}:{password_of(name) if password is None else password}".encode())


def encoded(credentials: bytes) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(credentials).decode()}"}
