"""A mail that dies and is sent after all, one that is sent once more, and what became of each."""

from ops.demo.chapters.email.correspondence import Correspondence
from ops.demo.story import expect


def fail_and_replay(anna: Correspondence) -> None:
    """The mail server refuses her address: the mail is dead, with the reason, until somebody sends it again."""
    _refuse_next(anna)
    anna.owner.move(anna.order_path, "start", "in_progress")
    anna.owner.move(anna.order_path, "complete", "completed")
    dead = anna.wait_for_message("order_completed", "dead")["details"]
    listed = anna.owner.get("/v1/admin/messages", params={"state": "dead", "recipient": anna.address})["data"]
    expect([message["id"] for message in listed] == [dead["message_id"]], "the dead mail is not listed")
    anna.story.proved("A mail is refused for good: it is dead, and says why", f"{dead['last_error']}")
    answer = anna.owner.call("POST", f"/v1/admin/messages/{dead['message_id']}/replay")
    expect(answer.status_code in {200, 409}, f"the replay answered {answer.status_code}: {answer.text}")
    mail = anna.wait_for("Done")
    sent = anna.wait_for_message("order_completed", "sent")["details"]
    expect(str(dead["message_id"]) in mail["message_id"], "another mail came")
    anna.story.proved("It is replayed, and arrives", f"“{mail['subject']}”, {sent['attempts']} try")


def send_again(anna: Correspondence) -> None:
    """She cannot find it: the office sends it once more."""
    anna.owner.create(f"{anna.order_path}/resend-last-email")
    mail = anna.wait_for("Done", 2)
    anna.story.proved("The office sends the last mail once more", f"“{mail['subject']}” as {mail['message_id']}")


def answer(anna: Correspondence) -> None:
    """Did Anna get her mail?"""
    anna.wait_for_message("order_completed", "sent")
    told = [entry["details"] | {"kind": entry["event"]} for entry in anna.messages()]
    states = {message["state"] for message in told}
    expect(states == {"sent", "suppressed"}, f"there are mails that are {states}")
    lines = [f"{message['kind']:<18} {message['state']:<11} {message['summary']}" for message in told]
    anna.story.proved("“Did Anna get her mail?” One call, the order's timeline, answers:", *lines)
    anna.story.proved("And one page shows what she sees", anna.page)


def _refuse_next(anna: Correspondence) -> None:
    """Have the mail server refuse the next recipient."""
    if anna.world.environment["EMAIL_MODE"] == "sendgrid":
        anna.world.sandbox("PUT", "/api/sendgrid/fault", json={"mode": "refused", "count": 1})
    else:
        anna.world.sandbox("PUT", "/api/smtp/fault", json={"mode": "refuse_recipient", "count": 1})
