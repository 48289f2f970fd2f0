"""What the quickstart tells the programs that it starts."""

from pathlib import Path

import pytest

from ops.quickstart.settings import _PORTS, Paths, application_environment, chosen_ports, kept_secrets
from ops.sandbox.cloudflare import account
from ops.sandbox.s3.names import ACCESS_KEY, BUCKET, R2_BUCKET, SECRET_KEY
from ops.sandbox.sendgrid.account import API_KEY
from ops.sandbox.sendgrid.signing import kept_key
from shared.core.settings import Settings


def told(folder: Path) -> dict[str, str]:
    paths = Paths(folder)
    return application_environment(paths, chosen_ports(paths), kept_secrets(paths), {})


def test_every_server_has_a_port_of_its_own(tmp_path: Path) -> None:
    ports = chosen_ports(Paths(tmp_path))
    assert set(ports) == set(_PORTS)
    assert len(set(ports.values())) == len(ports)
    assert chosen_ports(Paths(tmp_path)) == ports


def test_s3_and_r2_of_the_sandbox_are_within_reach(tmp_path: Path) -> None:
    env, endpoint = told(tmp_path), f"http://127.0.0.1:{chosen_ports(Paths(tmp_path))['s3']}"
    for prefix, bucket in (("S3", BUCKET), ("R2", R2_BUCKET)):
        found = [env[f"{prefix}_{name}"] for name in ("ENDPOINT", "BUCKET", "ACCESS_KEY", "SECRET_KEY")]
        assert found == [endpoint, bucket, ACCESS_KEY, SECRET_KEY]


def test_new_photos_go_to_files_unless_the_caller_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORDER_STORAGE_BACKEND", raising=False)
    assert told(tmp_path)["ORDER_STORAGE_BACKEND"] == "local"
    monkeypatch.setenv("ORDER_STORAGE_BACKEND", "r2")
    assert told(tmp_path)["ORDER_STORAGE_BACKEND"] == "r2"


def test_mails_go_by_smtp_unless_the_caller_says_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMAIL_MODE", raising=False)
    assert told(tmp_path)["EMAIL_MODE"] == "smtp"
    monkeypatch.setenv("EMAIL_MODE", "sendgrid")
    env = told(tmp_path)
    assert env["EMAIL_MODE"] == "sendgrid"
    assert env["SENDGRID_API_BASE"] == f"http://127.0.0.1:{chosen_ports(Paths(tmp_path))['sandbox']}/sendgrid"
    assert env["SENDGRID_API_KEY"] == API_KEY


def test_the_key_of_sendgrids_webhook_is_the_sandboxs_and_stays(tmp_path: Path) -> None:
    kept = kept_key(Paths(tmp_path).sendgrid_key).public_key
    assert told(tmp_path)["SENDGRID_WEBHOOK_PUBLIC_KEY"] == told(tmp_path)["SENDGRID_WEBHOOK_PUBLIC_KEY"] == kept


def test_one_word_moves_new_photos_to_the_sandboxs_cloudflare_images(tmp_path: Path) -> None:
    env = told(tmp_path) | {"ORDER_STORAGE_BACKEND": "cf_images", "DATABASE_URL": "postgresql://u:p@127.0.0.1/d"}
    env |= {"REDIS_URL": "redis://127.0.0.1"}
    settings = Settings(**{name: env[name.upper()] for name in Settings.model_fields if name.upper() in env})
    assert settings.order_storage_backend == "cloudflare_images"
    assert settings.cf_images_api_base == f"http://127.0.0.1:{chosen_ports(Paths(tmp_path))['sandbox']}"
    assert settings.cf_images_delivery_base == settings.cf_images_api_base + account.DELIVERY_PATH
