"""Tables at once: who gets them, how they are sent, and what happens when something goes wrong."""

import gzip
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from api.core import streams
from api.csv_files import answering
from shared.core import query_count
from shared.core.errors import Unavailable
from shared.core.permissions import GRANTS, Permission, Role
from shared.core.transaction import read_only, transaction
from shared.csv_files import reading
from shared.csv_files.model import CsvKind
from tests.checked_client import CheckedClient
from tests.csv_files import expecting
from tests.csv_files.odd_orders import make_odd_orders
from tests.csv_files.steps import ORDERS, PAYMENTS, read_table
from tests.factories.order_states import set_order_state
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.factories.payments import make_payment
from tests.rows import row, rows


@pytest.mark.parametrize(("path", "header"), [(ORDERS, expecting.ORDER_HEADER), (PAYMENTS, expecting.PAYMENT_HEADER)])
def test_without_rows_there_is_the_header(client: CheckedClient, company: Company, path: str, header: str) -> None:
    assert client.get(path, headers=company.headers()).data == f"{header}\r\n".encode()


def test_the_headers_tell_what_it_is(client: CheckedClient, company: Company) -> None:
    answer = client.get(ORDERS, headers=company.headers())
    local = row("SELECT (now() AT TIME ZONE 'America/Edmonton')::date AS day")["day"]
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="orders-{company.slug}-{local}.csv"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert "Content-Encoding" not in answer.headers
    assert "Content-Length" not in answer.headers


