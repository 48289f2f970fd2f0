"""The one account: what a customer finds in Cloudflare's dashboard. Everybody may know it."""

ACCOUNT_ID = "5a4dbb0c0a9d4e6d8f1c2b3a4d5e6f70"
API_TOKEN = "sandbox-cloudflare-api-token-0123456789"  # noqa: S105 - opens nothing but the sandbox
ACCOUNT_HASH = "S4ndb0xHash_Vi7wi5KSIt"
SIGNING_KEY = "sandbox-cloudflare-images-signing-key"

DELIVERY_PATH = "/imagedelivery"
"""Where delivery is on the sandbox's port. Cloudflare has a host for it, https://imagedelivery.net, and no prefix."""

PUBLIC, THUMBNAIL = "public", "thumbnail"
VARIANTS = (PUBLIC, THUMBNAIL)
