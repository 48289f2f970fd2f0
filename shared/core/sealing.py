"""Values that we must be able to read again, kept so that a copy of the database does not show them.

Fernet (authenticated AES, https://github.com/fernet/spec) under a key derived from `AUTH_SECRET_KEY` by HKDF (RFC
5869). What the previous key has sealed can be read while `AUTH_SECRET_KEY_PREVIOUS` is set; `Resealing` brings
it under the current one.
"""

import base64
from dataclasses import dataclass
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.core.settings import Settings


def seal(settings: Settings, text: str) -> str:
    """`text`, readable with our key only."""
    return _keys(settings.auth_secrets).encrypt(text.encode()).decode()


def unseal(settings: Settings, sealed: str) -> str:
    """What was sealed. Raises ValueError when the key that sealed it is gone."""
    try:
        return _keys(settings.auth_secrets).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise ValueError("sealed with neither AUTH_SECRET_KEY nor AUTH_SECRET_KEY_PREVIOUS") from None


def reseal(settings: Settings, sealed: str) -> str:
    """The same value under the current key. Raises ValueError when the key that sealed it is gone."""
    return seal(settings, unseal(settings, sealed))


@dataclass(slots=True)
class Resealing:
    """Brings values under the current key one by one, and counts what became of them."""

    settings: Settings
    resealed: int = 0
    current: int = 0
    unreadable: int = 0

    def renewed(self, sealed: str) -> str:
        """The value under the current key; `sealed` itself when it was so already, and when nobody can read it."""
        if self._is_current(sealed):
            self.current += 1
            return sealed
        try:
            renewed = reseal(self.settings, sealed)
        except ValueError:
            self.unreadable += 1
            return sealed
        self.resealed += 1
        return renewed

    def _is_current(self, sealed: str) -> bool:
        try:
            _keys(self.settings.auth_secrets[:1]).decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True


@lru_cache(maxsize=8)
def _keys(secrets: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(secret)) for secret in secrets])


def _derived(secret: str) -> bytes:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"crewline sealed values").derive(secret.encode())
    return base64.urlsafe_b64encode(key)
