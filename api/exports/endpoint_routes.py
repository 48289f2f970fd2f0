"""Webhook endpoint: where the events of your company are posted to."""

from typing import Any

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, services, tenant
from api.core.etags import demand_if_match, etag, expected_version
from api.core.idempotency import Answer
from api.core.job_runs import JobRunSchema, run_by_hand
from api.core.openapi import honours_if_match, refuses
from api.exports.endpoint_schemas import (
    DrillArguments,
    EndpointChangeSchema,
    EndpointSchema,
    EndpointWithSecretSchema,
    present,
)
from shared.core.errors import Invalid, invalid_field
from shared.core.orm import columns_of
from shared.core.permissions import Permission
from shared.core.transaction import read_only, transaction
from shared.exports import endpoints

blueprint = Blueprint("webhook_endpoints", __name__, url_prefix="/v1/webhook-endpoints", description=__doc__)


@blueprint.route("/current", methods=["GET"])
@requires(Permission.WEBHOOK_ENDPOINTS_READ)
@blueprint.response(200, EndpointSchema)
def get_webhook_endpoint() -> Answer:
    """Get the target of your events, its own one or the installation's, and how deliveries have gone lately.

    Secrets are never shown. `state` is `disabled` when the target has answered 410: see `disabled_reason`, and enable
    it when that is mended; events wait. The `ETag` names the version of what you have set.
    """
    with read_only(tenant()) as session:
        endpoint = endpoints.find(session, actor())
    return present(endpoint, services().settings), 200, etag(endpoint["version"])


@blueprint.route("/current", methods=["PUT"])
@requires(Permission.WEBHOOK_ENDPOINTS_WRITE)
@blueprint.arguments(EndpointChangeSchema)
@blueprint.response(200, EndpointWithSecretSchema)
@refuses(412, 428)
@honours_if_match
def set_webhook_endpoint(body: dict[str, Any]) -> Answer:
    """Send your events to a URL of your own. The first time a secret is made and shown, this once.

    Over an existing URL `If-Match` is required: 428 without it, 412 when it names another version, `*` for any. Another
    URL is another target: failures are forgotten and what waits is sent there. Test it with
    `POST /v1/webhook-endpoints/test`.
    """
    _refuse_bad_target(body["url"])
    with transaction(tenant()) as session:
        endpoint = endpoints.lock(session, actor(), now=now())
        if endpoint.url is not None:
            demand_if_match()
        endpoints.demand_version(endpoint, expected_version())
        row, secret = endpoints.set_url(session, actor(), services().settings, endpoint, body["url"], now=now())
    return _with_secret(row, secret)


@blueprint.route("/current", methods=["DELETE"])
@requires(Permission.WEBHOOK_ENDPOINTS_WRITE)
@blueprint.response(204)
def delete_webhook_endpoint() -> None:
    """Remove your own URL and secrets. Events go to the installation's target, or wait if it has none."""
    with transaction(tenant()) as session:
        endpoints.remove(session, actor(), now=now())


@blueprint.route("/current/rotate-secret", methods=["POST"])
@requires(Permission.WEBHOOK_ENDPOINTS_WRITE)
@blueprint.response(200, EndpointWithSecretSchema)
@refuses(409)
def rotate_webhook_secret() -> Answer:
    """Make a new secret and show it, this once. The one before signs as well for 24 hours.

    During that time each delivery carries two signatures; a receiver takes one that it can verify. Rotating again ends
    the oldest at once. 409 `webhook_endpoints.none` without a URL of your own.
    """
    with transaction(tenant()) as session:
        row, secret = endpoints.rotate_secret(session, actor(), services().settings, now=now())
    return _with_secret(row, secret)


@blueprint.route("/current/enable", methods=["POST"])
@requires(Permission.WEBHOOK_ENDPOINTS_WRITE)
@blueprint.response(200, EndpointSchema)
def enable_webhook_endpoint() -> Answer:
    """Deliver again to a target that was disabled, or rests after failures. What waits is sent now."""
    with transaction(tenant()) as session:
        row = endpoints.enable(session, actor(), now=now())
    return present(columns_of(row), services().settings), 200, etag(row.version)


@blueprint.route("/test", methods=["POST"])
@requires(Permission.WEBHOOK_ENDPOINTS_WRITE)
@blueprint.arguments(DrillArguments, location="query")
@blueprint.response(202, JobRunSchema)
@blueprint.alt_response(200, schema=JobRunSchema, description="The run is over")
def test_webhook_endpoint(arguments: dict[str, Any]) -> Answer:
    """Send your endpoint nine events named `endpoint.test`, some of which it must refuse, and see what it does.

    Answers 202 with the run, or 200 when it is over; the scorecard is in its `details`: of each case what was
    `expected`, the `status` that came, and `advice` when it did not pass. Asked for twice within a minute it runs once.
    409 `webhook_endpoints.none` without a URL of your own.
    """
    with read_only(tenant()) as session:
        endpoints.demand_own(session, actor())
    return run_by_hand("webhook_drill", **arguments)


def _refuse_bad_target(url: str) -> None:
    """As far as can be told without a look-up: each delivery looks again."""
    try:
        services().webhook_sender.check_url(url)
    except Invalid as refusal:
        raise invalid_field("/url", refusal.code, refusal.detail) from None


def _with_secret(row: Any, secret: str | None) -> Answer:
    body = present(columns_of(row), services().settings) | {"secret": secret}
    return body, 200, etag(row.version)
