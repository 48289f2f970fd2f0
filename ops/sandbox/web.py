"""The HTTP side: what every page and answer has in common, and the server that serves an application."""

import threading
from typing import TYPE_CHECKING

from flask import Flask, Response, jsonify, render_template, request
from flask.json.provider import DefaultJSONProvider
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

from ops.sandbox.cloudflare import api as cloudflare_api
from ops.sandbox.cloudflare import control as cloudflare
from ops.sandbox.cloudflare import delivery as cloudflare_delivery
from ops.sandbox.fields import BadBodyError
from ops.sandbox.mail import routes as mail
from ops.sandbox.receiver import routes as receiver
from ops.sandbox.s3 import routes as s3
from ops.sandbox.sendgrid import api as sendgrid_api
from ops.sandbox.sendgrid import control as sendgrid
from ops.sandbox.stripe import routes as stripe
from ops.sandbox.turnstile import routes as turnstile
from ops.sandbox.world import World, world

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MAX_BODY_BYTES = 1024 * 1024
# No scripts at all, and nothing from other hosts: the pages show what strangers wrote.
PAGE_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def create_app(shared: World) -> Flask:
    """The sandbox's web application around ``shared``."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.json = _InOrder(app)
    app.extensions["sandbox"] = shared
    app.register_blueprint(mail.blueprint)
    app.register_blueprint(stripe.blueprint)
    app.register_blueprint(turnstile.blueprint)
    app.register_blueprint(s3.blueprint)
    app.register_blueprint(receiver.blueprint)
    for part in (cloudflare, cloudflare_api, cloudflare_delivery, sendgrid, sendgrid_api):
        app.register_blueprint(part.blueprint)
    app.add_url_rule("/", view_func=index)
    app.add_url_rule("/healthz", view_func=healthz)
    app.register_error_handler(BadBodyError, _bad_body)
    app.register_error_handler(HTTPException, _http_error)
    app.after_request(_harden)
    return app


def index() -> str:
    """What is here, and where."""
    return render_template("index.html", world=world())


def healthz() -> Response:
    """200 while the process serves."""
    return Response("ok", mimetype="text/plain")


def _bad_body(error: BadBodyError) -> ResponseReturnValue:
    return jsonify(error=str(error)), 400


def _http_error(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Location")}
    if request.path.startswith("/api/"):
        return jsonify(error=error.description or error.name), code, headers
    return render_template("error.html", code=code, name=error.name, text=error.description), code, headers


def _harden(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", PAGE_CSP)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


class _InOrder(DefaultJSONProvider):
    """JSON with its keys in the order in which they were written, which is the order of reading."""

    sort_keys = False


class HttpServer:
    """A web application on a port of its own, a thread per request. ``port`` is the one really bound.

    Raises OSError when it cannot listen.
    """

    def __init__(self, app: "WSGIApplication", host: str, port: int) -> None:
        try:
            self._server = make_server(host, port, app, threaded=True, request_handler=_QuietHandler)
        except SystemExit as error:
            # werkzeug prints advice and exits when the port is taken; our caller decides what to say.
            raise OSError(f"HTTP port {port} is taken") from error
        self.port = self._server.port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more requests; those in flight end with the process."""
        self._server.shutdown()
        self._thread.join()


class _QuietHandler(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: a line per request would bury the errors, which are still logged."""

    def connection_dropped(self, error: BaseException, environ: object = None) -> None:  # noqa: ARG002 - werkzeug's
        """The rest of a body that nobody has read is no further request."""
        self.close_connection = True
