"""The appointment, in words and for her calendar."""

from ops.demo.chapters.email.correspondence import Correspondence
from ops.demo.story import expect


def confirm(anna: Correspondence) -> None:
    """She hears that it is confirmed."""
    anna.owner.move(anna.order_path, "confirm", "confirmed")
    mail = anna.wait_for("Confirmed")
    event = anna.appointment_in(mail)
    expect(mail["html"] and mail["text"], "the mail lacks a part")
    expect(event.status == "CONFIRMED", f"the calendar file says {event.status}")
    anna.story.proved(
        "The order is confirmed: Anna gets a mail with a calendar file",
        f"“{mail['subject']}”",
        f"{event.summary}, {event.start:%Y-%m-%d %H:%M %Z}, change number {event.sequence}",
    )


def move(anna: Correspondence) -> None:
    """She hears of the new time, and her calendar knows that it is the same appointment."""
    before = anna.appointment_in(anna.wait_for("Confirmed"))
    anna.reschedule(21)
    after = anna.appointment_in(anna.wait_for("New time"))
    expect(after.uid == before.uid, "the calendar would show two appointments")
    expect(after.sequence > before.sequence, "the calendar would keep the old time")
    expect(after.start > before.start, "the calendar file has the old time")
    anna.story.proved(
        "It is moved: the new calendar file replaces the first one",
        f"UID {after.uid}, change {before.sequence} became {after.sequence}, {after.start:%H:%M %Z}",
    )
