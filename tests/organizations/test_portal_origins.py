"""Origins of a company's own pages: exact ones, spelled as browsers spell them."""

from typing import Any

import pytest

from shared.organizations.origins import normal_origin
from tests.checked_client import CheckedClient
from tests.factories.organizations import Company
from tests.rows import footprint, row


def _change(client: CheckedClient, company: Company, *origins: str) -> Any:
    headers = company.headers() | {"If-Match": "*"}
    return client.patch("/v1/organization", json={"portal_origins": list(origins)}, headers=headers)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://book.example.com", "https://book.example.com"),
        ("HTTPS://Book.EXAMPLE.com", "https://book.example.com"),
        ("https://book.example.com:443", "https://book.example.com"),
        ("https://book.example.com:8443", "https://book.example.com:8443"),
        ("https://book.example.com:08443", "https://book.example.com:8443"),
        ("https://book.example.com:65535", "https://book.example.com:65535"),
        ("https://book.example.com:80", "https://book.example.com:80"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://BÜCHER.example", "https://xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("https://book\u3002example.com", "https://book.example.com"),
        ("https://my-app--branch.example", "https://my-app--branch.example"),
        ("https://intranet", "https://intranet"),
        ("https://192.0.2.7:8443", "https://192.0.2.7:8443"),
        ("http://localhost", "http://localhost"),
        ("http://LOCALHOST:80", "http://localhost"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
    ],
)
def test_an_origin_is_kept_as_browsers_spell_it(client: CheckedClient, company: Company, typed: str, kept: str) -> None:
    answer = _change(client, company, typed)
    assert (answer.status_code, answer.get_json().get("portal_origins")) == (200, [kept])
    assert row("SELECT portal_origins AS o FROM organizations WHERE id = :id", id=company.org_id)["o"] == [kept]


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "*",
        "https://*",
        "https://*.example.com",
        "https://example.*",
        "book.example.com",
        "//book.example.com",
        "ftp://book.example.com",
        "https:book.example.com",
        "https:///book.example.com",
        "https://",
        "https://book.example.com/",
        "https://book.example.com/path",
        "https://book.example.com?",
        "https://book.example.com#top",
        "https://book.example.com\\",
        "https://anna@book.example.com",
        "https://anna:secret@book.example.com",
        "https://book.example.com:",
        "https://book.example.com:0",
        "https://book.example.com:65536",
        "https://book.example.com:999999",
        "https://book.example.com:4\u0664",
        "https://book.example.com:https",
        "https://book.example.com.",
        "https://.example.com",
        "https://book..example.com",
        "https://-book.example.com",
        "https://book-.example.com",
        "https://bo_ok.example.com",
        "https://bo%6fk.example.com",
        "https://bo ok.example.com",
        "https://" + "a" * 64 + ".com",
        "https://" + ".".join(["a" * 50] * 5) + ".example",
        "https://127.1",
        "https://0x7f000001",
        "https://2130706433",
        "https://192.0.2.256",
        "https://a.b.1",
        "https://[2001:db8::1]",
        "https://ex\u00adample\u200d.com",
        "http://book.example.com",
        "http://localhost.example.com",
        "http://127.0.0.2",
        "https://a.test,https://b.test",
        "https://a.test https://b.test",
    ],
)
def test_what_is_not_one_exact_origin_is_none(origin: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|has|must|names) "):
        normal_origin(origin)


@pytest.mark.parametrize("origin", ["null", "*", "https://*.example.com", "https://a.test/", "http://a.test"])
def test_what_is_not_one_exact_origin_is_pointed_at(client: CheckedClient, company: Company, origin: str) -> None:
    company.headers()
    before = footprint(company.org_id)
    answer = _change(client, company, "https://fine.example", origin)
    assert answer.status_code == 422
    (error,) = answer.get_json()["errors"]
    assert (error["pointer"], error["code"]) == ("/portal_origins/1", "organizations.bad_origin")
    assert footprint(company.org_id) == before


def test_the_same_origin_in_another_spelling_is_refused(client: CheckedClient, company: Company) -> None:
    answer = _change(client, company, "https://a.test", "https://b.test", "HTTPS://A.test:443", "nonsense")
    assert [error["pointer"] for error in answer.get_json()["errors"]] == ["/portal_origins/2", "/portal_origins/3"]


def test_twenty_origins_fit_and_none_are_fine(client: CheckedClient, company: Company) -> None:
    twenty = [f"https://shop-{number}.test" for number in range(20)]
    assert _change(client, company, *twenty).get_json()["portal_origins"] == twenty
    assert _change(client, company).get_json()["portal_origins"] == []


def test_another_spelling_of_what_is_kept_changes_nothing(client: CheckedClient, company: Company) -> None:
    _change(client, company, "https://a.test")
    before = footprint(company.org_id)
    assert _change(client, company, "HTTPS://A.TEST:443").headers["ETag"] == '"v2"'
    assert footprint(company.org_id) == before
