"""A container made from an image, run by buildah in a chroot on this machine's network: no Docker engine needed."""

import contextlib
import json
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil

APP_UID = 10001
UPLOADS = "/var/lib/crewline/uploads"
NOTHING: Mapping[str, str] = MappingProxyType({})


class CheckError(Exception):
    """Something is not as it must be; the text says what."""


def wait_until(condition: Callable[[], Any], seconds: float, what: str) -> float:
    """Seconds it took until `condition` held; CheckError when it never did."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            raise CheckError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.1)
    return time.monotonic() - started


class Process:
    """A command running in a container. `main` is what would be process 1 there."""

    def __init__(self, argv: list[str], log: Path) -> None:
        self.log = log
        with log.open("wb") as output:
            self._buildah = subprocess.Popen(argv, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        wait_until(lambda: self.main is not None or not self.alive, 20, f"start of {log.stem}")

    @property
    def alive(self) -> bool:
        return self._buildah.poll() is None

    @property
    def main(self) -> psutil.Process | None:
        return next(iter(self.tree()), None)

    def tree(self) -> list[psutil.Process]:
        """The command and its children, parents first, without buildah's own helpers (which also take on the user)."""
        try:
            below = psutil.Process(self._buildah.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [process for process in below if _is_ours(process)]

    def terminate(self, seconds: float) -> tuple[int, float]:
        """TERM as an engine would send it: to process 1. Returns (exit status, seconds)."""
        main = self.main
        if main is None:
            raise CheckError(f"{self.log.stem} had already ended:\n{self.tail()}")
        main.terminate()
        took = wait_until(lambda: not self.alive, seconds, f"end of {self.log.stem} after TERM")
        return self._buildah.returncode, took

    def kill(self) -> None:
        for process in self.tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        try:
            self._buildah.wait(5)
        except subprocess.TimeoutExpired:
            self._buildah.kill()
            self._buildah.wait()

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


class Container:
    """One container of `image`; several commands may run in it."""

    def __init__(self, image: str, storage: list[str], work: Path, env: Mapping[str, str]) -> None:
        self.name = image.rpartition("-")[2]
        self._buildah = ["buildah", *storage]
        self._work = work
        self._env = dict(env)
        described = json.loads(self._call("inspect", "--type", "image", image))
        self.config: dict[str, Any] = described["Docker"]["config"]
        self._id = self._call("from", "--pull=never", image).strip()
        self.processes: list[Process] = []

    def run(self, *command: str, user: str | None = None, env: Mapping[str, str] = NOTHING) -> tuple[int, str]:
        """(exit status, what it printed). `env` adds to, or replaces values of, the container's own."""
        argv = self._argv(command, self._env | dict(env), user)
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False)
        # Of buildah's own messages only the exit status is of use, and that comes as a return code too.
        noise = ("subprocess exited", "Error: exit status", "Error: while running")
        lines = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith(noise)]
        return done.returncode, "\n".join(lines)

    def must(self, *command: str, user: str | None = None, env: Mapping[str, str] = NOTHING) -> str:
        status, output = self.run(*command, user=user, env=env)
        if status != 0:
            raise CheckError(f"{self.name}: {' '.join(command)[:80]} ended with {status}: {output[-800:]}")
        return output

    def start(self, name: str, command: list[str], env: Mapping[str, str] = NOTHING) -> Process:
        process = Process(self._argv(tuple(command), self._env | dict(env)), self._work / f"{name}.log")
        self.processes.append(process)
        return process

    def health(self, **env: str) -> int:
        """Exit status of the image's own HEALTHCHECK."""
        kind, *command = self.config["Healthcheck"]["Test"]
        return self.run(*(["/bin/sh", "-c", *command] if kind == "CMD-SHELL" else command), env=env)[0]

    def remove(self) -> None:
        for process in reversed(self.processes):
            process.kill()
        self._call("rm", self._id)

    def _argv(self, command: tuple[str, ...], env: Mapping[str, str], user: str | None = None) -> list[str]:
        flags = [part for name, value in env.items() for part in ("--env", f"{name}={value}")]
        flags += ["--user", user] if user else []
        flags += ["--volume", f"{self._work / 'uploads'}:{UPLOADS}"]
        return [*self._buildah, "run", "--isolation", "chroot", "--network", "host", *flags, self._id, "--", *command]

    def _call(self, *arguments: str) -> str:
        return subprocess.run([*self._buildah, *arguments], check=True, capture_output=True, text=True).stdout


def _is_ours(process: psutil.Process) -> bool:
    try:
        return process.uids().real == APP_UID and not process.name().startswith("memfd:")
    except psutil.NoSuchProcess:
        return False
