"""Mails over HTTP: pages for people, JSON for tests, and the switch for SMTP faults."""

import re
from typing import Any

from flask import Blueprint, Response, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from ops.sandbox.fields import Fields
from ops.sandbox.mail.faults import Fault, Mode
from ops.sandbox.mail.mailbox import Mail
from ops.sandbox.switch import SWITCHED, switched
from ops.sandbox.world import world

blueprint = Blueprint("mail", __name__)

PAGE_ROWS = 200
# aiosmtpd ends a connection that has been silent for 300 s; a stall must end before that.
MAX_STALL_SECONDS = 120
# A mail runs no script, loads nothing and submits nothing. Its links open in a tab of their own, outside the
# sandbox: people click through the demo's mails.
MAIL_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
LINKS_LEAVE_THE_FRAME = '<base target="_blank">'


@blueprint.get("/mail")
def show_mails() -> str:
    """The newest mails first; ``?to=`` keeps those with a recipient that contains it."""
    wanted = request.args.get("to", "").strip()
    found = [m for m in world().mailbox.all() if wanted.lower() in " ".join(m.envelope_to).lower()]
    return render_template("mails.html", mails=found[::-1][:PAGE_ROWS], total=len(found), to=wanted)


@blueprint.get("/mail/<int:mail_id>")
def show_mail(mail_id: int) -> str:
    """One mail: headers, HTML in a sandboxed frame, text, and a link to the bytes."""
    return render_template("mail.html", mail=_get(mail_id))


@blueprint.get("/mail/<int:mail_id>/html")
def show_html(mail_id: int) -> Response:
    """The HTML part as it was sent, for the frame, where nothing in it can do harm."""
    html = _get(mail_id).content.html
    head = re.search(r"<head(\s[^>]*)?>", html, re.IGNORECASE)
    # Before a doctype it would switch the browser to quirks mode, so it goes into the head when there is one.
    at = head.end() if head else 0
    page = html[:at] + LINKS_LEAVE_THE_FRAME + html[at:]
    return Response(page, mimetype="text/html", headers={"Content-Security-Policy": MAIL_CSP})


@blueprint.get("/mail/<int:mail_id>/raw")
def show_raw(mail_id: int) -> Response:
    """The exact bytes that came in after DATA."""
    return Response(_get(mail_id).raw, mimetype="text/plain")


@blueprint.get("/mail/<int:mail_id>/attachments/<int:number>")
def show_attachment(mail_id: int, number: int) -> Response:
    """An attachment, counted from 1, to be kept as a file; with ``?view`` one that is text is shown as such."""
    attachments = _get(mail_id).content.attachments
    if not 1 <= number <= len(attachments):
        abort(404, "The mail has no such attachment.")
    found = attachments[number - 1]
    if "view" in request.args and found.content_type.startswith("text/"):
        return Response(found.content, content_type="text/plain; charset=utf-8")
    # Whatever it says to be, it never runs here.
    answer = Response(found.content, mimetype="application/octet-stream")
    answer.headers.set("Content-Disposition", "attachment", filename=_file_name(found.filename, number))
    return answer


@blueprint.get("/api/mail")
def list_mails() -> Response:
    """Mails oldest first, without their bytes. ``to`` and ``message_id`` match whole, ``subject`` in part."""
    to = request.args.get("to", "").strip().lower()
    subject = request.args.get("subject", "").lower()
    message_id = request.args.get("message_id", "").strip("<> ")
    found = [
        mail
        for mail in world().mailbox.all()
        if (not to or to in [address.lower() for address in mail.envelope_to])
        and subject in mail.subject.lower()
        and (not message_id or message_id == mail.message_id.strip("<>"))
    ]
    return jsonify(data=[_as_json(mail) for mail in found])


@blueprint.get("/api/mail/<int:mail_id>")
def get_mail(mail_id: int) -> Response:
    """One mail with ``raw``, decoded as UTF-8; the exact bytes are at ``/mail/<id>/raw``."""
    mail = _get(mail_id)
    return jsonify(_as_json(mail) | {"raw": mail.raw.decode("utf-8", "replace")})


@blueprint.delete("/api/mail")
def clear_mails() -> Response:
    """Forget every mail."""
    return jsonify(deleted=world().mailbox.clear())


@blueprint.get("/api/smtp/fault")
def get_fault() -> Response:
    """The fault in force and how many deliveries it still has."""
    fault = world().smtp_faults.current()
    return jsonify(mode=fault.mode, count=fault.count, seconds=fault.seconds)


@blueprint.put("/api/smtp/fault")
def set_fault() -> ResponseReturnValue:
    """Make the next ``count`` deliveries (null: all) go wrong in the way of ``mode``."""
    told = switched(Fields(*SWITCHED), Mode, lasting={Mode.STALL}, longest=MAX_STALL_SECONDS)
    world().smtp_faults.set(Fault(Mode(told.mode), told.count, told.seconds))
    return get_fault()


def _file_name(given: str, number: int) -> str:
    """``given`` as the name of a file: no folders, nothing that cannot stand in a header."""
    name = re.sub(r"[\x00-\x1f\x7f]", "", given.replace("\\", "/").rpartition("/")[2])
    return name[:200] or f"attachment-{number}"


def _get(mail_id: int) -> Mail:
    return world().mailbox.find(mail_id) or abort(404, "There is no such mail, or it is no longer kept.")


def _as_json(mail: Mail) -> dict[str, Any]:
    return {
        "id": mail.id,
        "received_at": mail.received_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "envelope_from": mail.envelope_from,
        "envelope_to": list(mail.envelope_to),
        "message_id": mail.message_id,
        "subject": mail.subject,
        "headers": [list(pair) for pair in mail.content.headers],
        "text": mail.content.text,
        "html": mail.content.html,
        "attachments": [
            {"filename": part.filename, "content_type": part.content_type, "size": part.size}
            for part in mail.content.attachments
        ],
    }
