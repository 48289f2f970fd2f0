"""Settings: every fault in one message, by the operator's names, never with a value that may be a secret."""

import subprocess
import sys
from ipaddress import ip_address
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy.engine import make_url

from shared.core.settings import EX_CONFIG, Settings, load_settings
from tests.contract.source import ROOT
from tests.core.conftest import GOOD, settings_faults


def test_a_good_environment_is_read(environment: Any) -> None:
    settings = Settings()
    assert settings.environment == "production"
    assert settings.database_url.get_secret_value().startswith("postgresql+psycopg2://crewline_app:db-pass-77@")
    assert settings.email_mode == "off"


def test_every_fault_is_in_one_message(environment: Any, capsys: pytest.CaptureFixture[str]) -> None:
    environment(
        DATABASE_URL="mysql://root:hunter2@db/crewline",
        REDIS_URL=None,
        AUTH_SECRET_KEY=None,
        API_WORKERS="0",
        SMTP_PORT="99999",
        EMAIL_MODE="pigeon",
        PHOTO_URL_TTL_SECONDS="soon",
        JOB_HEARTBEAT_REQUIRED="perhaps",
        API_BASE_URL="ftp://files",
    )
    with pytest.raises(SystemExit) as stopped:
        load_settings()
    assert stopped.value.code == EX_CONFIG == 78
    said = capsys.readouterr().err
    for name in (
        "DATABASE_URL",
        "REDIS_URL",
        "AUTH_SECRET_KEY",
        "API_WORKERS",
        "SMTP_PORT",
        "EMAIL_MODE",
        "PHOTO_URL_TTL_SECONDS",
        "JOB_HEARTBEAT_REQUIRED",
        "API_BASE_URL",
    ):
        assert f"\n  {name}: " in said, name
    assert "9 setting(s)" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"AUTH_SECRET_KEY": "short-but-random-9fQ"}, "AUTH_SECRET_KEY"),
        ({"AUTH_SECRET_KEY": "change-me-" + "9fQ" * 12}, "AUTH_SECRET_KEY"),
        ({"ORDER_PHOTO_SIGNING_SECRET": "an-EXAMPLE-" + "9fQ" * 12}, "ORDER_PHOTO_SIGNING_SECRET"),
        ({"ORDER_PHOTO_SIGNING_SECRET": "x" * 31}, "ORDER_PHOTO_SIGNING_SECRET"),
        ({"ORDER_PHOTO_SIGNING_SECRET": GOOD["AUTH_SECRET_KEY"]}, "must differ"),
        ({"EMAIL_MODE": "smtp"}, "SMTP_HOST"),
        ({"SENDGRID_API_KEY": "SG.key-with-a-line-end\n"}, "SENDGRID_API_KEY must be"),
        ({"SMTP_PASSWORD": "pässwort"}, "SMTP_PASSWORD must be"),
        ({"SMTP_USERNAME": "büro"}, "SMTP_PASSWORD must be"),
        *[
            ({"EMAIL_FROM": sender}, "EMAIL_FROM must be")
            for sender in (
                "Crewline <no-reply@crewline.test>",
                "büro@crewline.test",
                "a@b@crewline.test",
                "a@büro.test",
            )
        ],
        ({"CAPTCHA_MODE": "turnstile"}, "TURNSTILE_SECRET_KEY is required"),
        *[
            ({"CAPTCHA_MODE": "turnstile", "TURNSTILE_SECRET_KEY": f"{digit}x{'0' * 31}AA"}, "TURNSTILE_SECRET_KEY")
            for digit in (1, 2, 3)
        ],
    ],
)
def test_production_refuses_what_is_weak_or_missing(environment: Any, changes: dict[str, str], name: str) -> None:
    environment(**changes)
    faults = settings_faults()
    assert any(name in fault for fault in faults)
    for value in changes.values():
        assert value in {"smtp", "turnstile"} or value not in "\n".join(faults)


def test_elsewhere_cloudflares_secrets_for_tests_will_do(environment: Any) -> None:
    environment(
        ENVIRONMENT="development", CAPTCHA_MODE="turnstile", TURNSTILE_SECRET_KEY="1x0000000000000000000000000000000AA"
    )
    assert Settings().captcha_mode == "turnstile"


def test_elsewhere_a_short_secret_will_do(environment: Any) -> None:
    environment(ENVIRONMENT="development", AUTH_SECRET_KEY="short")
    assert Settings().auth_secret_key.get_secret_value() == "short"


@pytest.mark.parametrize("name", [name for name in GOOD if name != "ENVIRONMENT"])
@pytest.mark.parametrize("value", [None, ""])
def test_what_is_required_may_be_neither_missing_nor_empty(environment: Any, name: str, value: str | None) -> None:
    environment(**{name: value})
    assert settings_faults() == [f"{name}: Field required"]


def test_production_is_the_default(environment: Any) -> None:
    environment(ENVIRONMENT=None, AUTH_SECRET_KEY="short")
    assert any("AUTH_SECRET_KEY" in fault for fault in settings_faults())


