"""The outside world on one machine: what Crewline talks to, at the other end of the wire.

The quickstart, the demo and the tests start this one process and point the real SDKs and protocols at it::

    python -m ops.sandbox --host 127.0.0.1 --smtp-port 0 --http-port 0 --s3-port 0 \
        --webhook-secret whsec_sandbox --webhook-url http://127.0.0.1:8000/v1/stripe/webhook

What it is
    * An **SMTP catcher**: takes every mail, keeps the newest in memory, shows them at ``/mail`` and as JSON
      at ``/api/mail``, and misbehaves on request (``/api/smtp/fault``).
    * A **SendGrid stand-in**: the API under ``/sendgrid/v3`` puts mails into the same mailbox, ``POST
      /api/sendgrid/events`` signs and posts events about them, shows both at ``/sendgrid``, and misbehaves on request
      (``/api/sendgrid/fault``). Its API key is in ``sendgrid/account``, the webhook's key at ``/api/sendgrid/key``.
    * A **Stripe stand-in** that sends webhooks: ``POST /api/stripe/events`` builds an event, signs it as
      Stripe does and posts it as often, as concurrently and as wrongly as the caller asks.
    * A **Turnstile stand-in**: ``POST /api/turnstile/tokens`` solves a captcha, ``/turnstile/v0/siteverify`` checks
      it as Cloudflare does, and misbehaves on request (``/api/turnstile/fault``). Its secret key is in
      ``turnstile/tokens``.
    * **S3**, kept in memory by moto, on a port of its own, with a bucket that is like Cloudflare R2. It wants signed
      requests and misbehaves on request (``/api/s3/fault``). Buckets and key are in ``s3/names``.
    * A **Cloudflare Images stand-in**: the API under ``/client/v4``, delivery under ``/imagedelivery``; shows what it
      has at ``/cloudflare``, and misbehaves on request (``/api/cloudflare/fault``). Its keys are in
      ``cloudflare/account``.

What it is not
    * Not part of the product. It imports nothing from ``api``, ``shared`` or ``worker``, so that a mistake
      made there cannot be made here a second time and pass unseen.
    * Not for the internet: no login, everything in memory, gone when the process ends.

Where to start: ``__main__`` (flags, start, stop), ``world`` (what the servers share), then a folder per
provider: ``mail``, ``sendgrid``, ``stripe``, ``turnstile``, ``s3`` and ``cloudflare``. ``web`` holds what every
page has in common.
"""
