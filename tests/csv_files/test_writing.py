"""Tables as files, as workers have them: written in turns, by another one, given up, forgotten."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.core.transaction import read_only, transaction
from shared.csv_files import reading, writing
from shared.csv_files import service as csv_files
from shared.csv_files.jobs import SWEEP, WRITE
from tests.checked_client import CheckedClient
from tests.csv_files import expecting
from tests.csv_files.odd_orders import TEXTS, make_odd_orders
from tests.csv_files.steps import FILES, change, content, file_row, half_written, parts_of
from tests.factories.csv_files import make_csv_file, make_ready_csv_file
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.rows import rows
from worker.tasks import csv_files as tasks


@pytest.mark.usefixtures("small_parts")
def test_another_worker_goes_on_where_one_died(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    make_odd_orders(company)
    csv_file_id = half_written(company)
    jobs.enqueued()
    change(company, "UPDATE csv_files SET next_attempt_at = now() WHERE id = :id", id=csv_file_id)
    jobs.run(SWEEP.name)
    assert jobs.drain() == [WRITE.name]
    file = file_row(csv_file_id)
    assert (file["state"], file["rows"]) == ("ready", len(TEXTS))
    assert [part["number"] for part in parts_of(csv_file_id)] == list(range(len(TEXTS) // 10 + 1))
    assert content(client, company, csv_file_id).data == expecting.orders(company.org_id)


@pytest.mark.usefixtures("small_parts")
def test_a_worker_that_has_lost_the_file_writes_no_more(company: Company) -> None:
    make_odd_orders(company)
    csv_file_id = make_csv_file(company)
    now = datetime.now(UTC)
    with transaction(company.scope) as session:
        lost = writing.claim(session, company.org_id, csv_file_id, now=now)
    assert lost is not None
    change(company, "UPDATE csv_files SET state = 'queued' WHERE id = :id", id=csv_file_id)
    with transaction(company.scope) as session:
        other = writing.claim(session, company.org_id, csv_file_id, now=now + timedelta(seconds=1))
    with transaction(company.scope) as session:
        assert writing.write_part(session, lost, now=now) is None
    assert other is not None
    with transaction(company.scope) as session:
        assert writing.write_part(session, other, now=now) is not None
    with transaction(company.scope) as session:
        assert writing.write_part(session, other, now=now) is None, "the lease was renewed"
    assert len(parts_of(csv_file_id)) == 1


@pytest.mark.usefixtures("small_parts")
def test_a_long_file_is_written_in_turns(company: Company, jobs: JobsProbe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "LONGEST_TURN_SECONDS", 0.0)
    make_odd_orders(company)
    csv_file_id = make_csv_file(company)
    jobs.run(*jobs.enqueued()[-1])
    assert file_row(csv_file_id)["state"] == "queued"
    assert jobs.enqueued() == [(WRITE.name, {"org_id": str(company.org_id), "csv_file_id": str(csv_file_id)})]


def test_a_file_that_fails_every_time_is_given_up(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    csv_file_id = make_csv_file(company)
    for _ in range(writing.MAX_ATTEMPTS):
        with transaction(company.scope) as session:
            assert writing.claim(session, company.org_id, csv_file_id, now=datetime.now(UTC)) is not None
        change(company, "UPDATE csv_files SET next_attempt_at = now() WHERE id = :id", id=csv_file_id)
        _sweep()
    assert file_row(csv_file_id)["state"] == "dead"
    answer = content(client, company, csv_file_id)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "csv_files.failed")


def test_a_lost_message_is_sent_again(company: Company, jobs: JobsProbe) -> None:
    csv_file_id = make_csv_file(company)
    jobs.enqueued()
    assert _sweep() == {"expired": 0, "requeued": 0, "dead": 0}
    change(company, "UPDATE csv_files SET next_attempt_at = now() WHERE id = :id", id=csv_file_id)
    assert _sweep()["requeued"] == 1
    assert jobs.drain() == [WRITE.name]
    assert file_row(csv_file_id)["state"] == "ready"


def test_a_message_that_comes_twice_changes_nothing(company: Company, jobs: JobsProbe) -> None:
    csv_file_id = make_csv_file(company)
    (message,) = [each for each in jobs.enqueued() if each[0] == WRITE.name]
    jobs.run(*message)
    before = file_row(csv_file_id)
    jobs.run(*message)
    assert file_row(csv_file_id) == before


def test_after_a_day_the_content_is_gone(client: CheckedClient, company: Company) -> None:
    csv_file_id = make_ready_csv_file(company)
    file = file_row(csv_file_id)
    assert file["expires_at"] - file["ready_at"] == timedelta(hours=24)
    change(company, "UPDATE csv_files SET expires_at = now(), next_attempt_at = now() WHERE id = :id", id=csv_file_id)
    answer = content(client, company, csv_file_id)
    assert (answer.status_code, answer.get_json()["code"]) == (410, "csv_files.gone")
    assert client.get(f"{FILES}/{csv_file_id}", headers=company.headers()).get_json()["state"] == "expired"
    assert _sweep()["expired"] == 1
    assert parts_of(csv_file_id) == []
    assert content(client, company, csv_file_id).status_code == 410


@pytest.mark.usefixtures("small_parts")
def test_a_file_removed_while_it_is_written_stays_removed(company: Company) -> None:
    make_odd_orders(company)
    csv_file_id = make_csv_file(company)
    with transaction(company.scope) as session:
        claimed = writing.claim(session, company.org_id, csv_file_id, now=datetime.now(UTC))
    assert claimed is not None
    change(company, "DELETE FROM csv_files WHERE id = :id", id=csv_file_id)
    with transaction(company.scope) as session:
        assert writing.write_part(session, claimed, now=datetime.now(UTC)) is None
    assert parts_of(csv_file_id) == []


@pytest.mark.usefixtures("small_parts")
def test_forgetting_contents_spares_no_file(
    client: CheckedClient, company: Company, neighbour: Company, jobs: JobsProbe
) -> None:
    """What was ready expires, what is being written begins anew, and is whole in the end."""
    make_odd_orders(company)
    ready, theirs, half, waiting = (
        make_ready_csv_file(company),
        make_ready_csv_file(neighbour),
        half_written(company),
        make_csv_file(company),
    )
    jobs.enqueued()
    change(
        company,
        "UPDATE clients SET name = 'Erased', email = NULL, erased_at = now() WHERE org_id = :org",
        org=company.org_id,
    )
    with transaction(company.scope) as session:
        csv_files.forget_contents(session, company.owner)
    assert rows("SELECT 1 FROM csv_file_parts WHERE org_id = :org", org=company.org_id) == []
    assert {str(each): file_row(each)["state"] for each in (ready, half, waiting)} == {
        str(ready): "expired",
        str(half): "queued",
        str(waiting): "queued",
    }
    assert file_row(theirs)["state"] == "ready"
    assert parts_of(theirs) != []
    assert jobs.drain() == [WRITE.name, WRITE.name]
    for each in (half, waiting):
        assert content(client, company, each).data == expecting.orders(company.org_id)
    assert "bo-" not in content(client, company, half).get_data(as_text=True)


def test_the_number_of_rows_is_counted_up_to_a_limit(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        make_order(company)
    claimed = _claimed(company)
    for most, expected in ((3, 3), (2, None)):
        monkeypatch.setattr(reading, "MOST_COUNTED", most)
        with read_only(company.scope) as session:
            assert writing.count_rows(session, claimed) == expected


def _claimed(company: Company) -> Any:
    csv_file_id = make_csv_file(company)
    with transaction(company.scope) as session:
        return writing.claim(session, company.org_id, csv_file_id, now=datetime.now(UTC))


def _sweep() -> dict[str, int]:
    return tasks._sweep()
