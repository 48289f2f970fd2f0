"""Finding clients: by the beginnings of words, in any script, on an index."""

from typing import Any

import pytest

from shared.clients import service as clients
from shared.clients.words import MOST_BEGINNINGS, MOST_TERMS, beginnings, terms_of
from shared.core.transaction import read_only
from tests.checked_client import CheckedClient
from tests.factories.clients import make_client
from tests.factories.organizations import Company
from tests.rows import rows


def _found(client: CheckedClient, company: Company, **query: str) -> list[str]:
    answer = client.get("/v1/clients", query_string=query, headers=company.headers())
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [each["name"] for each in answer.get_json()["data"]]


@pytest.mark.parametrize(
    ("name", "q"),
    [
        ("Bo Lund", "bo"),
        ("Bo Lund", "LUN"),
        ("Bo Lund", "lund bo"),
        ("Zoë Ångström", "zoe ang"),
        ("Zoe Angstrom", "ZOË"),
        ("\u0130brahim I\u015f\u0131k", "ibrahim i\u015fik"),
        ("Ibrahim Isik", "\u0130BRAH\u0130M I\u015eIK"),
        ("Jörg Straßer", "STRASSER"),
        ("Jorg Strasser", "stra\u00dfer"),
        ("O'Brien & Sons", "o'bri"),
        ("O'Brien & Sons", "obrien"),
        ("O\u2019Brien", "o'brien"),
        ("O'Brien", "brien"),
        ("Müller-Lüdenscheidt", "ludenscheidt"),
        ("محمد علي", "علي"),
        ("\u200fמשה כהן\u200f", "כהן"),
        ("שָׁלוֹם", "שלום"),
        ("李小龙", "李小"),
        ("李小龙", "小龙"),
        ("김철수", "철수"),
        ("山田太郎", "太郎"),
        ("👩\u200d🔧 Fix-it", "👩"),
        ("👩\u200d🔧 Fix-it", "fix it"),
        ("ﬁne Œuvre", "fine oeuvre"),
    ],
)
def test_a_name_is_found_by_the_beginning_of_its_words(
    client: CheckedClient, company: Company, name: str, q: str
) -> None:
    make_client(company, name=name)
    make_client(company, name="Somebody Else", email="else@client.test")
    assert _found(client, company, q=q) == [name]


@pytest.mark.parametrize("q", ["und", "bo x", "lund@", "%", "_", "b%d", "'; --", "!!!", "\\"])
def test_what_begins_no_word_finds_nobody(client: CheckedClient, company: Company, q: str) -> None:
    make_client(company, name="Bo Lund", email="somebody@client.test")
    assert _found(client, company, q=q) == []


@pytest.mark.parametrize("q", ["bo.lund@", "bo.lund@mail.cli", "BO.LUND", "lund", "@mail.client", "mail"])
def test_an_address_is_found_by_its_beginning_and_its_parts(client: CheckedClient, company: Company, q: str) -> None:
    make_client(company, name="X", email="Bo.Lund@Mail.Client.test")
    assert _found(client, company, q=q) == ["X"]


@pytest.mark.parametrize(
    "q", ["+493012345678", "+49 (0)30 123", "030 12345678", "0049 30 1234", "5678", "1234-5678", "3012", "x 1234"]
)
def test_a_number_is_found_by_any_part_of_it(client: CheckedClient, company: Company, q: str) -> None:
    make_client(company, name="X", email=None, phone="+493012345678")
    make_client(company, name="Y", email=None, phone="+14035550123")
    assert _found(client, company, q=q) == ["X"]


def test_filters_by_address_and_number_are_exact(client: CheckedClient, company: Company) -> None:
    make_client(company, name="X", email="bo@client.test", phone="+14035550123")
    make_client(company, name="Y", email="bo@client.test.test", phone="+14035550124")
    assert _found(client, company, email="BO@client.test") == ["X"]
    assert _found(client, company, phone="+1 (403) 555-0123") == ["X"]
    assert _found(client, company, email="b@client.test") == []
    assert _found(client, company, phone="+14035550123", email="bo@client.test.test") == []


def test_a_search_stays_in_the_organization(client: CheckedClient, company: Company, neighbour: Company) -> None:
    make_client(neighbour, name="Bo Lund", email="bo@client.test", phone="+14035550123")
    for query in ({"q": "bo"}, {"email": "bo@client.test"}, {"phone": "+14035550123"}):
        assert _found(client, company, **query) == []


def test_a_changed_name_is_found_and_the_old_one_is_not(client: CheckedClient, company: Company) -> None:
    client_id = make_client(company, name="Bo Lund", email="bo@old.test", phone="+14035550123")
    changes = {"name": "Bo Berg", "email": "new@berg.test", "phone": None}
    answer = client.patch(f"/v1/clients/{client_id}", json=changes, headers=company.headers())
    assert answer.status_code == 200
    assert _found(client, company, q="berg") == ["Anna Berg", "Bo Berg"][::-1]
    assert _found(client, company, q="new@berg") == ["Bo Berg"]
    for gone in ("lund", "old", "5550123"):
        assert _found(client, company, q=gone) == [], gone


def test_pages_of_a_search_hold_each_once(client: CheckedClient, company: Company) -> None:
    made = [make_client(company, name=f"Bo {number}") for number in range(5)]
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        query = {"q": "bo", "limit": 2} | cursor
        page = client.get("/v1/clients", query_string=query, headers=company.headers()).get_json()
        seen += [each["id"] for each in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == [str(each) for each in reversed(made)]


def test_a_cursor_of_another_search_is_refused(client: CheckedClient, company: Company) -> None:
    for _ in range(3):
        make_client(company, name="Bo Lund")
    page = client.get("/v1/clients?q=bo&limit=1", headers=company.headers()).get_json()
    answer = client.get(f"/v1/clients?q=lund&limit=1&cursor={page['next_cursor']}", headers=company.headers())
    assert (answer.status_code, answer.get_json()["code"]) == (400, "pages.bad_cursor")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"q": ""}, "/q"),
        ({"q": "x" * 101}, "/q"),
        ({"q": "a\x00"}, "/q"),
        ({"email": "bo"}, "/email"),
        ({"phone": "5"}, "/phone"),
    ],
)
def test_a_search_that_cannot_be_is_refused(
    client: CheckedClient, company: Company, query: dict[str, str], pointer: str
) -> None:
    answer = client.get("/v1/clients", query_string=query, headers=company.headers())
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


def test_long_names_and_searches_are_bounded() -> None:
    assert len(terms_of("龙" * 200, "a@b.test", "+14035550123")) <= MOST_TERMS + 64
    assert len(beginnings(" ".join("abcdefghijklmnopqrstuvwxyz"))) == MOST_BEGINNINGS
    assert beginnings("a bb ccc") == ["ccc", "bb", "a"]


def test_the_search_of_other_features_finds_the_same(company: Company) -> None:
    bo = make_client(company, name="Bo Lund")
    with read_only(company.scope) as session:
        assert list(session.scalars(clients.matching(company.owner, "bo lund"))) == [bo]


def test_terms_of_a_new_client_are_its_own(company: Company) -> None:
    bo = make_client(company, name="Bo", email="bo@lund.test", phone="+14035550123")
    found = {each["term"] for each in rows("SELECT term FROM client_terms WHERE client_id = :id", id=bo)}
    assert {"bo", "bo@lund.test", "lund.test", "lund", "14035550123", "0123"} <= found
    assert "test" not in found
