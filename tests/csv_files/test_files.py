"""Tables as files: asked for, written part by part, read, forgotten."""

import zlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from shared.core.permissions import GRANTS, Permission, Role
from shared.core.transaction import read_only, transaction
from shared.csv_files import reading, writing
from shared.csv_files import service as csv_files
from shared.csv_files.jobs import SWEEP, WRITE
from shared.csv_files.model import CsvKind
from tests.checked_client import CheckedClient
from tests.csv_files import expecting
from tests.csv_files.odd_orders import LONG, TEXTS, make_odd_orders
from tests.factories.csv_files import make_csv_file, make_ready_csv_file
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.rows import row, rows
from worker.tasks import csv_files as tasks

FILES, ORDERS = "/v1/exports/files", "/v1/exports/orders.csv"


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of ten rows."""
    monkeypatch.setattr(writing, "ROWS_OF_PART", 10)


def _content(client: CheckedClient, company: Company, csv_file_id: Any, **headers: str) -> Any:
    return client.get(f"{FILES}/{csv_file_id}/content", headers=company.headers() | headers)


def _change(company: Company, sql: str, **values: Any) -> None:
    with transaction(company.scope) as session:
        session.execute(text(sql), values)


def _file(csv_file_id: Any) -> dict[str, Any]:
    return row("SELECT * FROM csv_files WHERE id = :id", id=csv_file_id)


def _parts(csv_file_id: Any) -> list[dict[str, Any]]:
    return rows("SELECT * FROM csv_file_parts WHERE csv_file_id = :id ORDER BY number", id=csv_file_id)


@pytest.mark.usefixtures("small_parts")
def test_a_file_is_asked_for_written_and_read(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    make_odd_orders(company, [*TEXTS, LONG])
    asked = client.post(ORDERS, json={}, headers=company.headers())
    assert asked.status_code == 202
    url = asked.headers["Location"]
    assert client.get(url, headers=company.headers()).get_json()["state"] == "queued"
    assert _content(client, company, asked.get_json()["id"]).get_json()["code"] == "csv_files.not_ready"
    assert WRITE.name in jobs.drain()
    file = client.get(url, headers=company.headers()).get_json()
    kept = _parts(file["id"])
    assert (file["state"], file["rows"], file["total_rows"], file["percent"]) == (
        "ready",
        len(TEXTS) + 1,
        len(TEXTS) + 1,
        100,
    )
    assert file["size"] == sum(len(part["content"]) for part in kept)
    assert len(kept) == (len(TEXTS) + 1) // 10 + 1
    assert _content(client, company, file["id"]).data == expecting.orders(company.org_id)


@pytest.mark.usefixtures("small_parts")
def test_the_content_is_one_gzip_member_or_plain(client: CheckedClient, company: Company) -> None:
    """Browsers stop after the first member, and would show the first part as the whole."""
    make_odd_orders(company)
    csv_file_id = make_ready_csv_file(company)
    packed = _content(client, company, csv_file_id, **{"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(packed.data)
    unpacker = zlib.decompressobj(31)
    assert unpacker.decompress(packed.data) == expecting.orders(company.org_id)
    assert unpacker.eof
    assert unpacker.unused_data == b""
    plain = _content(client, company, csv_file_id)
    assert int(plain.headers["Content-Length"]) == len(plain.data) == len(expecting.orders(company.org_id))
    assert plain.headers["ETag"] != packed.headers["ETag"]
    for answer in (packed, plain):
        again = _content(
            client,
            company,
            csv_file_id,
            **{"If-None-Match": answer.headers["ETag"], "Accept-Encoding": "gzip" if answer is packed else "identity"},
        )
        assert (again.status_code, again.data) == (304, b"")


def test_a_file_without_rows_has_its_header(client: CheckedClient, company: Company) -> None:
    csv_file_id = make_ready_csv_file(company, CsvKind.PAYMENTS)
    assert _content(client, company, csv_file_id).data == f"{expecting.PAYMENT_HEADER}\r\n".encode()


def test_head_of_the_content_notes_nothing(client: CheckedClient, company: Company) -> None:
    csv_file_id = make_ready_csv_file(company)
    answer = client.head(f"{FILES}/{csv_file_id}/content", headers=company.headers())
    assert (answer.status_code, answer.data) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(_content(client, company, csv_file_id).data)
    assert len(_audited(company, "csv_files.download")) == 1


def test_filters_are_kept_with_the_file(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    make_order(company)
    asked = client.post(
        ORDERS, json={"status": ["completed"], "created_from": "2026-01-01T01:00:00+01:00"}, headers=company.headers()
    )
    assert asked.get_json()["filters"] == {"status": ["completed"], "created_from": "2026-01-01T00:00:00Z"}
    jobs.drain()
    assert _file(asked.get_json()["id"])["rows"] == 0


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
    assert _parts(csv_file_id) != []


def test_a_file_that_names_clients_is_not_for_who_may_not_read_them(
    client: CheckedClient, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    csv_file_id, headers = make_ready_csv_file(company), company.headers(Role.FINANCE)
    monkeypatch.setitem(GRANTS, Role.FINANCE, GRANTS[Role.FINANCE] - {Permission.CLIENTS_READ})
    answer = client.get(f"{FILES}/{csv_file_id}/content", headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "csv_files.not_for_you")
    asked = client.post(ORDERS, json={}, headers=headers).get_json()
    assert _file(asked["id"])["with_clients"] is False


def test_who_asked_for_a_file_and_who_took_it_is_written_down(client: CheckedClient, company: Company) -> None:
    csv_file_id = make_ready_csv_file(company)
    _content(client, company, csv_file_id)
    assert [each["after"] for each in _audited(company, "csv_files.export")] == [
        {"kind": "orders", "filters": [], "way": "file"}
    ]
    assert [each["resource_id"] for each in _audited(company, "csv_files.download")] == [csv_file_id]


@pytest.mark.usefixtures("small_parts")
def test_a_file_is_not_read_before_its_last_part_is_in(client: CheckedClient, company: Company) -> None:
    make_odd_orders(company)
    csv_file_id = _half_written(company)
    state = client.get(f"{FILES}/{csv_file_id}", headers=company.headers()).get_json()
    assert (state["state"], state["rows"]) == ("writing", 10)
    answer = _content(client, company, csv_file_id)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "csv_files.not_ready")


@pytest.mark.usefixtures("small_parts")
def test_another_worker_goes_on_where_one_died(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    make_odd_orders(company)
    csv_file_id = _half_written(company)
    jobs.enqueued()
    _change(company, "UPDATE csv_files SET next_attempt_at = now() WHERE id = :id", id=csv_file_id)
    jobs.run(SWEEP.name)
    assert jobs.drain() == [WRITE.name]
    file = _file(csv_file_id)
    assert (file["state"], file["rows"]) == ("ready", len(TEXTS))
    assert [part["number"] for part in _parts(csv_file_id)] == list(range(len(TEXTS) // 10 + 1))
    assert _content(client, company, csv_file_id).data == expecting.orders(company.org_id)


@pytest.mark.usefixtures("small_parts")
def test_a_worker_that_has_lost_the_file_writes_no_more(company: Company) -> None:
    make_odd_orders(company)
    csv_file_id = make_csv_file(company)
    now = datetime.now(UTC)
    with transaction(company.scope) as session:
        lost = writing.claim(session, company.org_id, csv_file_id, now=now)
    assert lost is not None
    _change(company, "UPDATE csv_files SET state = 'queued' WHERE id = :id", id=csv_file_id)
    with transaction(company.scope) as session:
        other = writing.claim(session, company.org_id, csv_file_id, now=now + timedelta(seconds=1))
    with transaction(company.scope) as session:
        assert writing.write_part(session, lost, now=now) is None
    assert other is not None
    with transaction(company.scope) as session:
        assert writing.write_part(session, other, now=now) is not None
    with transaction(company.scope) as session:
        assert writing.write_part(session, other, now=now) is None, "the lease was renewed"
    assert len(_parts(csv_file_id)) == 1


@pytest.mark.usefixtures("small_parts")
def test_a_long_file_is_written_in_turns(company: Company, jobs: JobsProbe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "LONGEST_TURN_SECONDS", 0.0)
    make_odd_orders(company)
    csv_file_id = make_csv_file(company)
    jobs.run(*jobs.enqueued()[-1])
    assert _file(csv_file_id)["state"] == "queued"
    assert jobs.enqueued() == [(WRITE.name, {"org_id": str(company.org_id), "csv_file_id": str(csv_file_id)})]


def test_a_file_that_fails_every_time_is_given_up(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    csv_file_id = make_csv_file(company)
    for _ in range(writing.MAX_ATTEMPTS):
        with transaction(company.scope) as session:
            assert writing.claim(session, company.org_id, csv_file_id, now=datetime.now(UTC)) is not None
        _change(company, "UPDATE csv_files SET next_attempt_at = now() WHERE id = :id", id=csv_file_id)
        _sweep()
    assert _file(csv_file_id)["state"] == "dead"
    answer = _content(client, company, csv_file_id)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "csv_files.failed")


def test_a_lost_message_is_sent_again(company: Company, jobs: JobsProbe) -> None:
    csv_file_id = make_csv_file(company)
    jobs.enqueued()
    assert _sweep() == {"expired": 0, "requeued": 0, "dead": 0}
    _change(company, "UPDATE csv_files SET next_attempt_at = now() WHERE id = :id", id=csv_file_id)
    assert _sweep()["requeued"] == 1
    assert jobs.drain() == [WRITE.name]
    assert _file(csv_file_id)["state"] == "ready"


def test_a_message_that_comes_twice_changes_nothing(company: Company, jobs: JobsProbe) -> None:
    csv_file_id = make_csv_file(company)
    (message,) = [each for each in jobs.enqueued() if each[0] == WRITE.name]
    jobs.run(*message)
    before = _file(csv_file_id)
    jobs.run(*message)
    assert _file(csv_file_id) == before


def test_after_a_day_the_content_is_gone(client: CheckedClient, company: Company) -> None:
    csv_file_id = make_ready_csv_file(company)
    file = _file(csv_file_id)
    assert file["expires_at"] - file["ready_at"] == timedelta(hours=24)
    _change(company, "UPDATE csv_files SET expires_at = now(), next_attempt_at = now() WHERE id = :id", id=csv_file_id)
    answer = _content(client, company, csv_file_id)
    assert (answer.status_code, answer.get_json()["code"]) == (410, "csv_files.gone")
    assert client.get(f"{FILES}/{csv_file_id}", headers=company.headers()).get_json()["state"] == "expired"
    assert _sweep()["expired"] == 1
    assert _parts(csv_file_id) == []
    assert _content(client, company, csv_file_id).status_code == 410


def test_a_removed_file_is_gone_with_its_content(client: CheckedClient, company: Company) -> None:
    csv_file_id = make_ready_csv_file(company)
    assert client.delete(f"{FILES}/{csv_file_id}", headers=company.headers()).status_code == 204
    assert client.get(f"{FILES}/{csv_file_id}", headers=company.headers()).status_code == 404
    assert client.delete(f"{FILES}/{csv_file_id}", headers=company.headers()).status_code == 404
    assert _parts(csv_file_id) == []
    assert len(_audited(company, "csv_files.delete")) == 1


@pytest.mark.usefixtures("small_parts")
def test_a_file_removed_while_it_is_written_stays_removed(company: Company) -> None:
    make_odd_orders(company)
    csv_file_id = make_csv_file(company)
    with transaction(company.scope) as session:
        claimed = writing.claim(session, company.org_id, csv_file_id, now=datetime.now(UTC))
    assert claimed is not None
    _change(company, "DELETE FROM csv_files WHERE id = :id", id=csv_file_id)
    with transaction(company.scope) as session:
        assert writing.write_part(session, claimed, now=datetime.now(UTC)) is None
    assert _parts(csv_file_id) == []


@pytest.mark.usefixtures("small_parts")
def test_forgetting_contents_spares_no_file(
    client: CheckedClient, company: Company, neighbour: Company, jobs: JobsProbe
) -> None:
    """What was ready expires, what is being written begins anew, and is whole in the end."""
    make_odd_orders(company)
    ready, theirs, half, waiting = (
        make_ready_csv_file(company),
        make_ready_csv_file(neighbour),
        _half_written(company),
        make_csv_file(company),
    )
    jobs.enqueued()
    _change(
        company,
        "UPDATE clients SET name = 'Erased', email = NULL, erased_at = now() WHERE org_id = :org",
        org=company.org_id,
    )
    with transaction(company.scope) as session:
        csv_files.forget_contents(session, company.owner)
    assert rows("SELECT 1 FROM csv_file_parts WHERE org_id = :org", org=company.org_id) == []
    assert {str(each): _file(each)["state"] for each in (ready, half, waiting)} == {
        str(ready): "expired",
        str(half): "queued",
        str(waiting): "queued",
    }
    assert _file(theirs)["state"] == "ready"
    assert _parts(theirs) != []
    assert jobs.drain() == [WRITE.name, WRITE.name]
    for each in (half, waiting):
        assert _content(client, company, each).data == expecting.orders(company.org_id)
    assert "bo-" not in _content(client, company, half).get_data(as_text=True)


def test_the_number_of_rows_is_counted_up_to_a_limit(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        make_order(company)
    claimed = _claimed(company)
    for most, expected in ((3, 3), (2, None)):
        monkeypatch.setattr(reading, "MOST_COUNTED", most)
        with read_only(company.scope) as session:
            assert writing.count_rows(session, claimed) == expected


def test_an_unknown_file_is_not_found(client: CheckedClient, company: Company) -> None:
    for path in (f"{FILES}/{uuid4()}", f"{FILES}/{uuid4()}/content"):
        assert client.get(path, headers=company.headers()).status_code == 404


def _half_written(company: Company) -> UUID:
    """A file of which a worker has written one part, before it died."""
    csv_file_id = make_csv_file(company)
    with transaction(company.scope) as session:
        claimed = writing.claim(session, company.org_id, csv_file_id, now=datetime.now(UTC))
    assert claimed is not None
    with transaction(company.scope) as session:
        assert writing.write_part(session, claimed, now=datetime.now(UTC)) is not None
    return csv_file_id


def _claimed(company: Company) -> Any:
    csv_file_id = make_csv_file(company)
    with transaction(company.scope) as session:
        return writing.claim(session, company.org_id, csv_file_id, now=datetime.now(UTC))


def _sweep() -> dict[str, int]:
    return tasks._sweep()


def _audited(company: Company, action: str) -> list[dict[str, Any]]:
    sql = "SELECT * FROM audit_entries WHERE org_id = :org AND action = :action ORDER BY id"
    return rows(sql, org=company.org_id, action=action)