def test_it_is_compressed_for_who_takes_that(client: CheckedClient, company: Company) -> None:
    make_odd_orders(company)
    answer = client.get(ORDERS, headers=company.headers() | {"Accept-Encoding": "br, gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data) == expecting.orders(company.org_id)
    refused = client.get(ORDERS, headers=company.headers() | {"Accept-Encoding": "gzip;q=0"})
    assert refused.data == expecting.orders(company.org_id)


def test_head_has_the_headers_and_takes_nothing_away(client: CheckedClient, company: Company) -> None:
    make_order(company)
    answer = client.head(ORDERS, headers=company.headers())
    assert (answer.status_code, answer.data) == (200, b"")
    assert (
        answer.headers["Content-Disposition"]
        == client.get(ORDERS, headers=company.headers()).headers["Content-Disposition"]
    )
    assert len(_exports(company)) == 1, "only the GET has taken something away"


def test_http_1_0_gets_only_what_shows_that_it_was_cut(client: CheckedClient, company: Company) -> None:
    old = {"SERVER_PROTOCOL": "HTTP/1.0"}
    refused = client.get(ORDERS, headers=company.headers(), environ_overrides=old)
    assert (refused.status_code, refused.get_json()["code"]) == (426, "streams.old_http")
    assert refused.headers["Upgrade"] == "HTTP/1.1"
    packed = company.headers() | {"Accept-Encoding": "gzip"}
    assert client.get(ORDERS, headers=packed, environ_overrides=old).status_code == 200


def test_filters_let_through_what_lists_let_through(client: CheckedClient, company: Company) -> None:
    early, late = (
        make_order(company),
        make_order(
            company,
            scheduled_start=datetime(2126, 5, 1, 9, tzinfo=UTC),
            scheduled_end=datetime(2126, 5, 1, 10, tzinfo=UTC),
        ),
    )
    set_order_state(company, late, "confirmed")
    with transaction(company.scope) as session:
        session.execute(
            text("UPDATE orders SET created_at = '2026-01-01', updated_at = '2026-01-02' WHERE id = :id"), {"id": early}
        )

    def found(query: str) -> set[str]:
        return {each["id"] for each in read_table(client.get(f"{ORDERS}?{query}", headers=company.headers()))}

    assert found("status=confirmed,completed") == {str(late)}
    assert found("status=pending,confirmed") == {str(early), str(late)}
    assert found("scheduled_from=2126-05-01T09:00:00Z") == {str(late)}
    assert found("scheduled_to=2126-05-01T09:00:00Z") == {str(early)}
    assert found("created_from=2026-01-01T00:00:00Z&created_to=2026-01-01T00:00:01Z") == {str(early)}
    assert found("created_to=2026-01-01T00:00:00Z") == set()
    assert found("updated_since=2026-01-02T00:00:01Z") == {str(late)}


@pytest.mark.parametrize(
    "url",
    [
        f"{ORDERS}?status=lost",
        f"{ORDERS}?created_from=yesterday",
        f"{PAYMENTS}?scheduled_from=2026-01-01T00:00:00Z",
        f"{ORDERS}?q=anna",
    ],
)
def test_an_unknown_filter_is_refused_before_the_first_byte(client: CheckedClient, company: Company, url: str) -> None:
    answer = client.get(url, headers=company.headers())
    assert (answer.status_code, answer.get_json()["code"]) == (400, "request.bad_query")


def test_an_unknown_table_is_not_found(client: CheckedClient, company: Company) -> None:
    assert client.get("/v1/exports/users.csv", headers=company.headers()).status_code == 404


@pytest.mark.parametrize("role", list(Role))
def test_only_who_may_read_money_gets_a_table(client: CheckedClient, company: Company, role: Role) -> None:
    expected = 200 if role in {Role.OWNER, Role.ADMIN, Role.FINANCE} else 403
    assert client.get(ORDERS, headers=company.headers(role)).status_code == expected
    assert len(_exports(company)) == (expected == 200)


def test_clients_are_named_to_those_who_may_read_them(
    client: CheckedClient, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_order(company)
    headers = company.headers(Role.FINANCE)
    monkeypatch.setitem(GRANTS, Role.FINANCE, GRANTS[Role.FINANCE] - {Permission.CLIENTS_READ})
    answer = client.get(ORDERS, headers=headers)
    header = answer.data.splitlines()[0].decode().split(",")
    assert header == [name for name in expecting.ORDER_HEADER.split(",") if name not in expecting.CLIENT_COLUMNS]
    assert company.client_email not in answer.get_data(as_text=True)


def test_another_organization_is_in_no_table(client: CheckedClient, company: Company, neighbour: Company) -> None:
    theirs, mine = make_order(neighbour), make_order(company)
    make_payment(neighbour, theirs, amount=100)
    assert [each["id"] for each in read_table(client.get(ORDERS, headers=company.headers()))] == [str(mine)]
    assert read_table(client.get(PAYMENTS, headers=company.headers())) == []


def test_row_level_security_holds_even_for_a_wrong_organization(company: Company, neighbour: Company) -> None:
    make_order(neighbour)
    wanted = reading.Wanted(CsvKind.ORDERS, neighbour.org_id, {}, True, "UTC")
    with read_only(company.scope) as session:
        assert reading.read_piece(session, wanted, None) == reading.Piece([], None, reading.MOST_ROWS)


def test_who_took_what_away_is_written_down(client: CheckedClient, company: Company) -> None:
    client.get(f"{ORDERS}?status=pending&scheduled_from=2026-01-01T00:00:00Z", headers=company.headers())
    (entry,) = _exports(company)
    assert entry["actor_id"] == company.owner.user_id
    assert entry["after"] == {"kind": "orders", "filters": ["scheduled_from", "status"], "way": "stream"}


def test_two_can_be_sent_at_once_and_a_third_is_told_of_the_file(client: CheckedClient, company: Company) -> None:
    make_order(company)
    sent = [client.get(ORDERS, headers=company.headers()) for _ in range(streams.MOST_AT_ONCE)]
    refused = client.get(ORDERS, headers=company.headers())
    assert (refused.status_code, refused.get_json()["code"]) == (503, "streams.busy")
    assert refused.headers["Retry-After"] == "15"
    assert "POST" in refused.get_json()["detail"]
    assert len(_exports(company)) == len(sent), "who was refused has taken nothing away"
    for answer in sent:
        answer.close()
    assert len(read_table(client.get(ORDERS, headers=company.headers()))) == 1


def test_what_is_wrong_before_the_first_byte_is_a_problem_and_gives_the_place_back(
    client: CheckedClient, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise Unavailable("database.unavailable", "The database is not available.")

    with monkeypatch.context() as broken:
        broken.setattr(answering, "read_piece", away)
        for _ in range(streams.MOST_AT_ONCE + 1):
            refused = client.get(ORDERS, headers=company.headers())
            assert (refused.status_code, refused.get_json()["code"]) == (503, "database.unavailable")
    assert client.get(ORDERS, headers=company.headers()).status_code == 200


def test_what_goes_wrong_later_cuts_the_answer_short(
    client: CheckedClient, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        make_order(company)
    monkeypatch.setattr(answering, "FIRST_ROWS", 1)
    for _ in range(streams.MOST_AT_ONCE + 1):
        answer = client.get(ORDERS, headers=company.headers())
        body = answer.iter_encoded()
        assert next(body).startswith(b"id,number")
        with transaction(company.scope) as session:
            session.execute(
                text("UPDATE sessions SET revoked_at = now() WHERE user_id = :id"), {"id": company.owner.user_id}
            )
        with pytest.raises(streams.CutShortError):
            list(body)
        company._headers.clear()


def test_a_reader_who_takes_for_ever_is_cut_off(
    client: CheckedClient, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_order(company)
    monkeypatch.setattr(streams, "LONGEST_SECONDS", 0.0)
    answer = client.get(ORDERS, headers=company.headers())
    with pytest.raises(streams.CutShortError):
        list(answer.response)


def test_a_table_costs_four_statements(client: CheckedClient, company: Company) -> None:
    make_order(company)
    client.get(ORDERS, headers=company.headers()).get_data()
    assert query_count.current() == 4, "the organization, the audit entry, the end of the piece and the piece"


def _exports(company: Company) -> list[dict[str, Any]]:
    return rows("SELECT * FROM audit_entries WHERE org_id = :org AND action = 'csv_files.export'", org=company.org_id)
