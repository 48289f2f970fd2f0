"""Settings of the Basic logins: every fault in a line that an operator can act on, and no password in it."""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from shared.core.permissions import Role
from shared.core.settings import Settings, faults_of
from tests.identity.basic import ROLES
from tests.variants import with_settings

LONG = "sixteen letters!"
GOOD: dict[str, Any] = {
    "legacy_basic_auth_enabled": True,
    "legacy_basic_auth_org": "bright",
    "owner_basic_username": "old-owner",
    "owner_basic_password": LONG,
}


def _faults(**changes: Any) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        Settings(**GOOD | changes)
    return faults_of(refused.value)


@pytest.mark.usefixtures("settings")
def test_one_login_is_enough() -> None:
    (login,) = Settings(**GOOD).basic_logins
    assert (login.role, login.username, login.password.get_secret_value()) == (Role.OWNER, "old-owner", LONG)
    assert LONG not in repr(login)


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize("name", ROLES)
def test_each_pair_of_settings_is_a_login_with_its_role(name: str) -> None:
    given = {f"{name}_basic_username": "somebody", f"{name}_basic_password": LONG}
    found = Settings(**GOOD | given).basic_logins
    assert (ROLES[name], "somebody") in [(login.role, login.username) for login in found]


FAULTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no organization": ({"legacy_basic_auth_org": ""}, ["LEGACY_BASIC_AUTH_ORG is required with Basic auth"]),
    "no login at all": (
        {"owner_basic_username": "", "owner_basic_password": ""},
        ["Basic auth is enabled without a login: set OWNER_BASIC_USERNAME and _PASSWORD, or others"],
    ),
    "no password": (
        {"viewer_basic_username": "v"},
        ["VIEWER_BASIC_PASSWORD must have 16 characters or more"],
    ),
    "no name": (
        {"accountant_basic_password": LONG},
        ["ACCOUNTANT_BASIC_USERNAME must be set and have no colon"],
    ),
    "a short password": (
        {"owner_basic_password": LONG[:15]},
        ["OWNER_BASIC_PASSWORD must have 16 characters or more"],
    ),
    "a colon in the name": (
        {"owner_basic_username": "old:owner"},
        ["OWNER_BASIC_USERNAME must be set and have no colon"],
    ),
    "one name twice": (
        {"admin_basic_username": "old-owner", "admin_basic_password": LONG},
        ["every Basic login needs a username of its own"],
    ),
    "several at once": (
        {"legacy_basic_auth_org": "", "dispatcher_basic_username": "d", "owner_basic_password": "short"},
        [
            "LEGACY_BASIC_AUTH_ORG is required with Basic auth",
            "OWNER_BASIC_PASSWORD must have 16 characters or more",
            "DISPATCHER_BASIC_PASSWORD must have 16 characters or more",
        ],
    ),
}


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(("changes", "lines"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_a_readable_line(changes: dict[str, Any], lines: list[str]) -> None:
    found = _faults(**changes)
    assert found == lines
    assert LONG not in str(found)


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize("changes", [changes for changes, _ in FAULTS.values()], ids=FAULTS.keys())
def test_while_it_is_off_nobody_minds(changes: dict[str, Any]) -> None:
    assert Settings(**GOOD | changes | {"legacy_basic_auth_enabled": False}).legacy_basic_auth_enabled is False


@pytest.mark.usefixtures("settings")
def test_production_takes_no_placeholder_for_a_password() -> None:
    placeholder = SecretStr("changemechangeme")
    assert Settings(**GOOD | {"owner_basic_password": placeholder}).basic_logins
    strong = {"environment": "production", "auth_secret_key": SecretStr("k7" * 20)}
    strong |= {"order_photo_signing_secret": SecretStr("m3" * 20)}
    assert _faults(owner_basic_password=placeholder, **strong) == [
        "OWNER_BASIC_PASSWORD is a placeholder: take a random one"
    ]


def test_changed_settings_work_out_anew_what_they_keep(process_services: Any) -> None:
    """`tests/variants.py` copies settings, and must not copy what was worked out from the old ones."""
    before = process_services.settings
    assert before.auth_secrets
    assert before.basic_logins == ()
    changed = with_settings(
        process_services,
        auth_secret_key=SecretStr("k" * 40),
        viewer_basic_username="v",
        viewer_basic_password=SecretStr(LONG),
    ).settings
    assert changed.auth_secrets == ("k" * 40,)
    assert [login.username for login in changed.basic_logins] == ["v"]
    assert before.auth_secrets != changed.auth_secrets
