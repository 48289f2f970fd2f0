"""The installation's settings: the only reader of the environment.

Built once when a process starts and handed down; nothing else looks at `os.environ`. Every fault is reported in one
message, then the process exits with 78 (`EX_CONFIG`, sysexits.h), so that a supervisor can tell a bad setting from a
crash. `.env.example` and `ops/docs/settings.md` are generated from this class (`python -m ops.settings_docs`).
"""

import sys
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.core.export_settings import ExportSettings
from shared.core.mail_settings import MailSettings
from shared.core.networks import TrustedProxies
from shared.core.permissions import Role
from shared.core.retention_settings import RetentionSettings
from shared.core.setting_types import (
    Addresses,
    BasicLogin,
    Count,
    HttpUrl,
    Networks,
    PostgresUrl,
    RedisUrl,
    Seconds,
    Texts,
)
from shared.core.storage_settings import StorageSettings

EX_CONFIG = 78
SHORTEST_SECRET = 32
SHORTEST_BASIC_PASSWORD = 16
SHORTEST_METRICS_TOKEN = 16
TURNSTILE_TEST_SECRETS = frozenset(f"{digit}x{'0' * 31}AA" for digit in (1, 2, 3))
"""Cloudflare's own: always pass, always fail, already spent. Their answers name neither the action nor the page."""
PLACEHOLDERS = ("change", "example", "secret", "password", "default")


