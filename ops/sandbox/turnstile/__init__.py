"""The Turnstile stand-in: makes tokens as the widget does, and checks them as ``siteverify`` does.

``tokens`` knows what is good, ``routes`` speaks HTTP, ``faults`` makes checks go wrong. It follows what Cloudflare
publishes (https://developers.cloudflare.com/turnstile/get-started/server-side-validation/, and the secrets for tests
under https://developers.cloudflare.com/turnstile/troubleshooting/testing/).
"""
