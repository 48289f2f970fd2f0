"""A browser: what it is shown are pages, which the contract of the API says nothing about."""

import pytest
from flask import Flask
from flask.testing import FlaskClient


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return FlaskClient(app)
