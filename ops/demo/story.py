"""Telling: numbered steps on the screen, each with what it proved."""

import sys
import time
from collections.abc import Callable
from typing import NoReturn, TypeVar

Found = TypeVar("Found")

PATIENCE_SECONDS = 90.0
"""How long a step waits: longer than a killed process takes to come back."""

_COLOURS = sys.stdout.isatty()


class StoryError(Exception):
    """A step did not hold."""


class Story:
    """Counts the steps and prints them."""

    def __init__(self) -> None:
        self._step = 0
        self._started = time.monotonic()

    def chapter(self, name: str, title: str) -> None:
        """Begin a chapter."""
        print(f"\n{_bold(title)}  ({name})\n", flush=True)

    def proved(self, what: str, *facts: str) -> None:
        """A step held: `what` it showed, and the facts that were seen."""
        self._step += 1
        print(f" {_green('✓')} {self._step:>2}. {what}", flush=True)
        for fact in facts:
            print(f"        {fact}", flush=True)

    def failed(self, why: str) -> None:
        """A step did not hold."""
        print(f" {_red('✗')} {self._step + 1:>2}. {why}", flush=True)

    def end(self) -> None:
        """All steps held."""
        seconds = time.monotonic() - self._started
        print(f"\n{self._step} steps, all of them held, in {seconds:.1f} s.\n", flush=True)


def expect(condition: object, otherwise: str) -> None:
    """Raise `StoryError` unless `condition` holds."""
    if not condition:
        fail(otherwise)


def fail(why: str) -> NoReturn:
    """Raise `StoryError`."""
    raise StoryError(why)


def eventually(look: Callable[[], Found | None], otherwise: str, *, seconds: float = PATIENCE_SECONDS) -> Found:
    """Repeat `look` until it finds something; raise `StoryError` when the patience is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    fail(f"{otherwise} (waited {seconds:.0f} s)")


def _bold(text: str) -> str:
    return f"\033[1m{text}\033[0m" if _COLOURS else text


def _green(text: str) -> str:
    return f"\033[32m{text}\033[0m" if _COLOURS else text


def _red(text: str) -> str:
    return f"\033[31m{text}\033[0m" if _COLOURS else text
