"""Signatures, judged by the reference library of Standard Webhooks."""

from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from shared.core import webhook_secrets
from shared.integrations.export import Envelope
from shared.integrations.export.signing import sign

BODY = '{"type": "order.created", "data": {"note": "Zoë"}}'.encode()


def test_each_secret_verifies_on_its_own() -> None:
    secrets = [webhook_secrets.make() for _ in range(3)]
    signed = sign(Envelope("e1", BODY, datetime.now(UTC)), secrets)
    assert len(signed.headers["webhook-signature"].split(" ")) == 3
    for secret in secrets:
        assert Webhook(secret).verify(signed.body, signed.headers)["type"] == "order.created"
    with pytest.raises(WebhookVerificationError):
        Webhook(webhook_secrets.make()).verify(signed.body, signed.headers)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "e2"},
        {"webhook-timestamp": "1614265330"},
        {"webhook-timestamp": ""},
    ],
)
def test_what_is_changed_on_the_way_is_noticed(change: dict[str, str]) -> None:
    secret = webhook_secrets.make()
    signed = sign(Envelope("e1", BODY, datetime.now(UTC)), [secret])
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(signed.body, signed.headers | change)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(signed.body + b" ", signed.headers)


def test_the_vector_of_the_specification() -> None:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    at = datetime.fromtimestamp(1614265330, UTC)
    signed = sign(Envelope("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', at), [secret])
    assert signed.headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "abc",
        "whsec_abc",
        "whsec_" + "A" * 31,
        "whsec_" + "A" * 28,
        "whsec_" + "QUJD" * 30,
        "whsec_é" * 10,
    ],
)
def test_what_is_no_secret_is_refused_without_repeating_it(secret: str) -> None:
    with pytest.raises(ValueError, match=r"^must ") as refused:
        webhook_secrets.key_of(secret)
    assert len(secret) < 7 or secret not in str(refused.value)
    with pytest.raises(ValueError, match=r"^must "):
        sign(Envelope("e1", BODY, datetime.now(UTC)), [secret])


def test_nothing_shows_a_secret_or_a_body() -> None:
    envelope = Envelope("e1", BODY, datetime.now(UTC))
    assert "order.created" not in repr(envelope)
    assert "v1," not in repr(sign(envelope, [webhook_secrets.make()]))
