"""Leaving the company as it was found, whatever happens in between."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

from ops.demo.chapters.week.company import (
    ADDONS,
    BOOKS,
    KEY,
    NAME,
    ORGANIZATION,
    SERVICES,
    TEAMS,
    WORKERS,
    Company,
    Found,
)
from ops.demo.staff import Staff
from ops.demo.story import expect

OVER = "The demo is over"
TRIES = 5


@contextmanager
def left_as_found(company: Company) -> Iterator[None]:
    """Whatever happens in between: the settings and the price book are those of before, and nothing that the chapter
    has added is on sale or at work any more."""
    owner = company.owner
    _clear(owner)
    before, book = owner.get(ORGANIZATION), current_book(owner)
    try:
        yield
    finally:
        settle(owner, {name: before[name] for name in ("deposit_policy", "scheduling_policy")})
        _clear(owner)
        if book is not None:
            owner.create(BOOKS, {"rules": book, "note": "As it was before the demo"})


def settle(owner: Staff, changes: Found) -> Found:
    """Change settings, on top of whichever version there is."""
    for _ in range(TRIES):
        seen = owner.call("GET", ORGANIZATION)
        answer = owner.call("PATCH", ORGANIZATION, json=changes, headers={"If-Match": seen.headers["ETag"]})
        if answer.status_code != 412:  # somebody else was faster, or our own first try whose answer was lost
            break
    expect(answer.status_code == 200, f"PATCH {ORGANIZATION} answered {answer.status_code}: {answer.text}")
    changed: Found = answer.json()
    return changed


def current_book(owner: Staff) -> Found | None:
    """The rules in force, if there are any."""
    answer = owner.call("GET", f"{BOOKS}/current")
    return copy.deepcopy(answer.json()["rules"]) if answer.ok else None


def _clear(owner: Staff) -> None:
    """Take off what this telling, or an earlier one that was killed, has put on sale or set to work."""
    teams = {team["id"] for team in _all(owner, TEAMS) if team["is_active"] and NAME in team["name"]}
    _call_off(owner, teams)
    for path, its_name, sign in ((SERVICES, "key", KEY), (ADDONS, "key", KEY), (WORKERS, "name", NAME)):
        for row in list(_all(owner, path)):
            if row["is_active"] and sign in row[its_name]:
                owner.change("PATCH", f"{path}/{row['id']}", {"is_active": False})
    for team_id in teams:
        owner.change("PATCH", f"{TEAMS}/{team_id}", {"is_active": False})


def _call_off(owner: Staff, teams: set[str]) -> None:
    """Nothing is planned for these teams any more."""
    for series in list(_all(owner, "/v1/recurrences")):
        if series["team_id"] in teams and series["state"] == "active":
            owner.move(f"/v1/recurrences/{series['id']}", "end", "ended", {"reason": OVER})
    for team_id in teams:
        for order in list(_all(owner, f"/v1/orders?team_id={team_id}&status=pending,confirmed,in_progress")):
            free = {"reason": OVER, "waive_fee_reason": OVER}
            owner.move(f"/v1/orders/{order['id']}", "cancel", "cancelled", free)


def _all(owner: Staff, path: str) -> Iterator[Found]:
    """Every row of a list, page after page."""
    mark, cursor = "&" if "?" in path else "?", ""
    while True:
        page = owner.get(f"{path}{mark}limit=200{cursor}")
        yield from page["data"]
        if page["next_cursor"] is None:
            return
        cursor = f"&cursor={page['next_cursor']}"
