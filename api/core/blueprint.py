"""Our blueprint: flask-smorest's, with the strict parser."""

from collections.abc import Callable
from typing import Any

from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import Schema

from api.core.parser import StrictParser


class Blueprint(SmorestBlueprint):  # type: ignore[misc]  # flask-smorest is untyped
    """Reads arguments strictly; every blueprint of the API is one of these."""

    ARGUMENTS_PARSER = StrictParser()

    def arguments(self, schema: type[Schema], *, location: str = "json", **kwargs: Any) -> Callable[[Any], Any]:
        """flask-smorest's, with the schema made once and not for every request; and the view is known to read a query
        string (see `api.core.access`)."""
        decorate = super().arguments(schema(), location=location, **kwargs)

        def declare(view: Any) -> Any:
            decorated = decorate(view)
            decorated.reads_query = location == "query" or getattr(view, "reads_query", False)
            return decorated

        return declare
