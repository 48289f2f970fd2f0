"""SendGrid's signature of a webhook: ECDSA on P-256 with SHA-256 over the timestamp and the raw payload, DER, base64.

Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

import base64
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"


@dataclass(frozen=True)
class SigningKey:
    """A key pair of the webhook."""

    private: ec.EllipticCurvePrivateKey

    @property
    def public_key(self) -> str:
        """The verification key as SendGrid's settings page shows it: base64 of DER."""
        der = self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()

    def headers(self, payload: bytes, timestamp: int) -> dict[str, str]:
        """The headers by which ``payload``, posted at ``timestamp``, can be told from a forged one."""
        signature = self.private.sign(str(timestamp).encode() + payload, ec.ECDSA(hashes.SHA256()))
        return {SIGNATURE_HEADER: base64.b64encode(signature).decode(), TIMESTAMP_HEADER: str(timestamp)}


def new_key() -> SigningKey:
    """A pair that nobody has seen."""
    return SigningKey(ec.generate_private_key(ec.SECP256R1()))


def kept_key(path: Path) -> SigningKey:
    """The pair in ``path`` (PEM), made on first use. Raises ValueError for a file that holds something else."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        pem = new_key().private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise ValueError(  # noqa: TRY004 - as for any other content
            f"{path} holds no key of an elliptic curve"
        )
    return SigningKey(private)
