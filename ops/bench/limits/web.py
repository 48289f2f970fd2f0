"""Bare Flask under our gunicorn settings: nothing, one indexed SELECT, or one INSERT with its commit.

What psycopg2 offers at its fastest: one connection per thread, autocommit, so each statement is one round trip.
"""

import os
import tempfile
import threading
from pathlib import Path
from typing import Any

import psycopg2
from flask import Flask, request

_URL = os.environ["LIMITS_DATABASE_URL"]
_FOLDER = os.environ["ORDER_UPLOAD_ROOT"]
Path(_FOLDER).mkdir(parents=True, exist_ok=True)
_SELECT = "SELECT number, title, state, total FROM items WHERE id = %s"
_INSERT = "INSERT INTO items (id, title, state, total) VALUES (gen_random_uuid(), %s, %s, %s) RETURNING number"

app = Flask("limits")
_mine = threading.local()


def _cursor() -> Any:
    if not hasattr(_mine, "connection"):
        _mine.connection = psycopg2.connect(_URL)
        _mine.connection.autocommit = True
    return _mine.connection.cursor()


@app.get("/healthz")
def nothing() -> dict[str, Any]:
    return {"status": "pass"}


@app.get("/items/<item_id>")
def select(item_id: str) -> dict[str, Any]:
    with _cursor() as cursor:
        cursor.execute(_SELECT, (item_id,))
        number, title, state, total = cursor.fetchone()
    return {"id": item_id, "number": number, "title": title, "state": state, "total": total}


@app.post("/files")
def write_stream() -> tuple[dict[str, Any], int]:
    with tempfile.TemporaryFile(dir=_FOLDER) as file:
        while chunk := request.stream.read(65536):
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return {}, 201


@app.post("/items")
def insert() -> tuple[dict[str, Any], int]:
    body = request.get_json()
    with _cursor() as cursor:
        cursor.execute(_INSERT, (body["title"], body["state"], body["total"]))
        return {"number": cursor.fetchone()[0]}, 201