class Settings(ExportSettings, MailSettings, RetentionSettings, StorageSettings, BaseSettings):
    """One field per setting; its description is the operator's documentation."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    environment: Literal["production", "development", "test"] = Field(
        "production", description="`production` refuses placeholder and short secrets."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lowest level that is written to the JSON log."
    )

    database_url: PostgresUrl = Field(
        description="Login of API and workers: the restricted role `crewline_app` (ops/postgres/roles.sql)."
    )
    migration_database_url: PostgresUrl | None = Field(
        None, description="The schema owner's login, used by migrations only. Default: DATABASE_URL."
    )
    database_pool_size: Count = Field(
        10, description="Connections kept open per process, for reads and for writes each."
    )
    database_max_overflow: Annotated[int, Field(ge=0)] = Field(
        5, description="Extra connections per process under load."
    )
    database_pool_timeout_seconds: Seconds = Field(
        3.0, description="How long a request waits for a free connection before it answers 503."
    )
    database_statement_timeout_ms: Count = Field(5000, description="Longest single SQL statement.")
    database_lock_timeout_ms: Count = Field(3000, description="Longest wait for a row or table lock.")
    database_idle_in_transaction_timeout_ms: Count = Field(
        15000, description="Postgres ends a transaction that sits idle for longer."
    )

    redis_url: RedisUrl = Field(description="Broker of the job queues, and heartbeats. `noeviction`, AOF on.")

    api_bind: str = Field("127.0.0.1:8000", description="Address and port gunicorn listens on.")
    api_workers: Count = Field(2, description="gunicorn worker processes.")
    api_threads: Count = Field(8, description="Threads per gunicorn worker.")
    api_base_url: HttpUrl = Field(
        "http://127.0.0.1:8000",
        description="Public URL of this API: signed photo links and set-password links start with it.",
    )
    api_json_max_bytes: Count = Field(1024 * 1024, description="Largest JSON body; more is 413.")

    trust_proxy_headers: bool = Field(
        False, description="Believe X-Forwarded-For of the proxies that are listed below."
    )
    trusted_proxy_ips: Addresses = Field(
        (), description="Addresses of your proxies. Comma list; used with TRUST_PROXY_HEADERS=true."
    )
    trusted_proxy_cidrs: Networks = Field(
        (), description="Networks of your proxies, such as 10.0.0.0/8. Comma list; used with TRUST_PROXY_HEADERS=true."
    )

    auth_secret_key: SecretStr = Field(description="Signs staff access tokens (HS256). 32 characters or more.")
    auth_secret_key_previous: SecretStr = Field(
        SecretStr(""), description="The key before, while rotating: what it has signed or sealed is still accepted."
    )
    auth_access_token_ttl_minutes: Count = Field(15, description="Life of an access token.")
    auth_session_ttl_minutes: Count = Field(24 * 60, description="A session ends after this long without a refresh.")
    auth_refresh_token_ttl_minutes: Count = Field(14 * 24 * 60, description="A session ends at this age at the latest.")

    legacy_basic_auth_enabled: bool = Field(
        False, description="Let the Basic logins below in, as staff of one organization. For old integrations only."
    )
    legacy_basic_auth_org: str = Field("", description="Slug of the organization in which Basic logins act.")
    owner_basic_username: str = Field("", description="Basic login with the role owner.")
    owner_basic_password: SecretStr = Field(SecretStr(""), description="Its password.")
    admin_basic_username: str = Field("", description="Basic login with the role admin.")
    admin_basic_password: SecretStr = Field(SecretStr(""), description="Its password.")
    dispatcher_basic_username: str = Field("", description="Basic login with the role dispatcher.")
    dispatcher_basic_password: SecretStr = Field(SecretStr(""), description="Its password.")
    accountant_basic_username: str = Field("", description="Basic login with the role finance.")
    accountant_basic_password: SecretStr = Field(SecretStr(""), description="Its password.")
    viewer_basic_username: str = Field("", description="Basic login with the role viewer.")
    viewer_basic_password: SecretStr = Field(SecretStr(""), description="Its password.")

    stripe_webhook_secret: SecretStr = Field(
        SecretStr(""),
        description="Signing secret of the webhook endpoint; comma list while rotating. Empty: endpoint off (503).",
    )

    captcha_mode: Literal["off", "turnstile"] = Field(
        "off", description="What strangers have to pass before they leave something behind at `/v1/public`."
    )
    turnstile_secret_key: SecretStr = Field(
        SecretStr(""),
        description="Secret key of the Cloudflare Turnstile widget; required with CAPTCHA_MODE=turnstile.",
    )
    turnstile_hostnames: Texts = Field(
        (), description="Hostnames of the pages whose captchas count, such as book.example.com. Comma list; empty: any."
    )
    turnstile_api_base: HttpUrl = Field(
        "https://challenges.cloudflare.com", description="Where Turnstile is; the sandbox has one of its own."
    )

    metrics_enabled: bool = Field(False, description="Serve `/v1/metrics`.")
    metrics_token: SecretStr = Field(
        SecretStr(""),
        description="Bearer token of Prometheus, 16 characters or more. Empty: admins may read metrics, nobody else.",
    )

    job_heartbeat_required: bool = Field(
        False, description="`/readyz` answers 503, not a warning, on a stale heartbeat."
    )
    job_heartbeat_ttl_seconds: Seconds = Field(300.0, description="A queue's heartbeat older than this is stale.")
    job_heartbeat_interval_seconds: Seconds = Field(
        30.0, description="How often beat sends a heartbeat through every queue."
    )
    sweep_interval_seconds: Seconds = Field(60.0, description="How often the sweeps look for work that got lost.")

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        production = self.environment == "production"
        faults = self.storage_faults(production=production)
        faults += self.mail_faults() + self.export_faults(production=production)
        if self.captcha_mode == "turnstile":
            faults += self._captcha_faults()
        if 0 < len(self.metrics_token.get_secret_value()) < SHORTEST_METRICS_TOKEN:
            faults.append(f"METRICS_TOKEN must have {SHORTEST_METRICS_TOKEN} characters or more")
        if self.trust_proxy_headers and not (self.trusted_proxy_ips or self.trusted_proxy_cidrs):
            faults.append("TRUST_PROXY_HEADERS=true needs TRUSTED_PROXY_IPS or TRUSTED_PROXY_CIDRS")
        if self.legacy_basic_auth_enabled:
            faults += self._basic_faults()
        if self.environment == "production":
            faults += self._weak_secrets()
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _captcha_faults(self) -> list[str]:
        secret = self.turnstile_secret_key.get_secret_value()
        if not secret:
            return ["TURNSTILE_SECRET_KEY is required with CAPTCHA_MODE=turnstile"]
        if self.environment == "production" and secret in TURNSTILE_TEST_SECRETS:
            return ["TURNSTILE_SECRET_KEY is one of Cloudflare's for tests, which everybody passes"]
        return []

    def _basic_faults(self) -> list[str]:
        faults = [] if self.legacy_basic_auth_org else ["LEGACY_BASIC_AUTH_ORG is required with Basic auth"]
        names = [login.username for login in self.basic_logins]
        if not names:
            faults.append("Basic auth is enabled without a login: set OWNER_BASIC_USERNAME and _PASSWORD, or others")
        if len(set(names)) < len(names):
            faults.append("every Basic login needs a username of its own")
        for login in self.basic_logins:
            if not login.username or ":" in login.username:
                faults.append(f"{login.prefix}_BASIC_USERNAME must be set and have no colon")
            password = login.password.get_secret_value()
            if len(password) < SHORTEST_BASIC_PASSWORD:
                faults.append(f"{login.prefix}_BASIC_PASSWORD must have {SHORTEST_BASIC_PASSWORD} characters or more")
            if self.environment == "production" and any(word in password.lower() for word in PLACEHOLDERS):
                faults.append(f"{login.prefix}_BASIC_PASSWORD is a placeholder: take a random one")
        return faults

    def _weak_secrets(self) -> list[str]:
        secrets = {
            "AUTH_SECRET_KEY": self.auth_secret_key.get_secret_value(),
            "ORDER_PHOTO_SIGNING_SECRET": self.order_photo_signing_secret.get_secret_value(),
        }
        more = {
            "AUTH_SECRET_KEY_PREVIOUS": self.auth_secret_key_previous.get_secret_value(),
            "PHOTO_TOKEN_SECRET": self.photo_token_secret.get_secret_value(),
        }
        secrets |= {name: secret for name, secret in more.items() if secret}
        faults = [
            f"{name} must be {SHORTEST_SECRET} random characters or more (make one: python -m ops.cli init)"
            for name, secret in secrets.items()
            if len(secret) < SHORTEST_SECRET or any(word in secret.lower() for word in PLACEHOLDERS)
        ]
        if len(set(secrets.values())) < len(secrets):
            faults.append(f"{' and '.join(secrets)} must differ")
        return faults

    @property
    def auth_secrets(self) -> tuple[str, ...]:
        """The key that signs and seals, then the one before while rotating."""
        keys = (self.auth_secret_key.get_secret_value(), self.auth_secret_key_previous.get_secret_value())
        return tuple(key for key in keys if key)

    @property
    def basic_logins(self) -> tuple[BasicLogin, ...]:
        """The Basic logins that are configured, wholly or in part."""
        found = (
            BasicLogin(Role.OWNER, "OWNER", self.owner_basic_username, self.owner_basic_password),
            BasicLogin(Role.ADMIN, "ADMIN", self.admin_basic_username, self.admin_basic_password),
            BasicLogin(Role.DISPATCHER, "DISPATCHER", self.dispatcher_basic_username, self.dispatcher_basic_password),
            BasicLogin(Role.FINANCE, "ACCOUNTANT", self.accountant_basic_username, self.accountant_basic_password),
            BasicLogin(Role.VIEWER, "VIEWER", self.viewer_basic_username, self.viewer_basic_password),
        )
        return tuple(login for login in found if login.username or login.password.get_secret_value())

    @property
    def trusted_proxies(self) -> TrustedProxies:
        """Whose X-Forwarded-For counts, when TRUST_PROXY_HEADERS is set."""
        return TrustedProxies(frozenset(self.trusted_proxy_ips), self.trusted_proxy_cidrs)

    @property
    def stripe_webhook_secrets(self) -> list[str]:
        return [secret for part in self.stripe_webhook_secret.get_secret_value().split(",") if (secret := part.strip())]


def faults_of(error: ValidationError) -> list[str]:
    """One line per fault, by the name an operator typed, never with the value (it may be a secret)."""
    lines = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        name = "_".join(str(part) for part in fault["loc"]).upper()
        text = fault["msg"].removeprefix("Value error, ")
        lines += [f"{name}: {text}"] if name else text.split("; ")
    return lines


def load_settings() -> Settings:
    """Read the environment, or print every fault at once and exit with 78."""
    try:
        return Settings()
    except ValidationError as error:
        faults = faults_of(error)
        print(f"crewline: {len(faults)} setting(s) to mend:", *faults, sep="\n  ", file=sys.stderr)
        sys.exit(EX_CONFIG)
