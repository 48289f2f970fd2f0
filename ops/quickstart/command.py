"""The commands: run, stop, status, logs."""

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ops.quickstart import launch, records, screen
from ops.quickstart.database import REPOSITORY
from ops.quickstart.postgres import Postgres
from ops.quickstart.records import Record
from ops.quickstart.settings import Paths
from ops.quickstart.supervisor import tail

_URLS = {"api": "api_url", "flower": "flower_url", "sandbox": "sandbox_url"}


def run(paths: Paths, *, detach: bool, demo: bool) -> int:
    """Starts everything, drives the demo once, says what is where; stays until Ctrl-C unless `detach`.

    Returns the exit status: 0, or 1 when the system did not start or the demo failed.
    """
    running = _supervisor(paths)
    if running is not None:
        return _show_running(paths, running)
    launch.end_leftovers(paths)
    log_path = paths.log("quickstart")
    log_path.parent.mkdir(parents=True, exist_ok=True)
    print(f"Starting Crewline; its data is in {paths.var}")
    with log_path.open("w") as out, log_path.open() as log:
        child = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "ops.quickstart",
                "serve",
                "--var",
                str(paths.var),
                *([] if detach else ["--attached"]),
            ],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # Ctrl-C reaches only this process, which then ends the other in good order
        )
        return _accompany(paths, child, log, detach=detach, demo=demo)


def stop(paths: Paths) -> int:
    """Ends everything that was started from this directory. Always returns 0."""
    running = _supervisor(paths)
    if running is not None:
        print("Stopping Crewline.")
        running.end()
    left = launch.end_leftovers(paths)
    for record in left:
        print(f"Ended {record.name} (pid {record.pid}), which had no supervisor any more.")
    Postgres(paths.var / "postgres").remove_socket_dir()
    paths.processes.unlink(missing_ok=True)
    print("Stopped." if running or left else "Nothing runs.")
    return 0


def status(paths: Paths) -> int:
    """Prints each process with its address. Returns 1 when one is down, or nothing runs."""
    known = records.load(paths.processes)
    state = _state(paths)
    rows = [["NAME", "PID", "STATE", "URL"]]
    up = [record.is_alive() for record in known]
    for record, alive in zip(known, up, strict=True):
        rows.append(
            [
                record.name,
                str(record.pid),
                "up" if alive else "down",
                state.get(_URLS.get(record.name, ""), ""),
            ]
        )
    print("\n".join(screen.table(rows)) if known else "Nothing runs: `make run` starts it.")
    return 0 if known and all(up) else 1


def logs(paths: Paths, name: str, *, lines: int, follow: bool) -> int:
    """Prints the last lines of a process's log, and goes on with new ones when `follow`."""
    path = paths.log(name)
    if not path.exists():
        names = sorted(found.stem for found in path.parent.glob("*.log"))
        print(f"There is no log of {name!r}; there is: {', '.join(names) or 'nothing yet'}", file=sys.stderr)
        return 1
    with path.open(errors="replace") as log:
        sys.stdout.writelines(log.readlines()[-lines:])
        try:
            while follow:
                _echo(log)
                time.sleep(0.2)
        except KeyboardInterrupt:
            pass
    return 0


def _accompany(paths: Paths, child: subprocess.Popen[bytes], log: IO[str], *, detach: bool, demo: bool) -> int:
    result, keep = 1, False
    try:
        with _interruptible():
            if not _follow(child, log, until=paths.state.exists):
                return 1
            result = _demo(paths) if demo else 0
            keep = detach
            print(screen.overview(_state(paths), paths, "Stop: make stop" if detach else "Stop: Ctrl-C, or make stop"))
            if not detach:
                _follow(child, log, until=lambda: False)
    except KeyboardInterrupt:
        print()
    finally:
        if not keep:
            child.terminate()
            _follow(child, log, until=lambda: False)
    return result


def _follow(child: subprocess.Popen[bytes], log: IO[str], *, until: Callable[[], bool]) -> bool:
    """Prints what the supervisor says. Returns False when it ended before the condition came true."""
    while child.poll() is None:
        if until():
            _echo(log)
            return True
        _echo(log)
        time.sleep(0.1)
    _echo(log)
    return False


def _demo(paths: Paths) -> int:
    command = [sys.executable, "-m", "ops.demo", "--chapter", "order", "--quickstart", str(paths.state)]
    done = subprocess.run(command, cwd=REPOSITORY, check=False)
    if done.returncode != 0:
        print(f"\nThe demo failed (exit status {done.returncode}); the system stays up so that you can look at it.")
    return 1 if done.returncode else 0


def _show_running(paths: Paths, running: Record) -> int:
    print(f"Crewline is already running (supervisor: pid {running.pid}).")
    while running.is_alive() and not paths.state.exists():  # another shell is just starting it
        time.sleep(0.1)
    if not paths.state.exists():
        print(tail(Path(running.log)), file=sys.stderr)
        return 1
    print(screen.overview(_state(paths), paths, "Stop: make stop"))
    return 0


def _supervisor(paths: Paths) -> Record | None:
    for record in records.load(paths.processes):
        if record.name == launch.SUPERVISOR and record.is_alive():
            return record
    return None


def _state(paths: Paths) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(paths.state.read_text())
    except (OSError, ValueError):
        return {}
    return content


def _echo(log: IO[str]) -> None:
    sys.stdout.write(log.read())
    sys.stdout.flush()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Makes SIGTERM and a closed terminal end us as Ctrl-C does; after the block all three are ignored."""
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    for number in numbers:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)


def main(argv: list[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    options = _parser().parse_args(argv)
    paths = Paths(Path(options.var).resolve())
    if options.command == "run":
        return run(paths, detach=options.detach, demo=options.demo)
    if options.command == "serve":
        return launch.serve(paths, attached=options.attached)
    if options.command == "logs":
        return logs(paths, options.name, lines=options.lines, follow=options.follow)
    return stop(paths) if options.command == "stop" else status(paths)


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--var", default=REPOSITORY / "var", help="where all data is kept (default: %(default)s)")
    parser = argparse.ArgumentParser(
        prog="python -m ops.quickstart",
        description="Runs the whole of Crewline on this machine, without Docker.",
        epilog="DATABASE_URL (with MIGRATION_DATABASE_URL) and REDIS_URL, when set, replace our own servers.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add = commands.add_parser("run", parents=[common], help="start everything and keep it up")
    add.add_argument("--detach", action="store_true", help="return when everything is ready; `stop` ends it")
    add.add_argument("--no-demo", dest="demo", action="store_false", help="do not drive the demo once")
    commands.add_parser("stop", parents=[common], help="end what `run` started")
    commands.add_parser("status", parents=[common], help="which processes are up; exit status 1 when one is down")
    show = commands.add_parser("logs", parents=[common], help="the log of one process")
    show.add_argument("name", help="postgres, redis, sandbox, api, worker, beat, flower or quickstart")
    show.add_argument("-n", "--lines", type=int, default=100, help="how many of the last lines (default: %(default)s)")
    show.add_argument("-f", "--follow", action="store_true", help="go on with new lines until Ctrl-C")
    serve = commands.add_parser("serve", parents=[common])  # what `run` starts; not for people
    serve.add_argument("--attached", action="store_true")
    return parser
