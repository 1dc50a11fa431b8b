"""Tropa as it is run: a process of its own; or, for journeys through a window's end, in a thread by another clock."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from proxy.app import Tropa, load
from proxy.clock import OffsetClock
from tests.e2e.harness.forks import ROOT, Fork, nursery
from tests.e2e.harness.loops import LoopThread
from tests.e2e.harness.regions import Regions
from tests.e2e.harness.waiting import PATIENCE_S, listens, until


@dataclass(slots=True, kw_only=True)
class Running:
    """A Tropa that answers. `ports`: listener -> port."""

    regions: Regions
    regions_file: Path
    state_dir: Path

    @property
    def ports(self) -> dict[str, int]:
        return self.regions.ports

    def log(self) -> list[dict[str, Any]]:
        """The access log so far, oldest first."""
        lines: list[dict[str, Any]] = []
        for path in sorted((self.state_dir / "log").glob("*")):
            lines += [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.endswith("}")]
        return lines

    def logged(self, *, timeout_s: float = PATIENCE_S, **wanted: Any) -> dict[str, Any]:
        """The last line with these values; url is a part of the address. The log is written within a second."""
        part = wanted.pop("url", "")

        def fits(line: dict[str, Any]) -> bool:
            return part in line["url"] and all(line[key] == value for key, value in wanted.items())

        found = until(
            lambda: [line for line in self.log() if fits(line)], what=f"a log line {wanted} {part}", timeout_s=timeout_s
        )
        return found[-1]


@dataclass(slots=True, kw_only=True)
class TropaProcess(Running):
    """`tropa serve` as a process."""

    process: subprocess.Popen[bytes] | Fork
    output: Path

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def said(self) -> str:
        """What it wrote for IT staff."""
        return self.output.read_text("utf-8", "replace")

    def kill(self) -> None:
        """As the kernel kills: without a word."""
        self.process.kill()
        self.process.wait(timeout=10)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A `tropa` command about this installation."""
        with tempfile.TemporaryDirectory() as folder:
            output, errors = Path(folder) / "output", Path(folder) / "errors"
            code = nursery().start(words, output, errors).wait(timeout=60)
            return subprocess.CompletedProcess(words, code, output.read_text("utf-8"), errors.read_text("utf-8"))

    def publish(self, regions: Regions) -> subprocess.CompletedProcess[str]:
        """Write another file and publish it."""
        self.regions = regions
        self.regions_file.write_text(regions.text(), encoding="utf-8")
        return self.command("publish", str(self.regions_file), "--state", str(self.state_dir))


@contextmanager
def tropa_process(
    regions: Regions, folder: Path, *, state_dir: Path | None = None, forked: bool = True
) -> Iterator[TropaProcess]:
    """A process while the block runs; its ports accept when the block begins.

    forked: from one that has loaded everything; False: as `tropa` is started, for whoever measures it
    """
    folder.mkdir(parents=True, exist_ok=True)
    state_dir = state_dir or folder / "state"
    state_dir.mkdir(exist_ok=True)
    path, output = regions.write(folder), folder / "output.txt"
    words = ["serve", "--regions", str(path), "--state", str(state_dir)]
    process = nursery().start(words, output) if forked else _started(words, output)
    running = TropaProcess(regions=regions, regions_file=path, state_dir=state_dir, process=process, output=output)
    try:
        until(lambda: not running.alive or all(map(listens, regions.ports.values())), what="the listeners")
        assert running.alive, running.said()
        yield running
    finally:
        _end(process)


def _started(words: list[str], output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as sink:
        return subprocess.Popen(
            [sys.executable, "-m", "proxy.cli.main", *words],
            cwd=ROOT, stdout=sink, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip


def _end(process: subprocess.Popen[bytes] | Fork) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # a test left something open, and Tropa waits for it to end
            process.kill()
            process.wait(timeout=5)


class HeldClock(OffsetClock):
    """Stands still at an instant until it is let go: however busy the machine is, nothing is missed meanwhile."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self._held: datetime | None = at

    def now(self) -> datetime:
        return self._held or super().now()

    def stand_at(self, at: datetime) -> None:
        self._held = at

    def let_go(self) -> None:
        """From here on it goes on by itself."""
        if self._held is not None:
            self.move_to(self._held)
            self._held = None


@dataclass(slots=True, kw_only=True)
class TropaAt(Running):
    """A Tropa in a thread, by a clock of the test's own."""

    clock: HeldClock


@contextmanager
def tropa_at(instant: datetime, regions: Regions, folder: Path, *, held: bool = False) -> Iterator[TropaAt]:
    """A Tropa in a thread, whose clock shows `instant` when the block begins and goes on from there.

    held: only once the test lets it go
    """
    folder.mkdir(parents=True, exist_ok=True)
    state_dir = folder / "state"
    state_dir.mkdir(exist_ok=True)
    path, clock, thread = regions.write(folder), HeldClock(instant), LoopThread("tropa")

    async def begin() -> Tropa:
        tropa = Tropa(state_dir, load(path, state_dir, clock), clock)
        await tropa.start()
        return tropa

    tropa = thread.call(begin())
    try:
        if not held:
            clock.let_go()
        yield TropaAt(regions=regions, regions_file=path, state_dir=state_dir, clock=clock)
    finally:
        thread.call(tropa.close(drain_s=0.5))
        thread.close()
