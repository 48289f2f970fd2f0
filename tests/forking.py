"""Our programs as forks of a process that has loaded them already (`tests/preloaded.py`).

Importing is most of what the start of a program costs, and the tests start a thousand. All else is as with `python -m`:
a process of its own, which reads its environment, connects and dies by itself.
"""

import multiprocessing
import os
import runpy
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from subprocess import CompletedProcess

from tests.servers import ROOT

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["tests.preloaded"])


def start(
    module: str, arguments: Sequence[str], env: Mapping[str, str], stdout: Path, stderr: Path | None = None
) -> ForkServerProcess:
    """`python -m module …`, as the leader of a process group, with its output added to `stdout` and `stderr` (which is
    the same file, unless it is given)."""
    process = _server.Process(target=_become, args=(module, list(arguments), dict(env), stdout, stderr or stdout))
    process.start()
    return process


def run(module: str, arguments: Sequence[str], env: Mapping[str, str], seconds: float = 60.0) -> CompletedProcess[str]:
    """The same until it ends, as `subprocess.run` would."""
    with tempfile.TemporaryDirectory() as folder:
        stdout, stderr = Path(folder, "stdout"), Path(folder, "stderr")
        process = start(module, arguments, env, stdout, stderr)
        process.join(seconds)
        if process.exitcode is None:
            os.killpg(process.ident or 0, signal.SIGKILL)
            raise TimeoutError(f"{module} runs for more than {seconds:.0f} s: {stderr.read_text()}")
        return CompletedProcess([module, *arguments], process.exitcode, stdout.read_text(), stderr.read_text())


def _become(module: str, arguments: list[str], env: dict[str, str], stdout: Path, stderr: Path) -> None:
    os.setsid()
    os.chdir(ROOT)
    with Path(os.devnull).open("rb") as nothing, stdout.open("ab") as output, stderr.open("ab") as errors:
        for stream, number in ((nothing, 0), (output, 1), (errors, 2)):
            os.dup2(stream.fileno(), number)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
