"""The quota of photos, by uploads, moves and deletes that come at the same moment."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select

from api.app import create_app
from shared.core.transaction import read_only, transaction
from shared.integrations.storage.memory_storage import MemoryStorage
from shared.order_photos import moving, quota
from shared.order_photos.model import OrderPhoto
from shared.wiring import Services
from tests.concurrency.photos import files_of, picture, size_of, states, taken, upload
from tests.concurrency.together import together
from tests.factories.order_photos import make_photo
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.variants import with_settings
from worker.core import boot


def test_uploads_at_once_cannot_pass_the_limit(company: Company, services: Services, uploads: Path) -> None:
    company.headers()
    order_id, contents = make_order(company), [picture(shade) for shade in range(100, 110)]
    limit = 4 * max(map(len, contents))
    app = create_app(services.settings, with_settings(services, order_photo_quota_bytes=limit))
    answers = together(*[partial(upload, app, company, order_id, content) for content in contents])
    kept = files_of(company, uploads)
    assert Counter(answer.status_code for answer in answers) == {201: len(kept), 402: 10 - len(kept)}
    assert len(kept) >= 4
    assert taken(company) == size_of(kept) <= limit
    assert states(company) == ["uploaded"] * len(kept)


def test_a_recount_among_uploads_and_releases_finds_nothing_wrong(company: Company) -> None:
    order_id = make_order(company)
    make_photo(company, order_id, with_object=False)

    def take(size: int) -> int:
        with transaction(company.scope) as session:
            quota.take(session, company.org_id, "local", size, limit=10**9)
            now = datetime.now(UTC)
            session.add(
                OrderPhoto(
                    org_id=company.org_id,
                    order_id=order_id,
                    phase="after",
                    caption="",
                    mime="image/png",
                    size=size,
                    sha256=uuid4().hex,
                    backend="local",
                    held_bytes=size,
                    created_at=now,
                )
            )
        return 0

    def recount() -> int:
        with transaction(company.scope) as session:
            return quota.recount(session, company.org_id)

    assert together(*[partial(take, size) for size in range(1, 8)], *[recount] * 5) == [0] * 12
    assert recount() == 0


@pytest.fixture
def both(services: Services) -> Iterator[Services]:
    """Workers with a second storage, `memory`."""
    memory = MemoryStorage()
    given = replace(services, storages=services.storages | {memory.backend: memory})
    boot.use(given)
    yield given
    boot.use(services)


def test_moves_in_both_directions_do_not_wait_for_each_other_in_a_circle(
    company: Company, jobs: JobsProbe, both: Services
) -> None:
    order_id = make_order(company)
    for _ in range(4):
        make_photo(company, order_id)
    _ask(company, "memory")
    _run_all(company, jobs)
    for _ in range(4):
        make_photo(company, order_id)
    before = _where(company)
    assert Counter(before.values()) == {"local": 4, "memory": 4}
    _ask(company, "memory")
    _ask(company, "local", source="memory")
    _run_all(company, jobs)
    after = _where(company)
    assert {one: {"local": "memory", "memory": "local"}[backend] for one, backend in before.items()} == after
    with transaction(company.scope) as session:
        assert quota.recount(session, company.org_id) == 0


def _ask(company: Company, target: str, source: str | None = None) -> None:
    with transaction(company.scope) as session:
        chosen = {"source": source, "org_id": company.org_id, "after": None}
        assert len(moving.ask(session, target, **chosen, now=datetime.now(UTC))) == 4


def _run_all(company: Company, jobs: JobsProbe) -> None:
    arguments = [{"org_id": str(company.org_id), "photo_id": str(photo_id)} for photo_id in _where(company)]
    together(*[partial(jobs.run, "order_photos.move", each) for each in arguments])


def _where(company: Company) -> dict[object, str]:
    with read_only(company.scope) as session:
        found = session.execute(
            select(OrderPhoto.id, OrderPhoto.backend).where(OrderPhoto.org_id == company.org_id)
        ).all()
    return {row[0]: row[1] for row in found}
