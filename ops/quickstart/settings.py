"""What one installation is told: where its files are, which ports it has, its secrets, its environment."""

import json
import os
import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.quickstart import ports, records
from ops.quickstart.database import REPOSITORY
from ops.sandbox.cloudflare import account as cloudflare
from ops.sandbox.s3 import names as s3
from ops.sandbox.sendgrid import account as sendgrid
from ops.sandbox.sendgrid.signing import kept_key
from ops.sandbox.turnstile import tokens as turnstile

# Nothing else of the caller's shell comes in, but for what the functions below ask for by name.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
_INHERITED_TLS = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_SECRETS = (
    "auth_secret_key",
    "order_photo_signing_secret",
    "stripe_webhook_secret",
    "postgres_owner_password",
    "postgres_app_password",
    "redis_password",
    "flower_password",
    "metrics_token",
    "export_webhook_secret",
)
# The ports people know, when they are free; None: any.
_PORTS = {"api": 8000, "flower": 5555, "sandbox": 8025, "smtp": 1025, "s3": 8333, "postgres": None, "redis": None}
FLOWER_USER = "crewline"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Paths:
    """The files of one installation, all below `var`."""

    var: Path

    @property
    def state(self) -> Path:
        """For scripts: every URL, port, process and login. It exists exactly while the system is ready."""
        return self.var / "quickstart.json"

    @property
    def secrets(self) -> Path:
        return self.var / "secrets.json"

    @property
    def run(self) -> Path:
        return self.var / "run"

    @property
    def processes(self) -> Path:
        return self.run / "processes.json"

    @property
    def ports(self) -> Path:
        return self.run / "ports.json"

    @property
    def lock(self) -> Path:
        return self.run / "lock"

    @property
    def sendgrid_key(self) -> Path:
        """What the sandbox signs events of SendGrid with."""
        return self.var / "sendgrid-webhook-key.pem"

    def log(self, name: str) -> Path:
        return self.var / "log" / f"{name}.log"


def chosen_ports(paths: Paths) -> dict[str, int]:
    """A port for each server: those of the last run where they are free, so that bookmarks keep working."""
    remembered = _read(paths.ports)
    chosen: dict[str, int] = {}
    for name, preferred in _PORTS.items():
        last = remembered.get(name)
        wanted = last if isinstance(last, int) else preferred
        chosen[name] = ports.free_port(wanted, frozenset(chosen.values()))
    records.write_private_json(paths.ports, chosen)
    return chosen


def kept_secrets(paths: Paths) -> dict[str, str]:
    """The installation's secrets: 32 random bytes each, made once and kept in a private file."""
    kept = {name: value for name, value in _read(paths.secrets).items() if isinstance(value, str)}
    missing = {name: secrets.token_urlsafe(32) for name in _SECRETS if name not in kept}
    if missing:
        kept |= missing
        records.write_private_json(paths.secrets, kept)
    return kept


def base_environment() -> dict[str, str]:
    """The part of the caller's environment that every process gets."""
    inherited = {name: os.environ[name] for name in (*_INHERITED, *_INHERITED_TLS) if name in os.environ}
    return inherited | {"PYTHONPATH": str(REPOSITORY)}


def application_environment(
    paths: Paths, port: Mapping[str, int], secret: Mapping[str, str], urls: Mapping[str, str]
) -> dict[str, str]:
    """The environment of API, worker, beat, Flower and scripts. `urls` has the connection URLs by setting name."""
    return {
        **base_environment(),
        **urls,
        "ENVIRONMENT": "development",
        "LOG_LEVEL": "info",
        "API_BIND": f"{LOOPBACK}:{port['api']}",
        "API_BASE_URL": f"http://{LOOPBACK}:{port['api']}",
        "AUTH_SECRET_KEY": secret["auth_secret_key"],
        "ORDER_PHOTO_SIGNING_SECRET": secret["order_photo_signing_secret"],
        "STRIPE_WEBHOOK_SECRET": stripe_secret(secret),
        "METRICS_ENABLED": "true",
        "METRICS_TOKEN": secret["metrics_token"],
        **_captcha(port),
        **_cloudflare_images(port),
        **_mail(paths, port),
        **_storage(paths, port),
        **_exports(port, secret),
        "EMAIL_RETRY_BACKOFF_SECONDS": "5",
        "STORAGE_DELETE_RETRY_INTERVAL_SECONDS": "1",
        "SWEEP_INTERVAL_SECONDS": "5",
        "CLEANUP_INTERVAL_SECONDS": "5",
        "EMAIL_SCAN_INTERVAL_SECONDS": "10",
        "JOB_HEARTBEAT_INTERVAL_SECONDS": "5",
        "JOB_HEARTBEAT_REQUIRED": "true",
        "JOB_HEARTBEAT_TTL_SECONDS": "60",
    }


