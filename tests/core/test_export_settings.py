"""Settings of exports: what would make every event dead is found at the start."""

from typing import Any

import pytest

from shared.core.settings import Settings
from tests.core.conftest import settings_faults

SECRET = "whsec_" + "QUJD" * 8
URL = "https://hooks.example.com/in"


def test_a_target_of_the_installation_has_a_secret(environment: Any) -> None:
    environment(EXPORT_MODE="webhook", EXPORT_WEBHOOK_URL=URL)
    assert settings_faults() == ["EXPORT_WEBHOOK_SECRET is required with EXPORT_WEBHOOK_URL"]
    environment(EXPORT_MODE="webhook", EXPORT_WEBHOOK_URL=URL, EXPORT_WEBHOOK_SECRET=f"{SECRET}, {SECRET}QUJD")
    assert Settings().export_webhook_secrets == (SECRET, f"{SECRET}QUJD")


@pytest.mark.parametrize(
    "secret", ["hunter2", "whsec_hunter2", "whsec_" + "QUJD" * 7, "whsec_" + "QUJD" * 22, "whsec_é"]
)
def test_what_cannot_sign_is_refused_and_not_repeated(environment: Any, secret: str) -> None:
    environment(EXPORT_WEBHOOK_URL=URL, EXPORT_WEBHOOK_SECRET=f"{SECRET},{secret}")
    (fault,) = settings_faults()
    assert fault.startswith("EXPORT_WEBHOOK_SECRET must ")
    assert secret not in fault


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://hooks.example.com:9000/",
        "https://user:password@hooks.example.com/",
        "https://127.1/",
        "https://hooks.example.com./",
    ],
)
def test_a_url_that_is_no_target_is_refused(environment: Any, url: str) -> None:
    environment(EXPORT_WEBHOOK_URL=url, EXPORT_WEBHOOK_SECRET=SECRET)
    (fault,) = settings_faults()
    assert fault.startswith("EXPORT_WEBHOOK_URL: ")
    assert "password@" not in fault


def test_a_url_is_kept_as_it_is(environment: Any) -> None:
    """Redirects are not followed, so that a slash at the end matters."""
    environment(EXPORT_WEBHOOK_URL=f"{URL}/", EXPORT_WEBHOOK_SECRET=SECRET)
    assert Settings().export_webhook_url == f"{URL}/"


def test_the_target_is_among_the_allowed_hosts(environment: Any) -> None:
    environment(EXPORT_WEBHOOK_URL=URL, EXPORT_WEBHOOK_SECRET=SECRET, EXPORT_WEBHOOK_ALLOWED_HOSTS="other.example.com")
    assert settings_faults() == ["EXPORT_WEBHOOK_URL: The host is not among those that webhooks may go to here"]
    environment(
        EXPORT_WEBHOOK_URL="https://hooks.example.com:9000/",
        EXPORT_WEBHOOK_SECRET=SECRET,
        EXPORT_WEBHOOK_ALLOWED_HOSTS="other.example.com, HOOKS.example.com:9000",
    )
    assert Settings().export_webhook_rules.allowed == (("other.example.com", None), ("hooks.example.com", 9000))


@pytest.mark.parametrize(
    "entry", ["https://hooks.example.com", "*.example.com", "hooks.example.com:", "10.0.0.0/8", "127.1"]
)
def test_an_allowed_host_is_a_host(environment: Any, entry: str) -> None:
    environment(EXPORT_WEBHOOK_ALLOWED_HOSTS=entry)
    (fault,) = settings_faults()
    assert fault.startswith("EXPORT_WEBHOOK_ALLOWED_HOSTS: ")


def test_private_targets_must_be_named(environment: Any) -> None:
    environment(EXPORT_WEBHOOK_BLOCK_PRIVATE_IPS="false")
    assert settings_faults() == ["EXPORT_WEBHOOK_BLOCK_PRIVATE_IPS=false needs EXPORT_WEBHOOK_ALLOWED_HOSTS"]


def test_production_lets_http_through_to_named_hosts_only(environment: Any) -> None:
    environment(EXPORT_WEBHOOK_ALLOW_HTTP="true")
    assert settings_faults() == ["EXPORT_WEBHOOK_ALLOW_HTTP=true needs EXPORT_WEBHOOK_ALLOWED_HOSTS in production"]
    environment(EXPORT_WEBHOOK_ALLOW_HTTP="true", EXPORT_WEBHOOK_ALLOWED_HOSTS="receiver:8080")
    assert Settings().export_webhook_allow_http
    environment(EXPORT_WEBHOOK_ALLOW_HTTP="true", ENVIRONMENT="development")
    assert Settings().export_webhook_allow_http
