"""Tells people from programs: a widget on the page gives the browser a token, which is checked here."""

from typing import Protocol

from shared.core.errors import code

CAPTCHA_REFUSED = code("captcha.refused", "The captcha token cannot be used")
CAPTCHA_AWAY = code("captcha.unavailable", "The captcha cannot be checked now")


class Captcha(Protocol):
    """A service that has challenged the browser."""

    def verify(self, token: str | None, *, action: str, address: str | None) -> None:
        """Use up `token`, which the widget has made for `action`, at the client's `address`.

        Raises `Invalid` when it is missing, forged, used, expired or made for something else; `Unavailable` when
        nobody can tell, so that what cannot be checked is never let in.
        """
