"""Mail by hand: what the scheduled scan of mails does, at once, and for one's own organization."""

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, services, tenant
from api.messages.scan_schemas import EmailScanSchema
from shared.audit import service as audit
from shared.core.permissions import Permission
from shared.core.transaction import transaction
from shared.messages import sending
from shared.orders import reminders

BATCH = 500
MOST_BATCHES = 4
"""What a request has time for; the scheduled scan does the rest."""

blueprint = Blueprint("email_scan", __name__, url_prefix="/v1/admin/email-scan", description=__doc__)


@blueprint.route("", methods=["POST"])
@requires(Permission.MESSAGES_SCAN)
@blueprint.response(200, EmailScanSchema)
def scan_email() -> dict[str, int]:
    """Promise the reminders that are due, up to 2,000 of them, and try again up to 500 mails that are late.

    Again is harmless: an order is reminded of once for each time at which it is to begin, whoever looks.
    """
    counts = {"reminders": _remind(), "requeued": 0}
    with transaction(tenant()) as session:
        if services().mailer is not None:
            settings, own = services().settings, actor().org_id
            counts["requeued"] = sending.sweep(session, settings, org_id=own, now=now(), limit=BATCH)["requeued"]
        audit.record(session, actor(), "messages.scan", actor().org_id, now=now(), after=counts)
    return counts


def _remind() -> int:
    """Batch after batch, each in a transaction of its own: orders are held while theirs lasts."""
    promised = 0
    for _ in range(MOST_BATCHES):
        with transaction(tenant()) as session:
            found = reminders.remind_due(session, org_id=actor().org_id, now=now(), limit=BATCH)["reminders"]
        promised += found
        if found < BATCH:
            break
    return promised
