"""SendGrid's API: mail/send."""

import json
import secrets
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from ops.sandbox.sendgrid import mime
from ops.sandbox.sendgrid.account import API_KEY, BASE_PATH
from ops.sandbox.sendgrid.checks import Fault as MailFault
from ops.sandbox.sendgrid.checks import faults_of
from ops.sandbox.sendgrid.faults import Fault, Mode
from ops.sandbox.sendgrid.log import Call, Sent
from ops.sandbox.sendgrid.misbehaving import (
    ACCEPTS_EVERYTHING,
    end_connection,
    instead,
    refusal,
    too_large,
    unauthorized,
)
from ops.sandbox.world import world

blueprint = Blueprint("sendgrid_api", __name__)

MAX_MAIL_BYTES = 30 * 1024 * 1024


@blueprint.post(f"{BASE_PATH}/v3/mail/send")
def send() -> Response:
    """Take a mail: 202, and what it is called in ``X-Message-Id``."""
    request.max_content_length = MAX_MAIL_BYTES
    fault = world().sendgrid_faults.take()
    answer = _answered(fault)
    has_answer = fault.mode not in {Mode.HANG, Mode.RESET, Mode.DROP_AFTER_ACCEPT}
    status = answer.status_code if has_answer else None
    world().sendgrid_calls.add(Call(datetime.now(UTC), fault.mode, status))
    return answer


@blueprint.route(ACCEPTS_EVERYTHING, methods=["GET", "POST"])
def accept_everything() -> Response:
    """Says what mail/send says to a good mail, and takes none."""
    return Response(status=202, headers={"X-Message-Id": "from-elsewhere"})


def _answered(fault: Fault) -> Response:
    if request.headers.get("Authorization") != f"Bearer {API_KEY}":
        return unauthorized()
    if refused := instead(fault):
        return refused
    if not request.is_json:
        return refusal(415, MailFault("Content-Type should be application/json."))
    try:
        mail = json.loads(request.get_data())
        wrong = faults_of(mail)
    except RequestEntityTooLarge:
        return too_large()
    except (ValueError, RecursionError):
        wrong = [MailFault("Bad Request")]
    return refusal(400, *wrong) if wrong else _taken(mail, fault)


def _taken(mail: dict[str, Any], fault: Fault) -> Response:
    message_id = secrets.token_urlsafe(16)
    for personalization in mail["personalizations"]:
        _store(mail, personalization, message_id)
    if fault.mode is Mode.DROP_AFTER_ACCEPT:
        return end_connection()
    if fault.mode is Mode.SLOW:
        world().stopping.wait(fault.seconds)
    return Response(status=202, headers={} if fault.mode is Mode.NO_ID else {"X-Message-Id": message_id})


def _store(mail: dict[str, Any], personalization: dict[str, Any], message_id: str) -> None:
    recipients = mime.recipients(personalization)
    raw = mime.built(mail, personalization, message_id)
    kept = world().mailbox.add(mail["from"]["email"], recipients, raw)
    for recipient in recipients:
        sent = Sent(
            at=kept.received_at,
            message_id=message_id,
            mail_id=kept.id,
            recipient=recipient,
            smtp_id=kept.message_id,
            subject=kept.subject,
            custom_args=mime.custom_args(mail, personalization),
        )
        world().sendgrid_sent.add(sent)
        world().sendgrid_teller.tell_of(sent)
