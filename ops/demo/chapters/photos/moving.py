"""Photos move to another storage while everything runs; and a storage that does not delete."""

import json
import subprocess
import sys
from typing import Any

from ops.demo.chapters.photos import pictures
from ops.demo.chapters.photos.album import Album
from ops.demo.chapters.photos.coming_in import Photo
from ops.demo.stored import objects_of
from ops.demo.story import eventually, expect


def move(album: Album, photo: Photo) -> Photo:
    """To the other storage; the photo opens before and after."""
    here = _backend_of(album, photo)
    there = "s3" if here == "local" else "local"
    before = album.world.call("GET", photo["url"]).content
    _storage(album, "move", "--to", there)
    eventually(lambda: _backend_of(album, photo) == there, "the photo was not moved")
    moved: Photo = album.owner.get(f"{album.path}/{photo['id']}")
    expect(album.world.call("GET", moved["url"]).content == before, "the photo is another one after the move")
    found = eventually(lambda: _only_at(there, objects_of(album.world, photo["id"])), "the originals were not deleted")
    album.story.proved(f"`storage move --to {there}` moves it in the background, and deletes the original", *found)
    return moved


def get_stuck(album: Album) -> None:
    """A key that may not delete: seen in the list and in the metrics, mended, tried again."""
    photo = album.attach(pictures.small())
    if _backend_of(album, photo) != "s3":
        _storage(album, "move", "--to", "s3")
        eventually(lambda: _backend_of(album, photo) == "s3", "the photo was not moved")
        eventually(lambda: _only_at("s3", objects_of(album.world, photo["id"])), "the originals were not deleted")
    fault = {"mode": "forbidden", "operation": "delete", "key": photo["id"]}
    album.world.sandbox("PUT", "/api/s3/fault", json=fault)
    try:
        album.owner.call("DELETE", f"{album.path}/{photo['id']}")
        stuck = eventually(lambda: _stuck(album, photo), "the delete is not stuck")
    finally:
        album.world.sandbox("PUT", "/api/s3/fault", json={"mode": "ok"})
    shown = [f"{name} {value:,.0f}" for name, value in album.numbers().items() if 'state="stuck"' in name]
    expect(shown, "the metrics do not show what is stuck")
    reason = f"{stuck[0]['attempts']} tries: {stuck[0]['last_error']}"
    album.story.proved("A storage that refuses to delete makes it stuck, for everybody to see", reason, *shown)
    for each in stuck:
        album.owner.call("POST", f"/v1/admin/storage-deletes/{each['id']}/retry")
    eventually(lambda: not objects_of(album.world, photo["id"]), "the files were not deleted after the retry")
    album.story.proved("The storage is mended, the deletes are tried again, and nothing is left of the photo")


def _stuck(album: Album, photo: Photo) -> list[dict[str, Any]] | None:
    """All deletes of the photo, when every one of them is stuck."""
    listed: list[dict[str, Any]] = album.owner.get("/v1/admin/storage-deletes")["data"]
    mine = [each for each in listed if each["owner_id"] == photo["id"]]
    return mine if len(mine) == len(objects_of(album.world, photo["id"])) else None


def _backend_of(album: Album, photo: Photo) -> str:
    url = album.owner.get(f"{album.path}/{photo['id']}")["url"]
    return "local" if url.startswith(album.world.api_url) else "s3"


def _only_at(backend: str, objects: list[str]) -> list[str] | None:
    return objects if objects and all(each.startswith(f"{backend}:") for each in objects) else None


def _storage(album: Album, *words: str) -> Any:
    """`python -m ops.cli storage …`, as an operator runs it."""
    command = [sys.executable, "-m", "ops.cli", "storage", *words]
    done = subprocess.run(command, env=album.world.environment, capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f"`storage {' '.join(words)}` failed: {done.stdout}{done.stderr}")
    return json.loads(done.stdout) if "--json" in words else done.stdout
