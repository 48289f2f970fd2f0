"""Settings of the storages: aliases, what each backend needs, what production refuses."""

from typing import Any

import pytest

from shared.core.settings import Settings
from tests.core.conftest import settings_faults

R2 = {
    "R2_BUCKET": "photos",
    "R2_ENDPOINT": "https://account.r2.cloudflarestorage.com",
    "R2_ACCESS_KEY": "key",
    "R2_SECRET_KEY": "secret",
}
CLOUDFLARE_IMAGES = {
    "CF_IMAGES_ACCOUNT_ID": "account",
    "CF_IMAGES_API_TOKEN": "token",
    "CF_IMAGES_ACCOUNT_HASH": "hash",
    "CF_IMAGES_SIGNING_KEY": "key",
}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("local", "local"), ("cloudflare_r2", "r2"), ("r2", "r2"), ("cf_images", "cloudflare_images")],
)
def test_a_backend_has_the_names_of_the_guide(environment: Any, typed: str, meant: str) -> None:
    environment(ORDER_STORAGE_BACKEND=typed, **R2, **CLOUDFLARE_IMAGES)
    assert Settings().order_storage_backend == meant


@pytest.mark.parametrize(
    ("backend", "missing"),
    [
        ("s3", ["S3_BUCKET"]),
        ("r2", ["R2_BUCKET", "R2_ENDPOINT", "R2_ACCESS_KEY", "R2_SECRET_KEY"]),
        ("cloudflare_images", list(CLOUDFLARE_IMAGES)),
    ],
)
def test_the_chosen_backend_needs_its_settings(environment: Any, backend: str, missing: list[str]) -> None:
    environment(ORDER_STORAGE_BACKEND=backend)
    assert settings_faults() == [f"{name} is required with {backend}" for name in missing]


def test_another_backend_is_set_up_whole_or_not_at_all(environment: Any) -> None:
    environment(R2_BUCKET="photos", S3_ACCESS_KEY="key")
    faults = settings_faults()
    assert "R2_SECRET_KEY is required with r2" in faults
    assert "S3_ACCESS_KEY and S3_SECRET_KEY go together" in faults


def test_memory_is_for_tests(environment: Any) -> None:
    environment(ORDER_STORAGE_BACKEND="memory")
    assert any("memory forgets every photo" in fault for fault in settings_faults())
    environment(ORDER_STORAGE_BACKEND="memory", ENVIRONMENT="test")
    assert Settings().order_storage_backend == "memory"


def test_production_refuses_a_short_secret_for_links(environment: Any) -> None:
    environment(PHOTO_TOKEN_SECRET="short")
    assert any(fault.startswith("PHOTO_TOKEN_SECRET must be 32") for fault in settings_faults())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ORDER_PHOTO_ALLOWED_MIMES", "image/jpg"),
        ("ORDER_PHOTO_ALLOWED_MIMES", "image/jpeg,image/gif"),
        ("ORDER_PHOTO_ALLOWED_MIMES", ","),
        ("PHOTO_URL_TTL_SECONDS", "604801"),
        ("STORAGE_CIRCUIT_RECOVERY_SECONDS", "inf"),
    ],
)
def test_what_would_refuse_every_photo_or_break_every_link_is_not_started(
    environment: Any,
    name: str,
    value: str,
) -> None:
    environment(**{name: value})
    (fault,) = settings_faults()
    assert fault.startswith(f"{name}: ")
