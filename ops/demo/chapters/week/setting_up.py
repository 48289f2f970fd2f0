"""What the owner sets up: what the company sells and at what price, who works there, what a visit consists of."""

from typing import Any

from ops.demo.chapters.week.company import (
    ADDONS,
    BOOKS,
    KEY,
    NAME,
    SERVICES,
    TEAMS,
    WORKERS,
    Company,
)
from ops.demo.chapters.week.tidying import current_book, settle
from ops.demo.story import expect

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CHECKLIST = (("Look for the cat", True), ("Kitchen and bathroom", True), ("Water the plants", False))


def set_up(company: Company) -> None:
    """Services, prices, a checklist, policies."""
    _sell(company)
    _price(company)
    _list_what_to_do(company)
    _decide(company)


def _sell(company: Company) -> None:
    owner, suffix = company.owner, company.suffix
    company.service = owner.create(SERVICES, {"key": f"{KEY}cleaning_{suffix}", "name": "Home cleaning"})
    company.addon = owner.create(ADDONS, {"key": f"{KEY}oven_{suffix}", "name": "Inside the oven"})
    again = {"key": company.service["key"], "name": "Another one"}
    owner.refused("POST", SERVICES, 409, "catalog.key_taken", again)
    company.story.proved(
        "The owner puts a service and an add-on on sale; a key is good for one",
        f"{company.service['key']}, {company.addon['key']}; 409 catalog.key_taken",
    )


def _price(company: Company) -> None:
    owner, bad = company.owner, _rules(company)
    ours = bad["services"][company.service["key"]]
    ours["base"]["price"] = 80.0
    ours["inputs"]["area_m2"]["tiers"][1]["from"] = 50
    ours["addons"] = ["nothing"]
    faults = owner.refused("POST", BOOKS, 422, "catalog.bad_price_book", {"rules": bad})["errors"]
    expect(len(faults) == 3, f"{len(faults)} faults were found, and not 3: {faults}")
    company.story.proved(
        "A price book with faults is refused as a whole, with the path of every fault",
        *(f"{fault['pointer']}: {fault['detail']}" for fault in faults),
    )
    book = owner.create(BOOKS, {"rules": _rules(company), "note": "Prices of the week"})
    company.story.proved(f"Without them it is in force, as version {book['version']}")


def _rules(company: Company) -> Any:
    """The book in force, with the prices of what is new."""
    book = current_book(company.owner) or {"currency": "cad", "services": {}, "addons": {}, "taxes": []}
    book["services"][company.service["key"]] = {
        "base": {"price": "80.00", "minutes": 60},
        "inputs": {
            "bedrooms": {"price": "25.00", "minutes": 30, "included": 1, "max": 20},
            "area_m2": {
                "tiers": [
                    {"from": 50, "price": "0.60", "minutes": "0.5"},
                    {"from": 100, "price": "0.40", "minutes": "0.4"},
                ],
                "default": 0,
            },
        },
        "addons": [company.addon["key"]],
        "minimum": "99.00",
    }
    book["addons"][company.addon["key"]] = {"price": "35.00", "minutes": 30, "max": 3}
    book["frequency_discounts"] = {"weekly": "15", "every_two_weeks": "10", "monthly": "5"}
    book["taxes"] = [{"name": "GST", "percent": "5"}]
    return book


def hire(company: Company) -> None:
    """Teams and workers."""
    owner = company.owner
    for name, opens, closes in (("North", "06:00", "22:00"), ("South", "13:00", "18:00")):
        hours = {day: [{"opens": opens, "closes": closes}] for day in DAYS}
        area = company.postal_code.split()[0]
        body = {"name": f"{name}{NAME}{company.suffix}", "hours": hours, "postal_prefixes": [area]}
        company.teams.append(owner.create(TEAMS, body))
    north, south = company.teams
    for name, team in (("Nora", north), ("Nick", north), ("Sam", south)):
        body = {"name": f"{name}{NAME}{company.suffix}", "team_id": team["id"]}
        company.workers.append(owner.create(WORKERS, body))
    company.story.proved(
        "Two teams with hours and an area of their own, and three workers",
        *(
            f"{team['name']}: {team['hours']['mon'][0]['opens']} to {team['hours']['mon'][0]['closes']}"
            for team in company.teams
        ),
    )


def _list_what_to_do(company: Company) -> None:
    path = f"{SERVICES}/{company.service['id']}/checklist-template"
    items = [{"text": text, "required": required} for text, required in CHECKLIST]
    made = company.owner.change("PUT", path, {"items": items})
    again = company.owner.change("PUT", path, {"items": items})
    expect(made["version"] == again["version"] == 1, "the same checklist again is another version")
    required = sum(item["required"] for item in made["items"])
    company.story.proved(f"A checklist for each visit: {len(made['items'])} items, {required} of them required")


def _decide(company: Company) -> None:
    deposit = {"percent": 25, "minimum": 5000, "maximum": None, "required_for": ["first_order"], "total_above": None}
    planning = {
        "min_notice_hours": 2,
        "max_days_ahead": 365,
        "step_minutes": 30,
        "buffer_minutes": 30,
        "hold_minutes": 30,
    }
    path = "/v1/organization"
    company.owner.refused("PATCH", path, 428, "request.precondition_required", {"deposit_policy": deposit})
    settle(company.owner, {"deposit_policy": deposit, "scheduling_policy": planning})
    company.story.proved(
        "Policies: a deposit for first orders, two hours of notice, 30 minutes between visits",
        "25 %, 50.00 at least; a change that does not say to which version is 428",
    )
