"""Tables as files: asked for, read by those who may, removed."""

import zlib
from typing import Any
from uuid import uuid4

import pytest

from shared.core.permissions import GRANTS, Permission, Role
from shared.csv_files.jobs import WRITE
from shared.csv_files.model import CsvKind
from tests.checked_client import CheckedClient
from tests.csv_files import expecting
from tests.csv_files.odd_orders import LONG, TEXTS, make_odd_orders
from tests.csv_files.steps import FILES, ORDERS, audited, content, file_row, half_written, parts_of
from tests.factories.csv_files import make_csv_file, make_ready_csv_file
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.rows import rows


@pytest.mark.usefixtures("small_parts")
def test_a_file_is_asked_for_written_and_read(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    make_odd_orders(company, [*TEXTS, LONG])
    asked = client.post(ORDERS, json={}, headers=company.headers())
    assert asked.status_code == 202
    url = asked.headers["Location"]
    assert client.get(url, headers=company.headers()).get_json()["state"] == "queued"
    assert content(client, company, asked.get_json()["id"]).get_json()["code"] == "csv_files.not_ready"
    assert WRITE.name in jobs.drain()
    file = client.get(url, headers=company.headers()).get_json()
    kept = parts_of(file["id"])
    assert (file["state"], file["rows"], file["total_rows"], file["percent"]) == (
        "ready",
        len(TEXTS) + 1,
        len(TEXTS) + 1,
        100,
    )
    assert file["size"] == sum(len(part["content"]) for part in kept)
    assert len(kept) == (len(TEXTS) + 1) // 10 + 1
    assert content(client, company, file["id"]).data == expecting.orders(company.org_id)


@pytest.mark.usefixtures("small_parts")
def test_the_content_is_one_gzip_member_or_plain(client: CheckedClient, company: Company) -> None:
    """Browsers stop after the first member, and would show the first part as the whole."""
    make_odd_orders(company)
    csv_file_id = make_ready_csv_file(company)
    packed = content(client, company, csv_file_id, **{"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(packed.data)
    unpacker = zlib.decompressobj(31)
    assert unpacker.decompress(packed.data) == expecting.orders(company.org_id)
    assert unpacker.eof
    assert unpacker.unused_data == b""
    plain = content(client, company, csv_file_id)
    assert int(plain.headers["Content-Length"]) == len(plain.data) == len(expecting.orders(company.org_id))
    assert plain.headers["ETag"] != packed.headers["ETag"]
    for answer in (packed, plain):
        again = content(
            client,
            company,
            csv_file_id,
            **{"If-None-Match": answer.headers["ETag"], "Accept-Encoding": "gzip" if answer is packed else "identity"},
        )
        assert (again.status_code, again.data) == (304, b"")


def test_a_file_without_rows_has_its_header(client: CheckedClient, company: Company) -> None:
    csv_file_id = make_ready_csv_file(company, CsvKind.PAYMENTS)
    assert content(client, company, csv_file_id).data == f"{expecting.PAYMENT_HEADER}\r\n".encode()


def test_head_of_the_content_notes_nothing(client: CheckedClient, company: Company) -> None:
    csv_file_id = make_ready_csv_file(company)
    answer = client.head(f"{FILES}/{csv_file_id}/content", headers=company.headers())
    assert (answer.status_code, answer.data) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(content(client, company, csv_file_id).data)
    assert len(audited(company, "csv_files.download")) == 1


def test_filters_are_kept_with_the_file(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    make_order(company)
    asked = client.post(
        ORDERS, json={"status": ["completed"], "created_from": "2026-01-01T01:00:00+01:00"}, headers=company.headers()
    )
    assert asked.get_json()["filters"] == {"status": ["completed"], "created_from": "2026-01-01T00:00:00Z"}
    jobs.drain()
    assert file_row(asked.get_json()["id"])["rows"] == 0


@pytest.mark.parametrize("body", [{"status": ["lost"]}, {"q": "anna"}, {"created_from": "yesterday"}])
def test_an_unknown_filter_is_refused(client: CheckedClient, company: Company, body: dict[str, Any]) -> None:
    assert client.post(ORDERS, json=body, headers=company.headers()).status_code == 422


def test_the_same_key_asks_once(client: CheckedClient, company: Company) -> None:
    headers = company.headers() | {"Idempotency-Key": "monday"}
    first, second = (client.post(ORDERS, json={}, headers=headers) for _ in range(2))
    assert first.get_json() == second.get_json()
    assert first.headers["Location"] == second.headers["Location"]
    assert len(rows("SELECT id FROM csv_files WHERE org_id = :org", org=company.org_id)) == 1


def test_three_files_are_written_at_once_and_no_more(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    made = [make_csv_file(company) for _ in range(3)]
    refused = client.post(ORDERS, json={}, headers=company.headers())
    assert (refused.status_code, refused.get_json()["code"]) == (409, "csv_files.too_many")
    assert client.post(ORDERS, json={}, headers=neighbour.headers()).status_code == 202
    assert client.delete(f"{FILES}/{made[0]}", headers=company.headers()).status_code == 204
    assert client.post(ORDERS, json={}, headers=company.headers()).status_code == 202


def test_colleagues_read_each_others_files_and_strangers_none(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    csv_file_id = make_ready_csv_file(company)
    for role in Role:
        expected = 200 if role in {Role.OWNER, Role.ADMIN, Role.FINANCE} else 403
        for path in (FILES, f"{FILES}/{csv_file_id}", f"{FILES}/{csv_file_id}/content"):
            assert client.get(path, headers=company.headers(role)).status_code == expected
    for path in (f"{FILES}/{csv_file_id}", f"{FILES}/{csv_file_id}/content"):
        assert client.get(path, headers=neighbour.headers()).status_code == 404
    assert client.delete(f"{FILES}/{csv_file_id}", headers=neighbour.headers()).status_code == 404
    assert client.get(FILES, headers=neighbour.headers()).get_json()["data"] == []
    assert parts_of(csv_file_id) != []


def test_a_file_that_names_clients_is_not_for_who_may_not_read_them(
    client: CheckedClient, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    csv_file_id, headers = make_ready_csv_file(company), company.headers(Role.FINANCE)
    monkeypatch.setitem(GRANTS, Role.FINANCE, GRANTS[Role.FINANCE] - {Permission.CLIENTS_READ})
    answer = client.get(f"{FILES}/{csv_file_id}/content", headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "csv_files.not_for_you")
    asked = client.post(ORDERS, json={}, headers=headers).get_json()
    assert file_row(asked["id"])["with_clients"] is False


def test_who_asked_for_a_file_and_who_took_it_is_written_down(client: CheckedClient, company: Company) -> None:
    csv_file_id = make_ready_csv_file(company)
    content(client, company, csv_file_id)
    assert [each["after"] for each in audited(company, "csv_files.export")] == [
        {"kind": "orders", "filters": [], "way": "file"}
    ]
    assert [each["resource_id"] for each in audited(company, "csv_files.download")] == [csv_file_id]


@pytest.mark.usefixtures("small_parts")
def test_a_file_is_not_read_before_its_last_part_is_in(client: CheckedClient, company: Company) -> None:
    make_odd_orders(company)
    csv_file_id = half_written(company)
    state = client.get(f"{FILES}/{csv_file_id}", headers=company.headers()).get_json()
    assert (state["state"], state["rows"]) == ("writing", 10)
    answer = content(client, company, csv_file_id)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "csv_files.not_ready")


def test_a_removed_file_is_gone_with_its_content(client: CheckedClient, company: Company) -> None:
    csv_file_id = make_ready_csv_file(company)
    assert client.delete(f"{FILES}/{csv_file_id}", headers=company.headers()).status_code == 204
    assert client.get(f"{FILES}/{csv_file_id}", headers=company.headers()).status_code == 404
    assert client.delete(f"{FILES}/{csv_file_id}", headers=company.headers()).status_code == 404
    assert parts_of(csv_file_id) == []
    assert len(audited(company, "csv_files.delete")) == 1


def test_an_unknown_file_is_not_found(client: CheckedClient, company: Company) -> None:
    for path in (f"{FILES}/{uuid4()}", f"{FILES}/{uuid4()}/content"):
        assert client.get(path, headers=company.headers()).status_code == 404
