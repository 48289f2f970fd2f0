"""Uploads to a real gunicorn whose bodies stop, lie about their length or do not tell it: nothing of them is left."""

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.faults import wire
from tests.faults.owner import Owner, Placed
from tests.faults.system import System
from tests.faults.waiting import eventually

RUNS = ("api",)
LIMIT = 200_000
OVERHEAD = 64 * 1024
"""What a form may take beside its file."""


@pytest.fixture(scope="module", autouse=True)
def small_limit(installation: System) -> Iterator[None]:
    """The API takes photos of up to 200 kB; as before at the end."""
    installation.env["ORDER_PHOTO_MAX_BYTES"] = str(LIMIT)
    installation.usual("api")
    yield
    del installation.env["ORDER_PHOTO_MAX_BYTES"]
    installation.usual("api")


@pytest.fixture
def placed(owner: Owner) -> Placed:
    return owner.place_order()


def png_of(size: int) -> bytes:
    """A PNG of exactly so many bytes: a text fills what is missing."""

    def made(filling: int) -> bytes:
        text, target = PngInfo(), io.BytesIO()
        text.add_text("Comment", "x" * filling)
        Image.new("RGB", (16, 16), (9, 8, 7)).save(target, "PNG", pnginfo=text)
        return target.getvalue()

    return made(size - len(made(0)))


def assert_nothing_is_left(system: System, placed: Placed) -> None:
    """No row, no file under any name, and no open one without a name; a request may still be on its way out."""
    eventually(lambda: not open_spools(system), "temporary files are gone")
    rows = system.sql("SELECT id FROM order_photos WHERE order_id = %s", placed.id)
    assert (rows, [path for path in system.uploads.rglob("*") if placed.id in str(path)]) == ([], [])
    assert [path for path in system.uploads.iterdir() if path.is_file()] == []


def open_spools(system: System) -> list[str]:
    """Files without a name in the upload root that a process of the API holds."""
    leader = psutil.Process(system.program("api").pid)
    found = []
    for process in (leader, *leader.children(recursive=True)):
        for link in Path(f"/proc/{process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed since it was listed
                found.append(str(link.readlink()))
    return [path for path in found if path.startswith(str(system.uploads)) and path.endswith("(deleted)")]


def test_a_photo_of_just_the_limit_is_accepted(owner: Owner, placed: Placed) -> None:
    photo = png_of(LIMIT)
    assert len(photo) == LIMIT
    assert owner.upload(placed, photo).status_code == 201


def test_one_byte_over_the_limit_is_413(system: System, owner: Owner, placed: Placed) -> None:
    answer = owner.upload(placed, png_of(LIMIT + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "order_photos.too_large")
    assert_nothing_is_left(system, placed)


def test_a_body_without_a_length_is_accepted_when_it_is_short_enough(owner: Owner, placed: Placed) -> None:
    parts = wire.chunked(wire.form(png_of(LIMIT)))
    answer = wire.send(owner, placed, parts, Transfer_Encoding="chunked")
    assert answer.status == 201, answer
    (found,) = owner.photos(placed)
    assert found["size"] == LIMIT


@pytest.mark.parametrize("times", [2, 50])
def test_a_body_without_a_length_that_is_too_long_is_413(
    system: System, owner: Owner, placed: Placed, times: int
) -> None:
    body = wire.form(png_of(LIMIT * times))
    answer = wire.send(owner, placed, wire.chunked(body), Transfer_Encoding="chunked")
    assert (answer.status, json.loads(answer.body)["code"]) == (413, "request.too_large")
    assert_nothing_is_left(system, placed)


def test_a_length_that_is_too_long_is_413_before_the_body_is_there(
    system: System, owner: Owner, placed: Placed
) -> None:
    answer = wire.send(owner, placed, [wire.HEAD], Content_Length=str(LIMIT + OVERHEAD + 1))
    assert (answer.status, json.loads(answer.body)["code"]) == (413, "request.too_large")
    assert_nothing_is_left(system, placed)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
@pytest.mark.parametrize("hang_up", [False, True])
def test_of_a_body_that_stops_nothing_is_left(
    system: System, owner: Owner, placed: Placed, share: float, hang_up: bool
) -> None:
    body = wire.form(png_of(LIMIT))
    begun = body[: int(len(body) * share)]
    answer = wire.send(owner, placed, [begun], hang_up=hang_up, Content_Length=str(len(body)))
    assert answer.status == (0 if hang_up else 422)
    assert_nothing_is_left(system, placed)


@pytest.mark.parametrize("hang_up", [False, True])
def test_of_a_chunked_body_that_stops_nothing_is_left(
    system: System, owner: Owner, placed: Placed, hang_up: bool
) -> None:
    begun = wire.chunked(wire.form(png_of(LIMIT)))[:-3]
    for parts in (begun, [*begun[:-1], begun[-1][:100]]):
        answer = wire.send(owner, placed, parts, hang_up=hang_up, Transfer_Encoding="chunked")
        assert answer.status == (0 if hang_up else 400)
        assert_nothing_is_left(system, placed)


def test_a_length_shorter_than_the_body_cuts_the_form(system: System, owner: Owner, placed: Placed) -> None:
    body = wire.form(png_of(LIMIT))
    for length in (0, 10, len(wire.HEAD) + 5, len(body) - len(wire.END), len(body) - 30):
        answer = wire.send(owner, placed, [body], Content_Length=str(length))
        assert answer.status in {400, 422}, (length, answer)
        assert_nothing_is_left(system, placed)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Length": "-5"},
        {"Content_Length": "ten"},
        {"Content_Length": "1e3"},
        {"Content_Length": "100", "Transfer_Encoding": "chunked"},
        {"Transfer_Encoding": "gzip"},
    ],
    ids=str,
)
def test_a_length_that_is_none_is_refused(
    system: System, owner: Owner, placed: Placed, headers: dict[str, str]
) -> None:
    answer = wire.send(owner, placed, [wire.form(png_of(1000))], **headers)
    assert answer.status in {400, 501}, answer
    assert_nothing_is_left(system, placed)


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"-1\r\n", b"ffffffffffffffff\r\n", b"5\r\nabc"], ids=repr)
def test_a_chunk_that_is_none_is_refused(system: System, owner: Owner, placed: Placed, chunk: bytes) -> None:
    answer = wire.send(owner, placed, [b"4\r\n--wi\r\n", chunk], Transfer_Encoding="chunked")
    assert answer.status == 400, answer
    assert_nothing_is_left(system, placed)


def test_the_api_still_takes_photos_after_all_that(system: System, owner: Owner, placed: Placed) -> None:
    assert owner.upload(placed, png_of(1000)).status_code == 201
    assert "Traceback" not in system.output("api")
    assert "request.crashed" not in system.output("api")
