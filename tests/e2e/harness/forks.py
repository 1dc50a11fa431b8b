"""Processes of `tropa` that begin as forks of one that has loaded everything: to load it takes most of a second of a
core, and journeys start Tropa a hundred times.

Laws of this file: a fork is a process of its own, by `tropa`'s own entry, with its own output, that is asked, stopped
and killed as any other; what it forks from has one thread and neither a loop nor a socket nor a file of Tropa's, and
ends with whoever started it.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
_STEP_S = 0.02


class Fork:
    """What tests do with a process: as `subprocess.Popen` has it."""

    def __init__(self, pid: int, nursery: Nursery) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._nursery = nursery

    def poll(self) -> int | None:
        """Its exit code, below zero where a signal ended it; None: it runs."""
        if self.returncode is None:
            self.returncode = self._nursery.ask({"ended": self.pid})
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired."""
        ends = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > ends:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            time.sleep(_STEP_S)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Nursery:
    """The process that is forked from; asked by one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.harness.forks"], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip

    def start(self, words: Sequence[str], output: Path, errors: Path | None = None) -> Fork:
        """`tropa` with these words. errors: where its second stream goes; None: where the first one does."""
        return Fork(self.ask({"words": list(words), "output": str(output), "errors": str(errors or output)}), self)

    def ask(self, what: dict[str, Any]) -> Any:
        with self._lock:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())


@functools.cache
def nursery() -> Nursery:
    """This test process's own; it ends with it."""
    return Nursery()


# -- in the process that is forked from ----------------------------------------------------------------------------


def _answer(asked: dict[str, Any]) -> int | None:
    if "words" in asked:
        pid = os.fork()
        if pid == 0:
            _become(asked)
        return pid
    pid, status = os.waitpid(asked["ended"], os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if pid else None


def _become(asked: dict[str, Any]) -> None:
    """The command, in this process, to its end."""
    from proxy.cli.main import main

    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, path in ((1, asked["output"]), (2, asked["errors"])):
        os.dup2(os.open(path, flags, 0o644), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code = 1
    try:
        code = main(asked["words"])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _load() -> None:
    """All that `tropa serve` and the commands about a running one load."""
    from proxy import app  # noqa: F401
    from proxy.cli import main  # noqa: F401
    from tests.e2e.harness.packing import keep_what_is_packed

    keep_what_is_packed()
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    _load()
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), flush=True)
