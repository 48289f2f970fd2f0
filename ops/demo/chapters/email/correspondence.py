"""What all steps use: a client whom nobody has written to before, her order, and her mailbox."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

from icalendar import Calendar, Event

from ops.demo.staff import Staff
from ops.demo.story import Story, eventually, expect
from ops.demo.world import World

Found = dict[str, Any]


@dataclass(frozen=True)
class Correspondence:
    """The company's owner, and Anna with an order for tomorrow that is still pending."""

    world: World
    story: Story
    owner: Staff
    address: str
    order_id: str
    began_at: datetime
    """The full hour in which the chapter began: appointments are so many hours later, also when the next one begins."""

    @classmethod
    def of(cls, world: World, story: Story) -> "Correspondence":
        """Sign in, take Anna on, place her order."""
        owner = Staff(world, "owner")
        address = f"anna-{secrets.token_hex(4)}@client.test"
        client = owner.create("/v1/clients", {"name": "Anna Berg", "email": address})
        began_at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        start = began_at + timedelta(hours=20)
        order = {
            "client_id": client["id"],
            "title": "Window cleaning",
            "address": "12 Elm Street, Calgary",
            "scheduled_start": start.isoformat(),
            "scheduled_end": (start + timedelta(hours=2)).isoformat(),
            "total": {"amount": 12900, "currency": "cad"},
        }
        return cls(world, story, owner, address, owner.create("/v1/orders", order)["id"], began_at)

    @property
    def order_path(self) -> str:
        return f"/v1/orders/{self.order_id}"

    @property
    def page(self) -> str:
        """Where a person sees her mails."""
        return f"{self.world.sandbox_url}/mail?to={self.address}"

    def mails(self, subject: str) -> list[Found]:
        """The mails that have come, by the beginning of the subject; those that came twice under one id, once."""
        found: list[Found] = self.world.sandbox("GET", "/api/mail", params={"to": self.address})["data"]
        return list({mail["message_id"]: mail for mail in found if mail["subject"].startswith(subject)}.values())

    def wait_for(self, subject: str, number: int = 1) -> Found:
        """The newest of `number` such mails, once they are there."""

        def arrived() -> list[Found] | None:
            found = self.mails(subject)
            return found if len(found) >= number else None

        mails = eventually(arrived, f"mail number {number} that begins with “{subject}” did not arrive")
        expect(len(mails) == number, f"{len(mails)} mails begin with “{subject}”, and not {number}")
        return mails[-1]

    def appointment_in(self, mail: Found) -> Event:
        """What the calendar file of a mail says."""
        raw = self.world.call("GET", f"{self.world.sandbox_url}/mail/{mail['id']}/raw").content
        message = message_from_bytes(raw, policy=policy.default)
        file = next(part for part in message.walk() if part.get_content_type() == "text/calendar")
        return Calendar.from_ical(file.get_content()).events[0]

    def reschedule(self, hours: int) -> Found:
        """Move the order to so many hours from the beginning."""
        start = self.began_at + timedelta(hours=hours)
        return dict(self.owner.change("POST", f"{self.order_path}/reschedule", {"scheduled_start": start.isoformat()}))

    def press(self) -> Found:
        """Ask for a scan of mails, and wait for its end: the run that answers may have begun a moment ago."""
        answer = self.owner.call("POST", "/v1/admin/email-scan?wait=true")
        expect(answer.status_code in {200, 202}, f"the scan answered {answer.status_code}: {answer.text}")
        return dict(answer.json())

    def scan(self) -> Found:
        """A run that has looked for reminders after this moment, as beat's do."""
        asked_at = datetime.now(UTC)

        def looked() -> Found | None:
            run = self.press()
            began = datetime.fromisoformat(run["started_at"] or run["created_at"])
            return run if run["state"] == "succeeded" and began >= asked_at else None

        return eventually(looked, "no scan of mails began and succeeded")

    def messages(self) -> list[Found]:
        """What the timeline of the order says of mails, oldest first."""
        shown: list[Found] = self.owner.get(f"{self.order_path}/timeline")["data"]
        return [entry for entry in shown if entry["kind"] == "message"]

    def wait_for_message(self, kind: str, *states: str) -> Found:
        """The newest mail of `kind` in the timeline, once it is in one of `states`."""

        def ended() -> Found | None:
            newest = [entry for entry in self.messages() if entry["event"] == kind][-1:]
            return newest[0] if newest and newest[0]["details"]["state"] in states else None

        return eventually(ended, f"no {kind} became {' or '.join(states)}")
