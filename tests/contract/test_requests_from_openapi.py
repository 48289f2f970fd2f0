"""What the maker of requests does with contracts that today's operations do not have."""

from typing import Any
from uuid import uuid4

import pytest

from tests.contract.requests_from_openapi import Incomplete, Operation, Place

IDS = {"orders": uuid4(), "clients": uuid4(), "order_photos": uuid4(), "users": uuid4()}
UUID_SCHEMA = {"type": "string", "format": "uuid"}


def _with_body(*required: str, **properties: Any) -> Operation:
    schema = {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
    content = {"application/json": {"schema": schema}}
    return Operation("POST", "/v1/things", {"parameters": [], "requestBody": {"content": content}})


def _with_query(name: str, *, required: bool = False, **schema: Any) -> Operation:
    parameter = {"in": "query", "name": name, "required": required, "schema": schema}
    return Operation("GET", "/v1/things", {"parameters": [parameter]})


def test_values_fit_type_format_and_limits() -> None:
    operation = _with_body(
        flag={"type": "boolean"},
        number={"type": "integer", "minimum": 5},
        short={"type": "string", "maxLength": 2},
        long={"type": "string", "minLength": 40},
        role={"enum": ["owner", "viewer", None]},
        phone={"type": ["string", "null"], "pattern": "^\\+1$", "example": "+1"},
        either={"anyOf": [{"type": "null"}, {"type": "integer"}]},
        money={"$ref": "#/components/schemas/Money"},
        described={"allOf": [{"$ref": "#/components/schemas/Money"}], "description": "…"},
        lines={"type": "array", "items": {"type": "object", "properties": {"order_id": UUID_SCHEMA}}},
        client_ids={"type": "array", "items": UUID_SCHEMA},
        starts_at={"type": "string", "format": "date-time"},
        ends_at={"type": "string", "format": "date-time"},
    )
    body = operation.request(IDS)["json"]
    assert (body["flag"], body["number"], body["role"], body["phone"]) == (True, 5, "viewer", "+1")
    assert (len(body["short"]), len(body["long"]), type(body["either"])) == (2, 40, int)
    assert body["money"] == body["described"] == {"amount": 12900, "currency": "cad"}
    assert body["lines"] == [{"order_id": str(IDS["orders"])}]
    assert body["client_ids"] == [str(IDS["clients"])]
    assert body["starts_at"] < body["ends_at"]


def test_addresses_differ_from_request_to_request() -> None:
    operation = _with_body(email={"type": "string", "format": "email", "example": "anna@example.com"})
    assert operation.request(IDS) != operation.request(IDS)


def test_optional_identifiers_are_sent_when_they_are_asked_for() -> None:
    inner = {
        "type": "object",
        "properties": {"photo_id": UUID_SCHEMA, "note": {"type": "string"}},
        "required": ["note"],
    }
    operation = _with_body("name", name={"type": "string"}, cover=inner)
    (place,) = operation.places
    assert place == Place("body", "cover/photo_id", required=False)
    assert set(operation.request(IDS)["json"]) == {"name"}
    foreign = uuid4()
    assert operation.request(IDS, {place: foreign})["json"]["cover"]["photo_id"] == str(foreign)


def test_a_filter_by_anything_may_name_every_table() -> None:
    (place,) = _with_query("resource_id", **UUID_SCHEMA).places
    assert {"orders", "clients", "users"} <= set(place.tables)


def test_a_name_that_fits_no_table_says_what_to_do() -> None:
    with pytest.raises(Incomplete, match="name an identifier after one table"):
        _with_body(thing_id=UUID_SCHEMA).request(IDS)


def test_a_longer_name_wins_over_a_shorter_one() -> None:
    assert Place("path", "order_id", required=True).tables == ["orders"]
    assert Place("path", "order_photo_id", required=True).tables == ["order_photos"]
    assert Place("path", "photo_id", required=True).tables == ["order_photos"]


def test_a_pattern_without_an_example_says_which_field_needs_one() -> None:
    with pytest.raises(Incomplete, match=r"`home/phone` of the body an example"):
        _with_body(home={"type": "object", "properties": {"phone": {"type": "string", "pattern": "^\\+1$"}}}).request(
            {}
        )


def test_an_example_that_does_not_fit_is_not_sent() -> None:
    with pytest.raises(Incomplete, match=r"give `\$\.size` an example"):
        _with_body(size={"type": "integer", "maximum": 3, "example": 4}).request({})


def test_the_example_of_a_whole_object_goes_before_those_of_its_parts() -> None:
    part = {"type": ["integer", "null"]}
    operation = _with_body(policy={"type": "object", "properties": {"above": part}, "example": {"above": None}})
    assert operation.request({})["json"] == {"policy": {"above": None}}


def test_an_example_never_stands_in_for_an_identifier() -> None:
    part = {"type": "object", "properties": {"order_id": UUID_SCHEMA}, "example": {"order_id": str(uuid4())}}
    assert _with_body(part=part).request(IDS)["json"] == {"part": {"order_id": str(IDS["orders"])}}


def test_a_required_query_parameter_is_sent() -> None:
    operation = _with_query("status", required=True, type="array", items={"enum": ["a", "b"]})
    assert operation.request({})["query_string"] == {"status": "b"}


def test_what_is_no_identifier_in_a_path_is_known_by_its_name() -> None:
    slug = {"in": "path", "name": "org_slug", "required": True, "schema": {"type": "string", "minLength": 1}}
    operation = Operation("GET", "/v1/public/{org_slug}/things", {"parameters": [slug]})
    assert (operation.names_company, operation.places) == (True, [])
    assert operation.request({"org_slug": "bright"})["path"] == "/v1/public/bright/things"


def test_an_optional_part_with_an_example_is_sent() -> None:
    """What needs one of two parts says so in words only."""
    phone, note = {"type": "string", "pattern": "^\\+1$", "example": "+1"}, {"type": "string"}
    operation = _with_body("name", name={"type": "string"}, phone=phone, note=note)
    assert set(operation.request({})["json"]) == {"name", "phone"}
