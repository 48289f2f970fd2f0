"""Changing the secrets of links without breaking a link, one after the other."""

from datetime import UTC, datetime

import jwt
import pytest
from pydantic import SecretStr

from shared.core.settings import Settings
from shared.order_photos import links
from shared.order_photos.model import OrderPhoto
from shared.wiring import Services
from tests.factories.order_photos import make_photo
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.variants import client_on, with_settings

OLD, NEW, NEWEST = ("old-" + "o" * 40, "new-" + "n" * 40, "newest-" + "w" * 40)


@pytest.fixture
def photo(company: Company) -> OrderPhoto:
    return make_photo(company, make_order(company))


def _with(services: Services, signing: str, token: str = "") -> Services:
    return with_settings(services, order_photo_signing_secret=SecretStr(signing), photo_token_secret=SecretStr(token))


def _sign(photo: OrderPhoto, settings: Settings) -> str:
    return links.sign(photo, None, settings, now=datetime.now(UTC)).url


def _is_signed_with(url: str, secret: str) -> bool:
    try:
        jwt.decode(url.rpartition("/")[2], secret, algorithms=["HS256"], audience="order_photos")
    except jwt.InvalidSignatureError:
        return False
    return True


def test_the_token_secret_signs_new_links_and_old_ones_stay_good(company: Company, photo: OrderPhoto) -> None:
    before, after = _with(company.services, OLD), _with(company.services, OLD, NEW)
    old, new = _sign(photo, before.settings), _sign(photo, after.settings)
    assert (_is_signed_with(old, OLD), _is_signed_with(old, NEW)) == (True, False)
    assert (_is_signed_with(new, OLD), _is_signed_with(new, NEW)) == (False, True)
    client = client_on(after)
    assert client.get(old).status_code == client.get(new).status_code == 200
    assert client_on(before).get(new).status_code == 403


@pytest.mark.parametrize(
    ("signing", "token", "good"),
    [
        (OLD, NEWEST, (True, False)),  # the token secret is changed
        (NEW, "", (False, True)),  # the old secret is given up
        (NEW, NEWEST, (False, True)),  # both are changed, one step after the other
        (NEWEST, "", (False, False)),
    ],
)
def test_a_secret_that_is_not_set_any_more_opens_nothing(
    company: Company, photo: OrderPhoto, signing: str, token: str, good: tuple[bool, bool]
) -> None:
    of_old = _sign(photo, _with(company.services, OLD).settings)
    of_new = _sign(photo, _with(company.services, OLD, NEW).settings)
    client = client_on(_with(company.services, signing, token))
    assert (client.get(of_old).status_code == 200, client.get(of_new).status_code == 200) == good


def test_no_secret_is_empty(company: Company, photo: OrderPhoto) -> None:
    services = _with(company.services, OLD)
    assert services.settings.photo_secrets == (OLD,)
    url = _sign(photo, services.settings)
    head, body, _ = url.rpartition("/")[2].split(".")
    unsigned = f"/v1/photo-files/{head}.{body}."
    assert client_on(services).get(unsigned).status_code == 403
