"""What the quickstart tells the application."""

from pathlib import Path

from ops.quickstart.settings import _PORTS, _SECRETS, Paths, application_environment
from ops.sandbox.cloudflare import account
from shared.core.settings import Settings


def test_one_word_moves_new_photos_to_the_sandboxs_cloudflare_images(tmp_path: Path) -> None:
    ports = {name: 20_000 + number for number, name in enumerate(_PORTS)}
    urls = {"DATABASE_URL": "postgresql://u:p@127.0.0.1/d", "REDIS_URL": "redis://127.0.0.1"}
    told = application_environment(Paths(tmp_path), ports, {name: name + "-" * 32 for name in _SECRETS}, urls)
    told["ORDER_STORAGE_BACKEND"] = "cf_images"
    settings = Settings(**{name: told[name.upper()] for name in Settings.model_fields if name.upper() in told})
    assert settings.order_storage_backend == "cloudflare_images"
    assert settings.cf_images_api_base == f"http://127.0.0.1:{ports['sandbox']}"
    assert settings.cf_images_delivery_base == settings.cf_images_api_base + account.DELIVERY_PATH
