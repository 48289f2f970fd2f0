"""The catalog under callers who come at the same moment."""

from collections import Counter
from functools import partial
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.catalog.books import HOME, changed
from tests.concurrency.together import together
from tests.factories.catalog import INPUTS, make_addon, make_price_book, make_service
from tests.factories.organizations import Company


def _post(app: Flask, company: Company, path: str, body: Any) -> TestResponse:
    return app.test_client().post(path, headers=company.headers(), json=body)


def test_books_uploaded_at_once_get_a_version_each(app: Flask, company: Company) -> None:
    make_service(company)
    make_addon(company)
    company.headers()
    answers = together(*[partial(_post, app, company, "/v1/price-books", {"rules": HOME})] * 10)
    assert [answer.status_code for answer in answers] == [201] * 10
    assert sorted(answer.get_json()["version"] for answer in answers) == list(range(1, 11))


def test_of_services_with_one_key_one_is_made(app: Flask, company: Company) -> None:
    company.headers()
    body = {"key": "sofa", "name": "Sofa"}
    answers = together(*[partial(_post, app, company, "/v1/services", body)] * 10)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 9}
    assert {answer.get_json().get("code") for answer in answers} == {None, "catalog.key_taken"}


def test_an_estimate_is_made_by_one_book_as_a_whole(app: Flask, company: Company) -> None:
    """However often the book changes meanwhile: price, add-ons and taxes are of the version that the estimate names."""
    service_id, addon_id = make_service(company), make_addon(company)
    company.headers()
    dearer = changed(HOME, "services/home_cleaning/base/price", "800.00")
    dearer = changed(dearer, "addons/oven/price", "350.00")
    make_price_book(company, HOME)
    body = {"service_id": str(service_id), "inputs": INPUTS, "addons": [{"addon_id": str(addon_id)}]}
    ask = partial(_post, app, company, "/v1/estimates", body)
    uploads = [partial(_post, app, company, "/v1/price-books", {"rules": book}) for book in (dearer, HOME) * 3]
    answers = together(*uploads, *[ask] * 10)
    assert {answer.status_code for answer in answers} == {201}
    rules = {1: HOME} | {a.get_json()["version"]: a.get_json()["rules"] for a in answers[: len(uploads)]}
    for made in (answer.get_json() for answer in answers[len(uploads) :]):
        is_dearer = rules[made["price_book_version"]] == dearer
        assert made["subtotal"]["amount"] == (120000 if is_dearer else 16500)
