"""For tests and people: what was sent, telling events, the verification key, and what is to go wrong."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, render_template
from flask.typing import ResponseReturnValue

from ops.sandbox.fields import BadBodyError, Fields
from ops.sandbox.posting import deliver
from ops.sandbox.sendgrid import events
from ops.sandbox.sendgrid.faults import Fault, Mode
from ops.sandbox.sendgrid.log import Sent, Told
from ops.sandbox.sendgrid.signing import new_key
from ops.sandbox.switch import SWITCHED, switched
from ops.sandbox.world import world

blueprint = Blueprint("sendgrid", __name__)

MAX_COUNT = 1_000_000
MAX_SECONDS = 100_000
MAX_TIMES, MAX_CONCURRENCY = 100, 16
MAX_OFFSET_SECONDS = 4_000_000_000
_NEED_SECONDS = {Mode.SLOW, Mode.RATE_LIMITED}
KNOWN_FIELDS = (
    "message_id",
    "mail_id",
    "events",
    "url",
    "dry",
    "forged",
    "times",
    "concurrency",
    "timestamp_offset",
)


@blueprint.get("/api/sendgrid/key")
def get_key() -> Response:
    """The verification key of the webhook: SENDGRID_WEBHOOK_PUBLIC_KEY."""
    return jsonify(public_key=world().sendgrid_key.public_key)


@blueprint.get("/api/sendgrid/mails")
def list_mails() -> Response:
    """What was sent, a row for each recipient, oldest first."""
    return jsonify(data=[_sent(sent) for sent in world().sendgrid_sent.all()])


@blueprint.get("/api/sendgrid/calls")
def list_calls() -> Response:
    """Every call of mail/send, oldest first."""
    calls = world().sendgrid_calls.all()
    return jsonify(data=[{"at": _instant(call.at), "mode": call.mode, "status": call.status} for call in calls])


@blueprint.post("/api/sendgrid/events")
def post_events() -> ResponseReturnValue:
    """Sign events and post them in one batch; answers when every delivery has ended.

    ``events`` are objects. With ``message_id`` (X-Message-Id) or ``mail_id`` (of the mailbox) they are about that mail:
    ``event`` names the kind and the rest is filled in; without, they are sent as they are. ``forged`` signs with
    another key, ``dry`` posts nothing.
    """
    fields = Fields(*KNOWN_FIELDS)
    batch = _batch(fields)
    key = new_key() if fields.flag("forged") else world().sendgrid_key
    offset = fields.whole("timestamp_offset", 0, low=-MAX_OFFSET_SECONDS, high=MAX_OFFSET_SECONDS)
    url = fields.url("url", world().sendgrid_webhook_url)
    times = fields.whole("times", 1, low=1, high=MAX_TIMES)
    concurrency = fields.whole("concurrency", 1, low=1, high=MAX_CONCURRENCY)
    if fields.flag("dry"):
        body = events.payload(batch)
        return jsonify(payload=body.decode(), headers=events.signed_headers(body, key, offset), deliveries=[])
    if url is None:
        raise BadBodyError("url is missing, and the sandbox was started without --sendgrid-webhook-url")
    posting = events.posting(batch, url, key, times=times, concurrency=concurrency, timestamp_offset=offset)
    began = datetime.now(UTC)
    told = Told(began, url, batch, deliver(posting, world().stopping))
    world().sendgrid_told.add(told)
    return jsonify(events=told.events, deliveries=told.deliveries)


@blueprint.get("/api/sendgrid/events")
def list_events() -> Response:
    """What was told, oldest first."""
    found = world().sendgrid_told.all()
    return jsonify(
        data=[
            {"at": _instant(told.at), "url": told.url, "events": told.events, "deliveries": told.deliveries}
            for told in found
        ]
    )


@blueprint.get("/api/sendgrid/fault")
def get_fault() -> Response:
    """The fault in force and how many mails it still has."""
    fault = world().sendgrid_faults.current()
    return jsonify(mode=fault.mode, count=fault.count, seconds=fault.seconds)


@blueprint.put("/api/sendgrid/fault")
def set_fault() -> ResponseReturnValue:
    """Make the next ``count`` mails (null: all) go wrong in the way of ``mode``."""
    told = switched(Fields(*SWITCHED), Mode, lasting=_NEED_SECONDS, longest=MAX_SECONDS)
    world().sendgrid_faults.set(Fault(Mode(told.mode), told.count, told.seconds))
    return get_fault()


@blueprint.get("/sendgrid")
def show() -> str:
    """What was sent and what was told of it, newest first, as a page."""
    return render_template(
        "sendgrid.html",
        mails=world().sendgrid_sent.all()[::-1],
        told=world().sendgrid_told.all()[::-1],
        fault=world().sendgrid_faults.current(),
        world=world(),
    )


def _batch(fields: Fields) -> list[Any]:
    given = fields.objects("events")
    message_id, mail_id = fields.text("message_id", None), fields.whole("mail_id", None, low=1, high=MAX_COUNT)
    if message_id is None and mail_id is None:
        return list(given)
    found = [
        s for s in world().sendgrid_sent.all() if message_id in (None, s.message_id) and mail_id in (None, s.mail_id)
    ]
    if not found:
        raise BadBodyError("no such mail was sent by SendGrid's API, or it is no longer kept")
    kinds = [each.get("event") for each in given]
    if unknown := [kind for kind in kinds if kind not in list(events.Kind)]:
        raise BadBodyError(f"event {unknown[0]!r} is not one of {', '.join(events.Kind)}")
    return [events.event(events.Kind(each["event"]), found[-1], each) for each in given]


def _sent(sent: Sent) -> dict[str, Any]:
    return {
        "at": _instant(sent.at),
        "message_id": sent.message_id,
        "mail_id": sent.mail_id,
        "recipient": sent.recipient,
        "smtp_id": sent.smtp_id,
        "subject": sent.subject,
        "custom_args": sent.custom_args,
    }


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
