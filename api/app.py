"""The Flask application: one line per blueprint."""

from collections.abc import Callable
from typing import Any

from flask import Flask

from api import pages
from api.audit.routes import blueprint as audit
from api.catalog.estimate_routes import blueprint as estimates
from api.catalog.routes import blueprint as catalog
from api.checklists.routes import blueprint as checklists
from api.clients.routes import blueprint as clients
from api.core import basic_auth, openapi
from api.core.json import OrjsonProvider
from api.core.problems import ProblemApi, register_problems
from api.core.request_log import register_request_log
from api.core.security_headers import with_security_headers
from api.core.uploads import UploadRequest
from api.crews.routes import blueprint as crews
from api.csv_files.routes import blueprint as csv_files
from api.exports.dead_letter_routes import blueprint as dead_letters
from api.exports.endpoint_routes import blueprint as webhook_endpoints
from api.health.routes import blueprint as health
from api.iam.routes import blueprint as iam
from api.identity.account_routes import blueprint as account
from api.identity.routes import blueprint as identity
from api.job_runs.routes import blueprint as job_runs
from api.leads.routes import blueprint as leads
from api.messages.routes import blueprint as messages
from api.messages.sendgrid_routes import blueprint as sendgrid_events
from api.messages.suppression_routes import blueprint as mail_suppressions
from api.messages.unsubscribe_routes import blueprint as unsubscribing
from api.metrics.routes import blueprint as metrics
from api.order_photos.routes import blueprint as order_photos
from api.orders.convert_routes import blueprint as lead_conversion
from api.orders.mail_routes import blueprint as order_mails
from api.orders.move_routes import blueprint as order_moves
from api.orders.routes import blueprint as orders
from api.orders.schedule_routes import blueprint as schedule
from api.organizations.routes import blueprint as organizations
from api.payments.routes import blueprint as payments
from api.privacy.routes import blueprint as privacy
from api.public.routes import blueprint as public
from api.recurrences.routes import blueprint as recurrences
from api.slots.routes import blueprint as slots
from api.storage_deletes.routes import blueprint as storage_deletes
from api.stripe_events.routes import blueprint as stripe_events
from api.time_entries.routes import blueprint as time_entries
from shared.core.settings import Settings
from shared.wiring import Services

View = Callable[..., Any]

BLUEPRINTS = (
    health,
    identity,
    account,
    iam,
    organizations,
    audit,
    clients,
    catalog,
    estimates,
    crews,
    leads,
    orders,
    order_moves,
    order_mails,
    lead_conversion,
    schedule,
    recurrences,
    slots,
    checklists,
    time_entries,
    order_photos,
    storage_deletes,
    job_runs,
    mail_suppressions,
    messages,
    webhook_endpoints,
    dead_letters,
    payments,
    csv_files,
    public,
    privacy,
    metrics,
    stripe_events,
    sendgrid_events,
)


class _SyncFlask(Flask):
    """Flask that takes our word for it that no view is async, and does not look at every function of every request."""

    def ensure_sync(self, func: View) -> View:
        return func


def create_app(settings: Settings, services: Services) -> Flask:
    """Build the application on `services`. Nothing is read from the environment here."""
    app = _SyncFlask("api", static_folder=None)
    app.request_class = UploadRequest
    app.json = OrjsonProvider(app)
    app.config.from_mapping(openapi.CONFIG)
    app.config["MAX_CONTENT_LENGTH"] = settings.api_json_max_bytes
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    register_request_log(app, services)
    register_problems(app)
    app.after_request(basic_auth.mark_deprecated)
    api = ProblemApi(app)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(unsubscribing)
    openapi.complete(api)
    app.wsgi_app = with_security_headers(app.wsgi_app)  # type: ignore[assignment,method-assign]
    return app
