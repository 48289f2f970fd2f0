"""The settings of photos and of the storages that keep them; part of `shared.core.settings.Settings`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr

from shared.core.setting_types import Count, HttpUrl, OptionalHttpUrl, Seconds, Texts

_MIMES = ("image/jpeg", "image/png", "image/webp", "image/heic")
_LONGEST_LINK_SECONDS = 7 * 24 * 60 * 60
"""S3 signs for no longer."""
_ALIASES = {"cloudflare_r2": "r2", "cf_images": "cloudflare_images"}


def backend_named(name: str) -> str:
    """The backend that an operator means by `name`."""
    return _ALIASES.get(name, name)


Backend = Annotated[
    Literal["local", "s3", "r2", "cloudflare_images", "memory"],
    BeforeValidator(lambda name: backend_named(name) if isinstance(name, str) else name),
]


def _known_mimes(mimes: tuple[str, ...]) -> tuple[str, ...]:
    if not mimes or set(mimes) - set(_MIMES):
        raise ValueError(f"must name some of {', '.join(_MIMES)}, and no other")
    return mimes


class StorageSettings(BaseModel):
    """A backend is set up when its bucket or account is named; photos that it keeps stay within reach, whatever
    ORDER_STORAGE_BACKEND says now."""

    order_storage_backend: Backend = Field(
        "local",
        description="Where new photos are kept: `local`, `s3`, `r2` (or `cloudflare_r2`), `cloudflare_images` (or "
        "`cf_images`), `memory` (tests). Photos stay where they are when it changes.",
    )
    order_upload_root: Path = Field(
        Path("var/uploads"), description="Folder of the `local` backend; a volume that API and workers share."
    )
    order_photo_max_bytes: Count = Field(10 * 1024 * 1024, description="Largest photo; more is 413.")
    order_photo_allowed_mimes: Annotated[Texts, AfterValidator(_known_mimes)] = Field(
        _MIMES,
        description="Accepted types, judged by content. Comma list. HEIC is kept as JPEG.",
    )
    order_photo_quota_bytes: Count = Field(
        20 * 1024**3, description="What the photos of one organization may take together; more is 402."
    )
    order_photo_signing_secret: SecretStr = Field(description="Signs photo links. 32 characters or more.")
    photo_token_secret: SecretStr = Field(
        SecretStr(""),
        description="Signs photo links in place of ORDER_PHOTO_SIGNING_SECRET, whose links stay good: set it to change "
        "the secret without breaking a link.",
    )
    photo_url_ttl_seconds: Annotated[Count, Field(le=_LONGEST_LINK_SECONDS)] = Field(
        60, description="Life of a signed photo link; a week at the longest."
    )

    storage_delete_retry_interval_seconds: Seconds = Field(
        30.0, description="First wait between tries to delete a file; doubles up to an hour."
    )
    storage_delete_max_attempts: Count = Field(5, description="Tries before a delete is `stuck` and needs a person.")
    storage_delete_batch_size: Count = Field(50, description="Files the janitor deletes between two transactions.")
    storage_circuit_failure_threshold: Count = Field(
        5, description="Failures in a row after which a storage is left alone."
    )
    storage_circuit_recovery_seconds: Seconds = Field(
        30.0, description="How long it is left alone before one call tries again."
    )

    s3_endpoint: OptionalHttpUrl = Field("", description="URL of an S3-compatible storage. Empty: Amazon's.")
    s3_bucket: str = Field("", description="Bucket of the `s3` backend.")
    s3_region: str = Field("us-east-1", description="Its region.")
    s3_access_key: str = Field("", description="Access key. Empty: what boto3 finds, such as the machine's role.")
    s3_secret_key: SecretStr = Field(SecretStr(""), description="Its secret.")
    s3_connect_timeout_seconds: Seconds = Field(3.0, description="Longest wait for a connection to S3.")
    s3_read_timeout_seconds: Seconds = Field(10.0, description="Longest silence of S3 in the middle of a call.")
    s3_max_attempts: Count = Field(3, description="Tries of one call, the first included.")

    r2_endpoint: OptionalHttpUrl = Field(
        "", description="URL of the `r2` backend: https://<account>.r2.cloudflarestorage.com."
    )
    r2_bucket: str = Field("", description="Bucket of the `r2` backend.")
    r2_access_key: str = Field("", description="Access key of an R2 token.")
    r2_secret_key: SecretStr = Field(SecretStr(""), description="Its secret.")
    r2_connect_timeout_seconds: Seconds = Field(3.0, description="Longest wait for a connection to R2.")
    r2_read_timeout_seconds: Seconds = Field(10.0, description="Longest silence of R2 in the middle of a call.")
    r2_max_attempts: Count = Field(3, description="Tries of one call, the first included.")

    cf_images_account_id: str = Field("", description="Account of the `cloudflare_images` backend.")
    cf_images_api_token: SecretStr = Field(SecretStr(""), description="API token that may edit Cloudflare Images.")
    cf_images_account_hash: str = Field("", description="Account hash, as in delivery URLs.")
    cf_images_signing_key: SecretStr = Field(SecretStr(""), description="Key that signs delivery URLs.")
    cf_images_default_variant: str = Field("public", description="Variant in which photos are shown.")
    cf_images_thumbnail_variant: str = Field("thumbnail", description="Variant of thumbnails; fit it to 480 px.")
    cf_images_api_base: HttpUrl = Field(
        "https://api.cloudflare.com", description="Where Cloudflare's API is; the sandbox has one of its own."
    )
    cf_images_delivery_base: HttpUrl = Field(
        "https://imagedelivery.net", description="Where Cloudflare delivers images."
    )
    cf_images_connect_timeout_seconds: Seconds = Field(3.0, description="Longest wait for a connection to Cloudflare.")
    cf_images_read_timeout_seconds: Seconds = Field(10.0, description="Longest silence of Cloudflare in a call.")

    @property
    def photo_secrets(self) -> tuple[str, ...]:
        """The secret that signs photo links, then the one whose links are still good."""
        secrets = (self.photo_token_secret.get_secret_value(), self.order_photo_signing_secret.get_secret_value())
        return tuple(secret for secret in secrets if secret)

    def storage_faults(self, *, production: bool) -> list[str]:
        """What the chosen backend lacks, and what is set up by half."""
        needed = {
            "s3": {"S3_BUCKET": self.s3_bucket},
            "r2": {
                "R2_BUCKET": self.r2_bucket,
                "R2_ENDPOINT": self.r2_endpoint,
                "R2_ACCESS_KEY": self.r2_access_key,
                "R2_SECRET_KEY": self.r2_secret_key.get_secret_value(),
            },
            "cloudflare_images": {
                "CF_IMAGES_ACCOUNT_ID": self.cf_images_account_id,
                "CF_IMAGES_API_TOKEN": self.cf_images_api_token.get_secret_value(),
                "CF_IMAGES_ACCOUNT_HASH": self.cf_images_account_hash,
                "CF_IMAGES_SIGNING_KEY": self.cf_images_signing_key.get_secret_value(),
            },
        }
        faults = [
            f"{name} is required with {backend}"
            for backend, values in needed.items()
            if backend == self.order_storage_backend or any(values.values())
            for name, value in values.items()
            if not value
        ]
        if bool(self.s3_access_key) != bool(self.s3_secret_key.get_secret_value()):
            faults.append("S3_ACCESS_KEY and S3_SECRET_KEY go together")
        if production and self.order_storage_backend == "memory":
            faults.append("ORDER_STORAGE_BACKEND=memory forgets every photo; it is for tests")
        return faults
