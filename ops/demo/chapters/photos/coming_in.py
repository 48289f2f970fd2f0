"""A photo comes in, and what is no photo does not."""

import hashlib
import io
from datetime import datetime
from typing import Any

from PIL import Image

from ops.demo.chapters.photos import pictures
from ops.demo.chapters.photos.album import Album
from ops.demo.stored import objects_of
from ops.demo.story import eventually, expect

Photo = dict[str, Any]


def upload(album: Album) -> Photo:
    """A phone's photo, with everything in it that a phone writes."""
    content = pictures.from_a_phone()
    answer = album.send(content, caption="The kitchen")
    expect(answer.status_code in {201, 409}, f"the upload answered {answer.status_code}: {answer.text}")
    digest = hashlib.sha256(content).hexdigest()
    photo: Photo = next(each for each in album.owner.get(album.path)["data"] if each["sha256"] == digest)
    exif = Image.open(io.BytesIO(content)).getexif()
    album.story.proved(
        "A photo is taken in as it comes, and shown to nobody yet",
        f"{len(content):,} bytes, {len(exif)} tags of EXIF and the place where it was taken; state {photo['state']}",
    )
    again = album.send(content)
    problem = again.json()
    expect((again.status_code, problem.get("photo_id")) == (409, photo["id"]), f"the same file again: {again.text}")
    album.story.proved("The same file again is refused, and told which photo it is", f"409 {problem['code']}")
    return photo


def cleaned(album: Album, photo: Photo) -> Photo:
    """What a worker has made of it."""
    photo = album.wait_stored(photo["id"])
    kept = Image.open(io.BytesIO(album.world.call("GET", photo["url"]).content))
    expect(not kept.getexif(), "there is EXIF left")
    expect(kept.size == (800, 1200) == (photo["width"], photo["height"]), f"the photo is not upright: {kept.size}")
    taken = datetime.fromisoformat(photo["taken_at"]).timestamp()
    expect(taken == datetime.fromisoformat("2026-05-04T13:14:15-06:00").timestamp(), f"taken at {photo['taken_at']}")
    small = Image.open(io.BytesIO(album.world.call("GET", photo["thumbnail_url"]).content))
    expect(max(small.size) == 480, f"the thumbnail has {small.size}")
    found = eventually(
        lambda: _without_upload(objects_of(album.world, photo["id"])), "the upload was not deleted after processing"
    )
    album.story.proved(
        "A worker has written it anew: upright, without EXIF and place; when it was taken is in the row",
        f"{kept.size} pixels, taken {photo['taken_at']}, thumbnail {small.size}",
        *found,
    )
    return photo


def _without_upload(objects: list[str]) -> list[str] | None:
    return None if any(each.endswith(".upload") for each in objects) else objects


def refuse(album: Album, photo: Photo) -> None:
    """Files that are not what they say."""
    files = {
        "a script called photo.jpg": b"<script>alert(1)</script>",
        "a photo that is also a ZIP file": pictures.with_an_archive(),
        "half a photo": pictures.from_a_phone()[:2000],
        "1 kB that claims 60,000 x 60,000 pixels": pictures.bomb(),
        "a file over the limit": b"\xff\xd8" + bytes(10 * 1024 * 1024),
    }
    said = []
    for what, content in files.items():
        answer = album.send(content)
        expect(answer.status_code in {413, 422}, f"{what} answered {answer.status_code}: {answer.text}")
        said.append(f"{what}: {answer.status_code} {answer.json()['code']}")
    expect(len(album.owner.get(album.path)["data"]) == 1, "something was left behind")
    expect(album.owner.get(f"{album.path}/{photo['id']}")["state"] == "stored", "the good photo has suffered")
    album.story.proved("What is no photo is refused, and leaves nothing behind", *said)


def ask_for_consent(album: Album) -> None:
    """The client of the other order has not agreed."""
    path = f"/v1/orders/{album.unagreed_id}/photos"
    refused = album.send(pictures.small(), to=path)
    expect(refused.status_code == 409, f"without consent: {refused.status_code}")
    code = refused.json()["code"]
    reason = "Damage was there before; the client was told by phone"
    allowed = album.send(pictures.small(), to=path, phase="issue", consent_override=reason)
    expect(allowed.status_code == 201, f"with a reason: {allowed.text}")
    album.story.proved("Without the client's consent it takes dispatch and a reason", f"409 {code}, then 201")
    album.owner.call("DELETE", f"{path}/{allowed.json()['id']}")
