"""The company of the week: what every step works with."""

import secrets
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import requests

from ops.demo.caller import Stranger
from ops.demo.staff import Staff
from ops.demo.story import Story, eventually, expect, fail
from ops.demo.world import World

ORGANIZATION = "/v1/organization"
SERVICES, ADDONS, TEAMS, WORKERS, BOOKS = "/v1/services", "/v1/addons", "/v1/teams", "/v1/workers", "/v1/price-books"
KEY, NAME = "week_", ", demo "
"""How the keys of what the chapter sells begin, and what the names of its teams and workers have in them."""

Found = dict[str, Any]


@dataclass
class Company:
    """What the chapter works with. `suffix` is new each time, so that the story can be told again."""

    world: World
    story: Story
    owner: Staff
    slug: str
    zone: ZoneInfo
    suffix: str = field(default_factory=lambda: secrets.token_hex(3))
    service: Found = field(default_factory=dict)
    addon: Found = field(default_factory=dict)
    teams: list[Found] = field(default_factory=list)
    workers: list[Found] = field(default_factory=list)

    @classmethod
    def of(cls, world: World, story: Story) -> "Company":
        """The demo company, with its owner signed in."""
        owner = Staff(world, "owner")
        found = owner.get(ORGANIZATION)
        return cls(world, story, owner, found["slug"], ZoneInfo(found["timezone"]))

    @property
    def postal_code(self) -> str:
        """Where the teams of this telling work, and no other team that keeps to an area."""
        return f"Z{self.suffix} 1A1".upper()

    def stranger(self) -> Stranger:
        """Somebody new in front of a browser of their own."""
        return Stranger(self.world.elsewhere(), self.slug)

    def address(self, name: str) -> str:
        """A mailbox that nobody has used before."""
        return f"{name.lower()}-{self.suffix}@client.test"

    def at(self, day: date, hour: int) -> datetime:
        """An hour of a day on the company's clocks."""
        return datetime(day.year, day.month, day.day, hour, tzinfo=self.zone)

    def today(self) -> date:
        """Of the company's calendar."""
        return datetime.now(self.zone).date()

    def shown(self, moment: str) -> str:
        """A moment of the API as the company's clocks show it."""
        return f"{datetime.fromisoformat(moment).astimezone(self.zone):%a %d %b %H:%M}"

    def client(self, name: str, **more: Any) -> Found:
        """A client whom the office writes down."""
        made: Found = self.owner.create("/v1/clients", {"name": name, "email": self.address(name)} | more)
        return made

    def order(self, client: Found, title: str, start: datetime, minutes: float, **more: Any) -> Found:
        """An order that staff place at a price they have agreed on."""
        answer = self.place(client, title, start, minutes, **more)
        expect(answer.status_code == 201, f"placing the order answered {answer.text}")
        made: Found = answer.json()
        return made

    def place(self, client: Found, title: str, start: datetime, minutes: float, **more: Any) -> requests.Response:
        """The answer to such an order, whatever it is."""
        end = start + timedelta(minutes=minutes)
        body = {
            "client_id": client["id"],
            "title": title,
            "address": "8 Oak Lane, Calgary",
            "scheduled_start": start.isoformat(),
            "scheduled_end": end.isoformat(),
            "total": {"amount": 8000, "currency": "cad"},
        }
        return self.owner.post("/v1/orders", body | more)

    def confirm(self, order: Found) -> Found:
        """Promise an order to its client."""
        moved: Found = self.owner.move(f"/v1/orders/{order['id']}", "confirm", "confirmed")
        return moved

    def mail(self, to: str, subject: str) -> Found:
        """The mail to somebody whose subject begins so, once it has arrived."""

        def look() -> Found | None:
            found = self.world.sandbox("GET", f"/api/mail?to={to}")["data"]
            return next((mail for mail in found if mail["subject"].startswith(subject)), None)

        return eventually(look, f"no mail “{subject} …” to {to} arrived")


def money(amount: Found) -> str:
    """129.00 CAD."""
    return f"{amount['amount'] / 100:.2f} {amount['currency'].upper()}"


def first(rows: list[Found], otherwise: str) -> Found:
    """The first row; none fails the story."""
    return rows[0] if rows else fail(otherwise)
