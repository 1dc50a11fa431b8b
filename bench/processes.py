"""Processes under measurement: started with their ports, their CPU and memory read, ended by their own id."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
_SBIN = "/usr/sbin:/sbin"


def tool(name: str) -> str | None:
    """Where this program is, Debian's sbin included; None where it isn't."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":" + _SBIN)


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """One started program and its children."""

    def __init__(self, argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("wb") as out:
            self._child = subprocess.Popen(
                list(argv), stdout=out, stderr=subprocess.STDOUT, cwd=ROOT, env=env, start_new_session=True
            )
        self.pid = self._child.pid

    def await_port(self, port: int, *, host: str = "127.0.0.1", within_s: float = 30.0) -> None:
        """Return when it listens. Raises RuntimeError with the end of its log where it doesn't."""
        until = time.monotonic() + within_s
        while time.monotonic() < until and self._child.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
                return
            time.sleep(0.05)
        raise RuntimeError(f"not listening on {port}:\n{self.log.read_text(errors='replace')[-2000:]}")

    def cpu_s(self) -> float:
        """CPU seconds of the whole tree so far."""
        return sum(_cpu_s(p) for p in self._tree())

    def rss_bytes(self) -> int:
        """Resident memory of the whole tree."""
        return sum(_rss(p) for p in self._tree())

    def stop(self) -> None:
        """End it and whatever it started."""
        members = self._tree()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        try:
            self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for member in members:
            with contextlib.suppress(psutil.Error):
                member.kill()

    def kill(self) -> None:
        """End it and whatever it started at once (SIGKILL)."""
        for member in self._tree():
            with contextlib.suppress(psutil.Error):
                member.kill()
        self._child.wait()

    def _tree(self) -> list[psutil.Process]:
        try:
            root = psutil.Process(self.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


@contextlib.contextmanager
def running(argv: Sequence[str], port: int, log: Path, env: Mapping[str, str] | None = None) -> Iterator[Process]:
    """A program that listens on this port, for as long as the block lasts."""
    process = Process(argv, log, env)
    try:
        process.await_port(port)
        yield process
    finally:
        process.stop()


def python(*arguments: str) -> list[str]:
    """argv of this very Python."""
    return [sys.executable, *arguments]