@pytest.mark.parametrize("url", ["postgres://u:p@h/d", "postgresql://u:p@h/d", "postgresql+psycopg2://u:p@h/d"])
def test_every_spelling_of_a_postgres_url_names_the_driver(environment: Any, url: str) -> None:
    environment(DATABASE_URL=url)
    assert Settings().database_url.get_secret_value() == "postgresql+psycopg2://u:p@h/d"


def test_odd_characters_of_a_password_survive(environment: Any) -> None:
    environment(DATABASE_URL="postgresql://u:p%40ss%2Fw%3Ard%25@h/d")
    assert make_url(Settings().database_url.get_secret_value()).password == "p@ss/w:rd%"


def test_secrets_never_print(environment: Any) -> None:
    environment(SMTP_PASSWORD="smtp-pass-77", STRIPE_WEBHOOK_SECRET="whsec_77")
    settings = Settings()
    shown = f"{settings!r} {settings} {settings.model_dump_json()}"
    for secret in ("db-pass-77", "redis-pass-77", "smtp-pass-77", "whsec_77", GOOD["AUTH_SECRET_KEY"]):
        assert secret not in shown


def test_lists_are_split_at_commas(environment: Any) -> None:
    environment(STRIPE_WEBHOOK_SECRET=" whsec_a , whsec_b,,", ORDER_PHOTO_ALLOWED_MIMES="image/png, image/jpeg")
    settings = Settings()
    assert settings.stripe_webhook_secrets == ["whsec_a", "whsec_b"]
    assert settings.order_photo_allowed_mimes == ("image/png", "image/jpeg")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"TRUST_PROXY_HEADERS": "true"}, "TRUST_PROXY_HEADERS=true needs TRUSTED_PROXY_IPS or TRUSTED_PROXY_CIDRS"),
        ({"TRUST_PROXY_HEADERS": "perhaps"}, "TRUST_PROXY_HEADERS: "),
        ({"TRUSTED_PROXY_IPS": "192.0.2.7, proxy.internal"}, "TRUSTED_PROXY_IPS: entry 2 is not an IP address"),
        ({"TRUSTED_PROXY_IPS": "10.0.0.0/8"}, "TRUSTED_PROXY_IPS: entry 1 is not an IP address"),
        ({"TRUSTED_PROXY_IPS": "fe80::1%eth0"}, "TRUSTED_PROXY_IPS: entry 1 names an interface"),
        ({"TRUSTED_PROXY_CIDRS": "10.0.0.1/8"}, "TRUSTED_PROXY_CIDRS: entry 1 is not a network"),
        ({"TRUSTED_PROXY_CIDRS": "10.0.0.0/8,10.0.0.0/33"}, "TRUSTED_PROXY_CIDRS: entry 2 is not a network"),
        ({"TRUSTED_PROXY_CIDRS": "0.0.0.0/0"}, "TRUSTED_PROXY_CIDRS: entry 1 is everybody"),
        ({"TRUSTED_PROXY_CIDRS": "fd00::/8, ::/0"}, "TRUSTED_PROXY_CIDRS: entry 2 is everybody"),
        ({"TRUSTED_PROXY_CIDRS": "::ffff:10.0.0.0/104"}, "TRUSTED_PROXY_CIDRS: entry 1 is IPv4 in IPv6"),
    ],
)
def test_a_list_of_proxies_that_cannot_be_meant_stops_the_start(
    environment: Any, capsys: pytest.CaptureFixture[str], changes: dict[str, str], fault: str
) -> None:
    environment(**changes)
    with pytest.raises(SystemExit) as stopped:
        load_settings()
    assert stopped.value.code == EX_CONFIG
    said = capsys.readouterr().err
    assert "1 setting(s)" in said
    assert f"\n  {fault}" in said


def test_proxies_are_trusted_by_address_and_by_network(environment: Any) -> None:
    environment(
        TRUST_PROXY_HEADERS="true", TRUSTED_PROXY_IPS=" 192.0.2.7 ,2001:DB8::7,", TRUSTED_PROXY_CIDRS="10.0.0.0/8"
    )
    trusted = Settings().trusted_proxies
    for address, expected in {
        "192.0.2.7": True,
        "192.0.2.8": False,
        "2001:db8::7": True,
        "2001:db8::8": False,
        "10.255.0.1": True,
        "11.0.0.1": False,
    }.items():
        assert (ip_address(address) in trusted) is expected, address


def test_no_proxy_is_trusted_unless_told(environment: Any) -> None:
    settings = Settings()
    assert settings.trust_proxy_headers is False
    assert ip_address("127.0.0.1") not in settings.trusted_proxies


def test_settings_cannot_be_changed_afterwards(environment: Any) -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.api_workers = 9


def test_a_process_with_bad_settings_ends_with_78_before_it_serves() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import api.wsgi"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "AUTH_SECRET_KEY": "hunter2-in-the-clear"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 78
    assert "DATABASE_URL" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
