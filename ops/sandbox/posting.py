"""Posting a signed webhook: once, often, at once, and again when the receiver is away."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import HTTPError

TIMEOUT_SECONDS = 10
RETRIES = 10
RETRY_SECONDS = 1.0
KEPT_BODY_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Posting:
    """What to post and how: ``payload`` to ``url``, ``times`` times, on ``concurrency`` threads.

    ``headers`` are made for each try, because a signature has its own time. With ``retry`` a failed delivery is tried
    again up to 10 times, a second apart.
    """

    payload: bytes
    url: str
    headers: Callable[[], dict[str, str]]
    times: int = 1
    concurrency: int = 1
    retry: bool = False


def deliver(posting: Posting, stopping: threading.Event) -> list[dict[str, Any]]:
    """Post it, and tell what came of each try: ``status``, ``ms`` and ``body``, or ``error`` and ``ms``.

    Each entry also names its ``delivery`` (from 1) and ``attempt`` (from 1); entries are in that order. Ends
    early when ``stopping`` is set. Raises nothing that a receiver could cause.
    """
    tries: list[dict[str, Any]] = []
    numbers = iter(range(1, posting.times + 1))
    lock = threading.Lock()
    threads = [
        # Daemons, unlike a pool's threads: a receiver that hangs must not keep the process from stopping.
        threading.Thread(target=_work, args=(posting, numbers, lock, tries, stopping), daemon=True)
        for _ in range(min(posting.concurrency, posting.times))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(tries, key=lambda entry: (entry["delivery"], entry["attempt"]))


def _work(
    posting: Posting,
    numbers: Iterator[int],
    lock: threading.Lock,
    tries: list[dict[str, Any]],
    stopping: threading.Event,
) -> None:
    while not stopping.is_set():
        with lock:
            number = next(numbers, None)
        if number is None:
            return
        for attempt in range(1, 2 + (RETRIES if posting.retry else 0)):
            outcome = _post(posting)
            tries.append({"delivery": number, "attempt": attempt} | outcome)
            failed = outcome.get("status", 599) >= 500
            if not failed or attempt > RETRIES or not posting.retry or stopping.wait(RETRY_SECONDS):
                break


def _post(posting: Posting) -> dict[str, Any]:
    headers = posting.headers()
    started = time.perf_counter()
    try:
        with requests.Session() as session:
            # A proxy from the environment would take what is meant for this machine elsewhere.
            session.trust_env = False
            with session.post(
                posting.url,
                data=posting.payload,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as answer:
                body = _read(answer, started + TIMEOUT_SECONDS)
                return {"status": answer.status_code, "ms": _ms_since(started), "body": body}
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        return {"error": f"{type(error).__name__}: {error}", "ms": _ms_since(started)}


def _read(answer: requests.Response, deadline: float) -> str:
    """The start of the body. Read as it comes: a receiver cannot stretch the time-out byte by byte."""
    body = b""
    while len(body) < KEPT_BODY_BYTES and (chunk := answer.raw.read1(KEPT_BODY_BYTES, decode_content=True)):
        body += chunk
        if time.perf_counter() > deadline:
            raise requests.Timeout(f"the answer took longer than {TIMEOUT_SECONDS} s")
    return body[:KEPT_BODY_BYTES].decode("utf-8", "replace")


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
