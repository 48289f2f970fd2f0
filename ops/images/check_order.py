"""One order and one photo through the running images: two processes, one database, one queue, one upload volume."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from PIL import Image

from ops.images.check_container import CheckError, Container, wait_until


def order_and_photo(box: Container, api_url: str, uploads: Path) -> str:
    """Seed, sign in, place, confirm, upload, delete; the worker must delete the file that the API wrote."""
    # The seed refuses production, because its passwords are known.
    printed = box.must("python", "-m", "ops.cli", "demo", "seed", "--json", env={"ENVIRONMENT": "development"})
    logins = {login["role"]: login for login in json.loads(printed.splitlines()[-1])}
    credentials = {key: logins["owner"][key] for key in ("org", "email", "password")}
    with requests.Session() as http:
        tokens = _json(http.post(f"{api_url}/v1/auth/login", json=credentials, timeout=10), 200)
        http.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        client = _json(http.get(f"{api_url}/v1/clients", timeout=10), 200)["data"][0]
        order = _json(http.post(f"{api_url}/v1/orders", json=_new_order(client["id"]), timeout=10), 201)
        link = f"{api_url}/v1/orders/{order['id']}"
        state = _json(http.post(f"{link}/confirm", timeout=10), 200)["state"]
        if state != "confirmed":
            raise CheckError(f"order is {state}")
        photo = _json(http.post(f"{link}/photos", files=_photo(), data={"phase": "before"}, timeout=10), 201)
        if not _files(uploads):
            raise CheckError("the photo is not on the upload volume")
        gone = http.delete(f"{link}/photos/{photo['id']}", timeout=10)
        if gone.status_code != 204:
            raise CheckError(f"delete answered {gone.status_code}: {gone.text[:300]}")
    took = wait_until(lambda: not _files(uploads), 20, "deletion of the file by the worker")
    return f"order {order['number']} confirmed; photo stored by the API, deleted by the worker {took:.1f} s later"


def _new_order(client_id: str) -> dict[str, Any]:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    return {
        "client_id": client_id,
        "title": "Image check",
        "address": "12 Elm Street",
        "scheduled_start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "scheduled_end": f"{start + timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}",
        "total": {"amount": 12900, "currency": "cad"},
        "photo_consent": True,
    }


def _photo() -> dict[str, tuple[str, bytes, str]]:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "green").save(buffer, "PNG")
    return {"file": ("a.png", buffer.getvalue(), "image/png")}


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _json(answer: requests.Response, status: int) -> Any:
    if answer.status_code != status:
        raise CheckError(f"{answer.request.method} {answer.request.path_url}: {answer.status_code} {answer.text[:300]}")
    return answer.json()
