"""The one account: what a customer finds in SendGrid's settings. Everybody may know it."""

API_KEY = "SG.sandbox-key-identifier.sandbox-api-key-that-opens-nothing-but-the-sandbox"

BASE_PATH = "/sendgrid"
"""Where the API is on the sandbox's port. SendGrid has a host for it, https://api.sendgrid.com, and no prefix."""
