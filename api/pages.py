"""The few pages for people: the API's documentation, and the form behind a password link. Assets are our own or
packaged; nothing is loaded from elsewhere."""

from pathlib import Path

from flask import Blueprint, Response, redirect, render_template, send_from_directory
from flask.typing import ResponseReturnValue
from flask_swagger_ui import __file__ as swagger_ui

from api.core.access import public
from shared.core.errors import CODES, NotFound, code

NO_SUCH_CODE = code("request.no_such_problem", "There is no such error code")

STATIC = Path(__file__).parent / "static"
SWAGGER = Path(swagger_ui).parent / "dist"

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
@public
def start() -> ResponseReturnValue:
    """Where a browser lands."""
    return redirect("/docs")


@blueprint.get("/docs")
@public
def docs() -> Response:
    """Swagger UI on `/v1/openapi.json`."""
    return send_from_directory(STATIC, "docs.html")


@blueprint.get("/problems")
@public
def problems() -> str:
    """Every error code."""
    return render_template("problems.html", title="Error codes", codes=sorted(CODES.items()))


@blueprint.get("/problems/<problem_code>")
@public
def problem(problem_code: str) -> str:
    """One error code: where the `type` of a problem document leads."""
    if problem_code not in CODES:
        raise NotFound(NO_SUCH_CODE, "There is no such error code.")
    return render_template("problems.html", title=CODES[problem_code], codes=[(problem_code, CODES[problem_code])])


@blueprint.get("/set-password")
@public
def set_password() -> Response:
    """The form that a password link opens. The token is in the fragment, which browsers never send to a server."""
    return send_from_directory(STATIC, "set-password.html")


@blueprint.get("/static/<path:name>")
@public
def static(name: str) -> Response:
    """Our own styles and scripts."""
    return send_from_directory(STATIC, name, max_age=3600)


@blueprint.get("/static/swagger-ui/<path:name>")
@public
def swagger(name: str) -> Response:
    """Swagger UI as packaged."""
    return send_from_directory(SWAGGER, name, max_age=3600)
