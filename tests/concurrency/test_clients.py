"""Clients under callers who come at the same moment, and the search on many rows that are really there."""

from collections import Counter
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import psycopg2
from flask import Flask
from sqlalchemy import Connection, text
from werkzeug.test import TestResponse

from shared.clients import service as clients
from shared.core.transaction import read_only, transaction
from tests.concurrency.together import together, until_waiting
from tests.factories.clients import make_client
from tests.factories.organizations import Company
from tests.rows import row
from tests.servers import TEMPLATE, Addresses


def _merge(app: Flask, company: Company, kept: UUID, gone: UUID) -> TestResponse:
    url = f"/v1/clients/{kept}/merge"
    return app.test_client().post(url, json={"client_id": str(gone)}, headers=company.headers())


def _book(company: Company, *, name: str = "Bo", email: str | None = None, phone: str | None = None) -> UUID:
    with transaction(company.scope) as session:
        found = clients.find_or_create(
            session, company.owner, name=name, email=email, phone=phone, now=datetime.now(UTC)
        )
    return found.id  # type: ignore[no-any-return]


def test_of_sixteen_bookings_of_one_stranger_one_client_comes(company: Company) -> None:
    both = partial(_book, company, email="bo@client.test", phone="+14035550125")
    by_email, by_phone = partial(_book, company, email="BO@client.test"), partial(_book, company, phone="+14035550125")
    first = _book(company, email="bo@client.test", phone="+14035550125")
    assert set(together(*[both, by_email, by_phone] * 5)) == {first}
    fresh = together(*[partial(_book, company, email="new@client.test", phone="+14035550124")] * 16)
    assert len(set(fresh)) == 1
    assert row("SELECT count(*) AS n FROM clients WHERE org_id = :org", org=company.org_id)["n"] == 3


def test_of_eight_creations_with_one_address_one_succeeds(app: Flask, company: Company) -> None:
    headers = company.headers()

    def create() -> int:
        body = {"name": "Bo", "email": "bo@client.test"}
        return app.test_client().post("/v1/clients", json=body, headers=headers).status_code

    assert Counter(together(*[create] * 8)) == {201: 1, 409: 7}


def test_merges_that_cross_each_other_do_not_deadlock(app: Flask, company: Company) -> None:
    company.headers()
    for _ in range(5):
        first, second = make_client(company), make_client(company)
        answers = together(partial(_merge, app, company, first, second), partial(_merge, app, company, second, first))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        (lost,) = [answer.get_json() for answer in answers if answer.status_code == 409]
        assert lost["code"] == "clients.merged"


def test_a_booking_during_a_merge_ends_at_the_one_that_stays(app: Flask, company: Company) -> None:
    gone, kept = make_client(company, email="bo@client.test"), make_client(company, email=None, phone="+14035550124")
    headers = company.headers()
    with transaction(company.scope) as session:
        clients.hold(session, company.owner, kept)

        def merge() -> Any:
            url = f"/v1/clients/{kept}/merge"
            return app.test_client().post(url, json={"client_id": str(gone)}, headers=headers).status_code

        def book() -> Any:
            until_waiting(1)
            return _book(company, email="bo@client.test")

        def let_go() -> Any:
            until_waiting(2)
            session.commit()

        status, booked, _ = together(merge, book, let_go)
    assert (status, booked) == (200, kept)


def test_a_place_that_is_added_during_a_merge_is_not_lost(app: Flask, company: Company) -> None:
    company.headers()
    for _ in range(5):
        kept, gone = make_client(company), make_client(company)

        def add(client_id: UUID = gone) -> int:
            url = f"/v1/clients/{client_id}/addresses"
            return app.test_client().post(url, json={"address": "x"}, headers=company.headers()).status_code

        status = together(add, lambda: _merge(app, company, kept, gone).status_code)[0]  # noqa: B023 - runs here
        left = row("SELECT count(*) AS n FROM client_addresses WHERE client_id = :id", id=gone)["n"]
        moved = row("SELECT count(*) AS n FROM client_addresses WHERE client_id = :id", id=kept)["n"]
        assert (left, moved) == (0, 1 if status == 201 else 0)
        assert status in {201, 409}


def test_a_search_uses_the_index_under_row_level_security(company: Company, addresses: Addresses) -> None:
    """Or every search would read every word of the organization."""
    fill = """
        INSERT INTO clients (org_id, id, name, email, created_at)
        SELECT :org, gen_random_uuid(), 'N' || n, 'n' || n || '@many.test', now() FROM generate_series(1, 5000) AS n
    """
    words = """
        INSERT INTO client_terms (org_id, term, client_id)
        SELECT org_id, split_part(email, '@', 1) || suffix, id FROM clients, (VALUES (''), ('x'), ('y')) AS s (suffix)
        WHERE org_id = :org AND email LIKE '%@many.test'
    """
    for sql in (fill, words):
        with transaction(company.scope) as session:
            session.execute(text(sql), {"org": company.org_id})
        _analyze(addresses)  # at once: the foreign key of each word looks its client up by a plan for the old size
    with read_only(company.scope) as connection:
        for q in ("n77", "n7 n77"):
            plan = _plan(connection, clients.matching(company.owner, q))
            assert "Index Cond: ((org_id" in plan.partition("on client_terms")[2], plan
            assert "(term >= 'n77'::text)" in plan, plan
            assert "(term < 'n77" in plan, plan
            assert "pk_client_terms" in plan, plan
            assert "Seq Scan on client_terms" not in plan, plan


def _analyze(addresses: Addresses) -> None:
    name = row("SELECT current_database() AS name")["name"]
    connection = psycopg2.connect(addresses.owner_url.replace(TEMPLATE, name))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE clients, client_terms")
    connection.close()


def _plan(connection: Connection, query: Any) -> str:
    sql = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
    return "\n".join(connection.scalars(text(f"EXPLAIN {sql}")))
