"""Requests that the published contract accepts, made from the contract alone: a new operation needs no list here.

Every value of the format `uuid` is an identifier; its name says of which table (`photo_id`: a row of `order_photos`).
What else is in a path is known by its own name (`org_slug`). Anything else is the `example` of its schema, or is made
up from type, format and limits. Each request is made anew, with addresses and texts of its own.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator

from ops.openapi import SNAPSHOT
from shared import models
from tests.contract.values import known_values, make_value

DOCUMENT: dict[str, Any] = json.loads(SNAPSHOT.read_text())
"""The committed contract: tests are named after its operations before there is an app. One test asks if it is fresh."""

_METHODS = {"get", "post", "put", "patch", "delete"}
_FILE = "tests/contract/requests_from_openapi.py"
_HOW = "`metadata={'example': …}` on the field of the schema"


Field = tuple[str, str, dict[str, Any], bool]


class Incomplete(AssertionError):
    """The contract does not say enough to make a request; the message says what to add."""


@dataclass(frozen=True)
class Place:
    """Where an operation takes an identifier: in its path, query or body, under `name`."""

    where: str
    name: str
    required: bool

    @property
    def tables(self) -> list[str]:
        """The tables whose rows may be meant: one, but for a filter by anything (`resource_id`)."""
        stem = self.name.rpartition("/")[2].removesuffix("s").removesuffix("_id")
        exact = [table for table in _tables() if _singular(table) == stem]
        found = exact or [table for table in _tables() if _singular(table).endswith(f"_{stem}")]
        if len(found) == 1:
            return found
        if self.where == "query":
            return _tables()
        raise Incomplete(
            f"`{self.name}` in the {self.where} is the name of {found or 'no table'}: name an identifier after one"
            " table, `client_id` for `clients`, `photo_id` or `order_photo_id` for `order_photos`."
        )


@dataclass(frozen=True)
class Operation:
    """One operation of the contract; `described` is what the document says of it."""

    method: str
    path: str
    described: dict[str, Any] = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def id(self) -> str:
        return str(self.described["operationId"])

    @property
    def is_public(self) -> bool:
        return self.described["security"] == []

    @property
    def names_company(self) -> bool:
        """Whether the path says whose rows it is about, as for people without an account."""
        return "{org_slug}" in self.path

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """What goes into path, query and headers."""
        found: list[dict[str, Any]] = self.described["parameters"]
        return found

    @property
    def body(self) -> tuple[str, dict[str, Any]] | None:
        """Media type and schema of the body, if there is one."""
        content = self.described.get("requestBody", {}).get("content", {})
        return next(((kind, media["schema"]) for kind, media in content.items()), None)

    @property
    def fields(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Where each value goes, its name there, and its schema."""
        return [(where, name, schema) for where, name, schema, _ in self._fields()]

    @property
    def places(self) -> list[Place]:
        """Every place for an identifier, the optional ones too."""
        return _identifiers(self._fields())

    def _fields(self) -> Iterator[Field]:
        for parameter in self.parameters:
            if parameter["in"] != "header":
                required = parameter.get("required", False)
                yield from fields_of(parameter["schema"], parameter["in"], parameter["name"], required=required)
        if self.body:
            yield from fields_of(self.body[1], "body", "", required=True)

    def request(self, ids: Mapping[str, Any], instead: Mapping[Place, Any] | None = None) -> dict[str, Any]:
        """What `client.open` takes. Required identifiers are those of `ids`, by table, and other names in the path, by
        themselves; `instead` replaces some identifiers, or adds optional ones."""
        return _Writer(self, ids, instead or {}).request()


def operations() -> list[Operation]:
    """Every operation of the contract."""
    found = []
    for path, methods in DOCUMENT["paths"].items():
        for method in _METHODS & set(methods):
            shared = methods.get("parameters", [])
            described = methods[method] | {"parameters": [*shared, *methods[method].get("parameters", [])]}
            found.append(Operation(method.upper(), path, described))
    return sorted(found, key=str)


def _tables() -> list[str]:
    return sorted(table.name for table in models.metadata.tables.values() if {"org_id", "id"} <= set(table.c.keys()))


def _singular(table: str) -> str:
    if table.endswith("ies"):
        return table.removesuffix("ies") + "y"
    return table.removesuffix("es") if table.endswith("sses") else table.removesuffix("s")


