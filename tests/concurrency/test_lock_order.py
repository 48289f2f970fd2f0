"""Everything that takes several locks, at once: each answer is a success or a refusal, and nobody waits in a circle.

The order of the locks is in `shared/orders/placing.py`. Postgres would end a circle after a second with an error, which
the API answers with 503.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from shared.core.errors import Refusal
from tests.concurrency.together import together
from tests.factories.clients import make_client
from tests.factories.crews import make_team, make_worker
from tests.factories.leads import make_lead
from tests.factories.orders import make_order, order_body
from tests.factories.organizations import Company
from tests.factories.recurrences import make_recurrence, place_ahead

ROUNDS = 4
TIMES = {"merge": 1}
"""How often each is done at the same moment, where it is not twice. Whoever merges the same two clients twice, while a
series of theirs is placed, may be asked to try again: the series then belongs to the other one."""
EDMONTON = ZoneInfo("America/Edmonton")
FIRST = (datetime.now(EDMONTON) + timedelta(days=2)).date()

Action = Callable[[], int]


class Actions:
    """One client of the company, and what can be done about it at the same moment."""

    def __init__(self, app: Flask, company: Company) -> None:
        self._app, self._company, self._headers = app, company, company.headers()
        self.team_id = make_team(company)
        self.gone = make_client(company)
        self.order_id = make_order(company, client_id=self.gone, team_id=self.team_id)
        self.lead_id = make_lead(company, email=None, phone="+14035550177", address="12 Elm Street")
        self.series = make_recurrence(company, client_id=self.gone, starts_on=FIRST)
        place_ahead(company, self.series)
        self.waiting = make_recurrence(company, client_id=self.gone, starts_on=FIRST)
        self.worker_id = make_worker(company)

    def _post(self, path: str, **body: Any) -> int:
        return self._app.test_client().post(path, json=body, headers=self._headers).status_code

    def place(self) -> int:
        body = order_body(self._company, client_id=str(self.gone))
        return self._post("/v1/orders", **body)

    def place_for_lead(self) -> int:
        return self._post("/v1/orders", **order_body(self._company, lead_id=str(self.lead_id)))

    def convert(self) -> int:
        body = order_body(self._company)
        kept = {name: body[name] for name in ("scheduled_start", "scheduled_end", "total", "title")}
        return self._post(f"/v1/leads/{self.lead_id}/convert", **kept)

    def merge(self) -> int:
        return self._post(f"/v1/clients/{self._company.client_id}/merge", client_id=str(self.gone))

    def erase(self) -> int:
        return self._post(f"/v1/clients/{self.gone}/erase", reason="asked")

    def confirm(self) -> int:
        return self._post(f"/v1/orders/{self.order_id}/confirm")

    def reschedule(self) -> int:
        start = datetime.now(EDMONTON) + timedelta(days=9)
        return self._post(f"/v1/orders/{self.order_id}/reschedule", scheduled_start=start.isoformat())

    def assign(self) -> int:
        ids = {"team_id": str(self.team_id), "worker_ids": [str(self.worker_id)]}
        return self._post(f"/v1/orders/{self.order_id}/assign", **ids)

    def skip(self) -> int:
        return self._post(f"/v1/recurrences/{self.series}/skip", on_date=FIRST.isoformat())

    def move(self) -> int:
        start = datetime.now(EDMONTON) + timedelta(days=5)
        return self._post(
            f"/v1/recurrences/{self.series}/move", on_date=FIRST.isoformat(), scheduled_start=start.isoformat()
        )

    def end(self) -> int:
        return self._post(f"/v1/recurrences/{self.series}/end", reason="moved away")

    def job(self) -> int:
        try:
            place_ahead(self._company, self.waiting)
        except Refusal as refusal:
            return {"unavailable": 503}.get(refusal.kind, 409)
        return 200


MIXES: dict[str, tuple[str, ...]] = {
    "a lead that is ordered twice": ("convert", "place_for_lead"),
    "a lead while the client goes": ("convert", "merge", "erase"),
    "a series while the client goes": ("job", "merge", "end", "move"),
    "a series while the client is forgotten": ("job", "erase", "skip"),
    "everything about one client": ("place", "reschedule", "assign", "confirm", "merge", "job", "skip"),
}


@pytest.mark.parametrize("names", MIXES.values(), ids=MIXES)
def test_nobody_waits_in_a_circle(app: Flask, company: Company, names: tuple[str, ...]) -> None:
    said: Counter[int] = Counter()
    for _ in range(ROUNDS):
        actions = Actions(app, company)
        said.update(together(*(partial(_act, actions, name) for name in names for _ in range(TIMES.get(name, 2)))))
    assert set(said) <= {200, 201, 404, 409, 422}, said
    assert said[200] + said[201] > 0


def _act(actions: Actions, name: str) -> int:
    action: Action = getattr(actions, name)
    return action()
