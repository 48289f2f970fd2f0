"""How the page for unsubscribing looks and speaks."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.organizations.model import Organization
from tests.factories.organizations import Company
from tests.unsubscribing.steps import make_link


def test_the_page_speaks_the_language_of_the_mail(client: FlaskClient, company: Company) -> None:
    with transaction(PLATFORM) as session:
        session.execute(update(Organization).where(Organization.id == company.org_id).values(locale="he"))
    page = client.get(make_link(company, to="anna@client.test")).get_data(as_text=True)
    assert '<html lang="he" dir="rtl">' in page
    assert "להפסיק את התזכורות?" in page
    assert "\N{FIRST STRONG ISOLATE}a…@client.test\N{POP DIRECTIONAL ISOLATE}" in page


def test_a_link_that_is_wrong_is_answered_in_the_language_of_the_browser(client: FlaskClient) -> None:
    page = client.get("/v1/unsubscribe/wrong", headers={"Accept-Language": "fr, de;q=0.8, en;q=0.5"})
    assert "Dieser Link funktioniert nicht" in page.get_data(as_text=True)


def test_the_sender_is_named_as_in_the_mail(client: FlaskClient, company: Company) -> None:
    with transaction(PLATFORM) as session:
        own = update(Organization).where(Organization.id == company.org_id)
        session.execute(own.values(mail_sender_name="Office of Bright", brand_color="#ffd400"))
    page = client.get(make_link(company)).get_data(as_text=True)
    assert "Office of Bright" in page
    assert '"/static/brand/ffd400.css"' in page


@pytest.mark.parametrize(("color", "ink"), [("ffd400", "#000000"), ("0b6b57", "#ffffff"), ("000000", "#ffffff")])
def test_a_colour_is_given_with_what_can_be_read_on_it(client: FlaskClient, color: str, ink: str) -> None:
    answer = client.get(f"/static/brand/{color}.css")
    assert (answer.status_code, answer.mimetype) == (200, "text/css")
    assert answer.get_data(as_text=True) == f":root {{ --company: #{color}; --on-company: {ink}; }}\n"
    assert answer.headers["Cache-Control"] == "max-age=86400"


@pytest.mark.parametrize("color", ["FFD400", "ffd40g", "ffd4", "ffd4000", "%0a%0a%0a", "red;}*"])
def test_what_is_no_colour_is_not_found(client: FlaskClient, color: str) -> None:
    assert client.get(f"/static/brand/{color}.css").status_code == 404
