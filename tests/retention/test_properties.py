"""Whatever an organization has grown: retention removes what is over and nothing keeps, and touches nothing else."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.wiring import Services
from tests.factories.clients import make_client
from tests.factories.leads import make_lead
from tests.factories.messages import change_message, make_message
from tests.factories.order_photos import make_photo
from tests.factories.order_states import set_order_state
from tests.factories.orders import make_order
from tests.factories.organizations import Company, make_company
from tests.retention import aged, steps
from tests.retention.aged import is_left
from tests.retention.steps import ago, set_age
from tests.rows import footprint, rows

MONEY = ("orders", "payments", "order_history", "clients", "client_addresses", "users", "organizations")
"""Tables that retention never touches."""
LONGEST = {"lead_days": 365, "message_days": 90, "export_days": 30, "session_days": 30, "photo_days": 700}
EDGES = (-400.0, -2.0, -0.01, 0.0, 0.01, 3.0, 900.0)
"""How much older than its limit a row is, in days."""


@dataclass(frozen=True)
class Grown:
    """A row, and whether it is to be forgotten."""

    table: str
    id: Any
    goes: bool


@dataclass
class World:
    """One organization with a client under hold and one who is not, and the limits that are in force."""

    company: Company
    days: dict[str, int]
    held: UUID
    free: UUID

    def since(self, limit: str, edge: float) -> datetime:
        return ago(self.days[limit] + edge)

    def client(self, is_held: bool) -> UUID:
        return self.held if is_held else self.free


def grow_lead(world: World, edge: float, state: str, link: str, is_held: bool) -> Grown:
    since = world.since("lead_days", edge)
    state = {"a": "new", "b": "contacted", "c": "quoted", "d": "lost", "e": "won"}[state]
    changes: dict[str, Any] = {"email": "held@client.test"} if is_held and link == "email" else {}
    if is_held and link == "phone":
        changes["phone"] = "+14035550177"
    lead = set_age("leads", make_lead(world.company, **changes), updated_at=since, state=state)
    if link == "client":
        set_age("leads", lead, client_id=world.client(is_held))
    if link == "order":
        set_age("orders", make_order(world.company, client_id=world.free), lead_id=lead)
    kept = link == "order" or (is_held and link in {"client", "email", "phone"})
    return Grown("leads", lead, edge >= 0 and state != "won" and not kept)


def grow_message(world: World, edge: float, state: str, link: str, is_held: bool) -> Grown:
    since = world.since("message_days", edge)
    state = {"a": "queued", "b": "sent", "c": "dead", "d": "suppressed", "e": "sending"}[state]
    about = make_order(world.company, client_id=world.client(is_held)) if link == "order" else None
    if link == "client":
        about = world.client(is_held)
    to = "HELD@client.test" if link == "email" and is_held else "somebody@else.test"
    message = change_message(world.company, make_message(world.company, to=to, about=about), state=state)
    set_age("messages", message, created_at=since)
    kept = is_held and link in {"order", "client", "email"}
    return Grown("messages", message, edge >= 0 and state in {"sent", "dead", "suppressed"} and not kept)


def grow_export(world: World, edge: float, state: str, link: str, is_held: bool) -> Grown:
    since = world.since("export_days", edge)
    state = {"a": "pending", "b": "delivered", "c": "dead", "d": "delivering", "e": "retrying"}[state]
    about = world.client(is_held)
    if link in {"order", "email"}:
        about = make_order(world.company, client_id=about)
    elif link == "phone":
        about = set_age("leads", make_lead(world.company), client_id=about)
    times = {"delivered_at": since if state == "delivered" else None, "dead_at": since if state == "dead" else None}
    export = aged.export(world.company, since - timedelta(days=50), about=about, state=state, **times)
    return Grown("exports", export, edge >= 0 and state in {"delivered", "dead"} and not is_held)


def grow_photo(world: World, edge: float, state: str, link: str, is_held: bool) -> Grown:
    since = world.since("photo_days", edge)
    state = {"a": "pending", "b": "completed", "c": "cancelled", "d": "no_show", "e": "in_progress"}[state]
    order = make_order(world.company, client_id=world.client(is_held))
    photo = make_photo(world.company, order, state="rejected" if link == "phone" else "stored", with_object=False)
    set_order_state(world.company, order, state)
    set_age("orders", order, ended_at=since)
    set_age("order_photos", photo.id, created_at=since - timedelta(hours=1))
    ended = state in {"completed", "cancelled", "no_show"}
    return Grown("order_photos", photo.id, edge >= 0 and ended and not is_held)


def grow_session(world: World, edge: float, state: str, link: str, is_held: bool) -> Grown:
    since = world.since("session_days", edge)
    make = aged.session if state in "ab" else aged.revoked_session
    session = make(world.company, since)
    for number in range({"order": 3, "client": 1}.get(link, 0)):
        values = {"org_id": world.company.org_id, "session_id": session, "token_hash": f"{session}-{number}"}
        steps.add("used_refresh_tokens", **values, used_at=since)
    return Grown("sessions", session, edge >= 0)


def grow_other(world: World, edge: float, state: str, link: str, is_held: bool) -> Grown:
    company = world.company
    if state == "a":
        return Grown("csv_files", aged.csv_file(company, world.since("session_days", edge)), edge >= 0)
    if state == "b":
        copy = aged.client_export(company, world.since("session_days", edge))
        set_age("client_exports", copy, client_id=world.client(is_held))
        return Grown("client_exports", copy, edge >= 0 and not is_held)
    if state == "c":
        run_state = "queued" if link == "order" else "failed"
        run = aged.job_run(company, ago(30 + edge), run_state)
        return Grown("job_runs", run, edge >= 0 and run_state == "failed")
    entry = aged.audit_entry(company, ago(2555 + edge), about=world.client(is_held))
    return Grown("audit_entries", entry, edge >= 0 and not is_held)


GROWERS = (grow_lead, grow_message, grow_export, grow_photo, grow_session, grow_other)
LINKS = ("none", "order", "client", "email", "phone")
ROWS = 60
"""In each organization. Many rows in few organizations: making and comparing organizations takes most of the time."""


POLICY = st.fixed_dictionaries({}, optional={name: st.integers(1, days) for name, days in LONGEST.items()})


def make_world(services: Services, policy: dict[str, int], holds: bool) -> World:
    company = make_company(services)
    held = make_client(company, email="Held@Client.test", phone="+14035550177")
    if holds:
        set_age("clients", held, legal_hold_at=ago(1))
    steps.choose(company, **policy)
    return World(company, LONGEST | policy, held, company.client_id)


def make_growth(seed: int) -> list[tuple[Any, float, str, str, bool]]:
    """What to grow: every kind alike, which drawing one value after the other does not give."""
    chance = Random(seed)
    parts = (GROWERS, EDGES, "abcde", LINKS, (False, True))
    return [tuple(chance.choice(part) for part in parts) for _ in range(ROWS)]  # type: ignore[misc]


@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # to make an example smaller would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(policy=POLICY, holds=st.sampled_from([True, True, False]), seed=st.integers(0, 2**32))
def test_exactly_what_is_over_and_nothing_keeps_is_forgotten(
    installation: Services, neighbour: Company, policy: dict[str, int], holds: bool, seed: int
) -> None:
    growth = make_growth(seed)
    world = make_world(installation, policy, holds)
    company = world.company
    grown = [grow(world, edge, state, link, is_held and holds) for grow, edge, state, link, is_held in growth]
    for grow, edge, state, link, _ in growth:
        grow(World(neighbour, world.days, neighbour.client_id, neighbour.client_id), edge, state, link, False)
    theirs, before = footprint(neighbour.org_id), footprint(company.org_id)
    promised = steps.counts(company, dry_run=True)
    assert {name: each for name, each in footprint(company.org_id).items() if name != "job_runs"} == {
        name: each for name, each in before.items() if name != "job_runs"
    }
    assert steps.counts(company) == promised
    assert {each: not is_left(each.table, each.id) for each in grown} == {each: each.goes for each in grown}
    assert sum(promised.values()) == sum(each.goes for each in grown)
    after = footprint(company.org_id)
    assert {name: after[name] for name in MONEY} == {name: before[name] for name in MONEY}
    assert footprint(neighbour.org_id) == theirs
    assert rows("SELECT conname FROM pg_constraint WHERE NOT convalidated") == []
    assert steps.counts(company) == {}