def whole(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with what it refers to, and of several choices the first that is not null."""
    found = {key: value for key, value in schema.items() if key not in {"$ref", "allOf", "anyOf", "oneOf"}}
    parts = list(schema.get("allOf", []))
    if "$ref" in schema:
        parts.append(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for choices in (schema.get("anyOf", []), schema.get("oneOf", [])):
        parts += [choice for choice in choices if choice.get("type") != "null"][:1]
    for part in map(whole, parts):
        needed = [*found.get("required", []), *part.get("required", [])]
        found = part | found | ({"required": needed} if needed else {})
    return found


def _members(schema: dict[str, Any], name: str) -> Iterator[tuple[str, str, dict[str, Any], bool]]:
    """Each member of an object: its name, its path, its schema, and whether it has to be sent. Where nothing has to be,
    as in a PATCH, everything is."""
    members = schema.get("properties", {})
    needed = schema.get("required") or members
    for member, inner in members.items():
        yield member, f"{name}/{member}" if name else member, inner, member in needed


def fields_of(schema: dict[str, Any], where: str, name: str, *, required: bool) -> Iterator[Field]:
    """Each single value of a schema: where it goes, its name there, its own schema, and whether it has to be sent."""
    seen = whole(schema)
    if "items" in seen:
        yield from fields_of(seen["items"], where, name, required=required)
    for _, path, inner, needed in _members(seen, name):
        yield from fields_of(inner, where, path, required=required and needed)
    if not {"items", "properties"} & set(seen):
        yield where, name, seen, required


def _identifiers(fields: Iterator[Field]) -> list[Place]:
    return [Place(where, name, needed) for where, name, schema, needed in fields if schema.get("format") == "uuid"]


def _is_shown(schema: dict[str, Any], where: str, name: str) -> bool:
    """Whether the contract gives an example of this optional part: an operation may need one of several, such as an
    address or a phone number. Identifiers are only sent when they are asked for."""
    return "example" in whole(schema) and not _identifiers(fields_of(schema, where, name, required=False))


class _Writer:
    """Writes one request."""

    def __init__(self, operation: Operation, ids: Mapping[str, Any], instead: Mapping[Place, Any]) -> None:
        self._operation, self._ids, self._instead = operation, ids, instead

    def request(self) -> dict[str, Any]:
        found: dict[str, Any] = {"method": self._operation.method, "path": self._operation.path}
        for parameter in self._operation.parameters:
            self._add_parameter(found, **{key: parameter.get(key) for key in ("name", "in", "schema", "required")})
        if self._operation.body is None:
            return found
        kind, schema = self._operation.body
        body = self._value(schema, "body", "", required=True)
        if kind == "multipart/form-data":
            return found | {"data": body}
        if kind != "application/json":
            raise Incomplete(f"{self._operation}: {_FILE} cannot write a body of the type {kind} yet")
        self._check(schema, body)
        return found | {"json": body}

    def _add_parameter(self, found: dict[str, Any], **parameter: Any) -> None:
        name, where, schema = parameter["name"], parameter["in"], parameter["schema"]
        required = bool(parameter["required"])
        if where == "header" and name == "If-Match":
            found["headers"] = {"If-Match": "*"}
        if where == "header" or not (required or self._wanted(schema, where, name)):
            return
        value = self._value(schema, where, name, required=required)
        if where == "path":
            found["path"] = found["path"].replace(f"{{{name}}}", str(value))
        else:
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            found.setdefault("query_string", {})[name] = text

    def _wanted(self, schema: dict[str, Any], where: str, name: str) -> bool:
        """Does this optional part hold an identifier that was asked for?"""
        return any(place in self._instead for place in _identifiers(fields_of(schema, where, name, required=False)))

    def _value(self, schema: dict[str, Any], where: str, name: str, *, required: bool) -> Any:
        seen = whole(schema)
        if seen.get("format") == "uuid":
            return self._identifier(Place(where, name, required))
        if where == "path" and name in self._ids:
            return self._ids[name]
        holds_identifiers = bool(_identifiers(fields_of(seen, where, name, required=required)))
        if not holds_identifiers and (known := known_values(seen)):
            return known[0]
        if "properties" in seen:
            return {
                member: self._value(inner, where, path, required=required and needed)
                for member, path, inner, needed in _members(seen, name)
                if needed or self._wanted(inner, where, path) or _is_shown(inner, where, path)
            }
        if "items" in seen:
            return [self._value(seen["items"], where, name, required=required)]
        made = make_value(seen, name.rpartition("/")[2])
        if made is None:
            raise Incomplete(f"{self._operation}: give `{name}` of the {where} an example: {_HOW}")
        return made

    def _identifier(self, place: Place) -> str:
        if place in self._instead:
            return str(self._instead[place])
        tables = place.tables
        return str(self._ids[tables[0] if len(tables) == 1 else "users"])

    def _check(self, schema: dict[str, Any], body: Any) -> None:
        complete = schema | {"components": DOCUMENT["components"]}
        for error in Draft202012Validator(complete).iter_errors(body):
            raise Incomplete(f"{self._operation}: {error.message}; give `{error.json_path}` an example: {_HOW}")