def _captcha(port: Mapping[str, int]) -> dict[str, str]:
    """Turnstile is the sandbox's. Off, unless the caller's shell has CAPTCHA_MODE=turnstile: then with its secret."""
    mode = os.environ.get("CAPTCHA_MODE", "off")
    base = f"http://{LOOPBACK}:{port['sandbox']}"
    return {"CAPTCHA_MODE": mode, "TURNSTILE_API_BASE": base, "TURNSTILE_SECRET_KEY": turnstile.SECRET}


def _mail(paths: Paths, port: Mapping[str, int]) -> dict[str, str]:
    """The mail server and SendGrid are the sandbox's, and mails end in one mailbox. They go by SMTP, unless the
    caller's shell has EMAIL_MODE=sendgrid or =off."""
    return {
        "EMAIL_MODE": os.environ.get("EMAIL_MODE", "smtp"),
        "EMAIL_FROM": "no-reply@crewline.test",
        "EMAIL_FROM_NAME": "Crewline",
        "SMTP_HOST": LOOPBACK,
        "SMTP_PORT": str(port["smtp"]),
        "SMTP_USE_TLS": "false",
        "SENDGRID_API_KEY": sendgrid.API_KEY,
        "SENDGRID_API_BASE": f"http://{LOOPBACK}:{port['sandbox']}{sendgrid.BASE_PATH}",
        "SENDGRID_WEBHOOK_PUBLIC_KEY": kept_key(paths.sendgrid_key).public_key,
    }


def _cloudflare_images(port: Mapping[str, int]) -> dict[str, str]:
    """Cloudflare Images is the sandbox's, ready for ORDER_STORAGE_BACKEND=cloudflare_images."""
    base = f"http://{LOOPBACK}:{port['sandbox']}"
    return {
        "CF_IMAGES_API_BASE": base,
        "CF_IMAGES_DELIVERY_BASE": base + cloudflare.DELIVERY_PATH,
        "CF_IMAGES_ACCOUNT_ID": cloudflare.ACCOUNT_ID,
        "CF_IMAGES_API_TOKEN": cloudflare.API_TOKEN,
        "CF_IMAGES_ACCOUNT_HASH": cloudflare.ACCOUNT_HASH,
        "CF_IMAGES_SIGNING_KEY": cloudflare.SIGNING_KEY,
    }


def _exports(port: Mapping[str, int], secret: Mapping[str, str]) -> dict[str, str]:
    """Events go to the sandbox's receiver, which is on this machine; they are given up soon, so that one can watch."""
    return {
        "EXPORT_MODE": "webhook",
        "EXPORT_WEBHOOK_URL": f"http://{LOOPBACK}:{port['sandbox']}/webhooks",
        "EXPORT_WEBHOOK_SECRET": export_secret(secret),
        "EXPORT_WEBHOOK_ALLOW_HTTP": "true",
        "EXPORT_WEBHOOK_BLOCK_PRIVATE_IPS": "false",
        "EXPORT_WEBHOOK_ALLOWED_HOSTS": LOOPBACK,
        "EXPORT_WEBHOOK_MAX_RETRIES": "2",
        "EXPORT_WEBHOOK_BACKOFF_SECONDS": "0.5",
        "EXPORT_DEAD_LETTER_INTERVAL_SECONDS": "10",
    }


def _storage(paths: Paths, port: Mapping[str, int]) -> dict[str, str]:
    """S3 and R2 are the sandbox's, and always within reach. New photos go to files, unless the caller's shell has
    ORDER_STORAGE_BACKEND=s3 or the like."""
    endpoint = f"http://{LOOPBACK}:{port['s3']}"
    return {
        "ORDER_STORAGE_BACKEND": os.environ.get("ORDER_STORAGE_BACKEND", "local"),
        "ORDER_UPLOAD_ROOT": str(paths.var / "uploads"),
        "S3_ENDPOINT": endpoint,
        "S3_BUCKET": s3.BUCKET,
        "S3_REGION": s3.REGION,
        "S3_ACCESS_KEY": s3.ACCESS_KEY,
        "S3_SECRET_KEY": s3.SECRET_KEY,
        "R2_ENDPOINT": endpoint,
        "R2_BUCKET": s3.R2_BUCKET,
        "R2_ACCESS_KEY": s3.ACCESS_KEY,
        "R2_SECRET_KEY": s3.SECRET_KEY,
    }


def export_secret(secret: Mapping[str, str]) -> str:
    """What signs events, in the form of Standard Webhooks."""
    return f"whsec_{b64encode(secret['export_webhook_secret'].encode()).decode()}"


def stripe_secret(secret: Mapping[str, str]) -> str:
    """The webhook signing secret, in the form that Stripe gives them out."""
    return f"whsec_{secret['stripe_webhook_secret']}"


def _read(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
