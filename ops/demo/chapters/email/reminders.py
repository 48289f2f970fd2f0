"""Reminders: one for each time, and none for whoever wants none."""

from ops.demo.chapters.email.correspondence import Correspondence, Found
from ops.demo.story import expect

UNSUBSCRIBE = {"List-Unsubscribe": "One-Click"}
"""What a mail program posts (RFC 8058)."""


def remind(anna: Correspondence) -> Found:
    """The scan reminds her once, however often it runs."""
    runs = {anna.press()["id"] for _ in range(3)}
    anna.scan()
    reminder = anna.wait_for("Reminder")
    anna.story.proved(
        "The e-mail scan reminds her of tomorrow, once",
        f"“{reminder['subject']}”",
        f"three presses of the button were {len(runs)} run{'s' if len(runs) > 1 else ''} of the job",
    )
    return reminder


def remind_again(anna: Correspondence, first: Found) -> Found:
    """A new time is another thing to be reminded of."""
    anna.reschedule(22)
    anna.wait_for("New time", 2)
    anna.scan()
    again = anna.wait_for("Reminder", 2)
    expect(again["text"] != first["text"], "the second reminder is the first one")
    anna.story.proved("The order is moved: she is reminded of the new time", f"“{again['subject']}”")
    return again


def unsubscribe(anna: Correspondence, reminder: Found) -> None:
    """Her mail program's button works; looking at the link changes nothing; what she must know still comes."""
    link = dict(reminder["headers"])["List-Unsubscribe"].strip("<>")
    page = anna.world.call("GET", link)
    expect(page.status_code == 200, f"the page answered {page.status_code}")
    expect(not _suppressed(anna), "looking at the page has unsubscribed her")
    posted = anna.world.call("POST", link, data=UNSUBSCRIBE)
    expect(posted.status_code == 200, f"unsubscribing answered {posted.status_code}: {posted.text}")
    expect(_suppressed(anna) == ["unsubscribed"], "she is not unsubscribed")
    anna.story.proved("She unsubscribes by the button of her mail program", "a GET of the link had changed nothing")
    anna.reschedule(20)
    anna.wait_for("New time", 3)
    anna.scan()
    kept_back = anna.wait_for_message("order_reminder", "suppressed")
    expect(len(anna.mails("Reminder")) == 2, "she was reminded all the same")
    anna.story.proved(
        "The order is moved once more: she hears of it, and is not reminded",
        f"the reminder is {kept_back['details']['state']}: {kept_back['details']['last_error']}",
    )


def _suppressed(anna: Correspondence) -> list[str]:
    found = anna.owner.get("/v1/mail-suppressions", params={"email": anna.address})["data"]
    return [suppression["reason"] for suppression in found]
