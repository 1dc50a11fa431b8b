"""The access log: a line of JSON per exchange, in a file per day.

Laws of this file: writing never delays an answer and never fails one; secrets in URLs are hidden; the folder never
outgrows its limit, and what can't be written is counted and said once, not per line.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from pathlib import Path

from policies.values import Reason
from proxy.account.log_of_one import take_out
from proxy.account.redact import redacted
from proxy.exchange import Receipt

logger = logging.getLogger("tropa.account.log")

_SEGMENTS = 8  # the oldest eighth goes when the folder is full
_MAX_QUEUED = 50_000  # lines; a disk that stands still for longer loses lines, not memory
_BATCH_S = 0.5
_LINES_AT_ONCE = 100


def line_of(receipt: Receipt) -> str:
    """One exchange as a line of JSON, without its line end."""
    r = receipt
    return (
        f'{{"at":"{r.at.isoformat(timespec="milliseconds")}","duration_s":{r.duration_s:.3f}'
        f"{_whose(r.region, r.site, r.learner, r.origin, r.mode, r.method, r.host)}"
        f',"url":{_safe(redacted(r.url))},"status":{r.status}'
        f"{_judged(r.traffic_class, r.kind, r.verdict, r.treatment, r.reasons)}"
        f',"bytes_from_origin":{r.bytes_from_origin},"bytes_to_learner":{r.bytes_to_learner}'
        f',"bytes_up":{r.bytes_up},"metered_bytes":{r.metered_bytes}'
        f',"bytes_direct":{r.bytes_direct},"bytes_withheld":{r.bytes_withheld}'
        f',"cost":"{r.cost:f}"{_marked(r.currency, r.support_code, r.error, r.original, r.observe, r.store)}'
    )


# One learner's lines are alike but for their addresses and numbers.


@lru_cache(maxsize=2048)
def _whose(region: str, site: str | None, learner: str, origin: str, mode: str, method: str, host: str) -> str:
    return (
        f',"region":{quoted(region)},"site":{_or_null(site)},"learner":{quoted(learner)},"origin":{quoted(origin)}'
        f',"mode":"{mode}","method":{quoted(method)},"host":{quoted(host)}'
    )


@lru_cache(maxsize=2048)
def _judged(traffic_class: str, kind: str, verdict: str, treatment: str, reasons: tuple[Reason, ...]) -> str:
    return (
        f',"class":"{traffic_class}","kind":"{kind}","verdict":{quoted(verdict)},"treatment":{quoted(treatment)}'
        f',"reasons":{_reasons(reasons)}'
    )


@lru_cache(maxsize=256)
def _marked(currency: str, code: str | None, error: str | None, original: bool, observe: bool, store: str) -> str:
    return (
        f',"currency":{quoted(currency)},"support_code":{_or_null(code)},"error":{_or_null(error)}'
        f',"original":{"true" if original else "false"},"observe":{"true" if observe else "false"}'
        f',"store":"{store}"}}'
    )


def _or_null(text: str | None) -> str:
    return "null" if text is None else quoted(text)


def _safe(url: str) -> str:
    # A header's odd bytes arrive as lone surrogates, which UTF-8 can't carry.
    return quoted(url) if url.isascii() else json.dumps(url)


def _reasons(reasons: tuple[Reason, ...]) -> str:
    if not reasons:
        return "[]"
    return "[" + ",".join(f"[{quoted(reason.rule)},{quoted(reason.source)}]" for reason in reasons) + "]"


@dataclass(slots=True, eq=False)
class _Forget:
    """A wish to the log's thread, and what came of it."""

    learner: str
    done: threading.Event = field(default_factory=threading.Event)
    lines: int = 0
    error: OSError | None = None


class AccessLog:
    """Writes lines in a thread of its own."""

    def __init__(self, folder: Path, *, max_days: int, max_bytes: int) -> None:
        self._folder = folder
        self._max_days = max_days
        self._max_bytes = max_bytes
        # A deque's append is atomic and wakes nobody: the thread looks every half second.
        self._queue: deque[Receipt | threading.Event | _Forget | date | None] = deque()
        self._hurry = threading.Event()
        self._descriptor: int | None = None
        self._day: date | None = None
        self._file_bytes = 0
        self._thread = threading.Thread(target=self._work, name="tropa-access-log", daemon=True)
        self._listener: Callable[[Sequence[Receipt]], None] | None = None
        self.lost = 0
        self.trouble: str | None = None

    def tell(self, listener: Callable[[Sequence[Receipt]], None]) -> None:
        """Whom to tell of exchanges too, some at a time, on the log's thread: it mustn't raise or take long."""
        self._listener = listener

    def start(self) -> None:
        self._thread.start()

    def write(self, receipt: Receipt) -> None:
        """Have one exchange logged. Never waits; the line is on disk within a second."""
        if len(self._queue) >= _MAX_QUEUED:
            self.lost += 1
            return
        self._queue.append(receipt)

    def drain(self, timeout_s: float = 5.0) -> bool:
        """Wait until everything queued so far is on disk; False: it took too long."""
        done = threading.Event()
        self._queue.append(done)
        self._hurry.set()
        return done.wait(timeout_s)

    def sweep(self, today: date) -> None:
        """Take away days that are over their time, also where nobody has come by since. Never waits."""
        self._queue.append(today)

    def forget(self, learner: str, timeout_s: float = 60.0) -> int:
        """Take one learner's lines out of every file. Waits: not for the event loop's own thread.

        Returns how many lines. Raises OSError where a file can't be rewritten, or it took too long.
        """
        wish = _Forget(learner)
        self._queue.append(wish)
        self._hurry.set()
        if not wish.done.wait(timeout_s):
            raise TimeoutError(f"{self._folder}: the log's thread didn't come to it in {timeout_s:.0f} s")
        if wish.error is not None:
            raise wish.error
        return wish.lines

    def close(self) -> None:
        """Write what is queued and stop."""
        self._queue.append(None)
        self._hurry.set()
        self._thread.join(timeout=5)

    # -- on the thread --------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            self._hurry.wait(_BATCH_S)  # gather what comes in the meantime
            self._hurry.clear()
            batch = [self._queue.popleft() for _ in range(len(self._queue))]
            receipts = [item for item in batch if isinstance(item, Receipt)]
            self._put(receipts)
            if self._listener is not None and receipts:
                self._listener(receipts)
            for item in batch:
                if isinstance(item, threading.Event):
                    item.set()
                elif isinstance(item, _Forget):
                    self._forget(item)
                elif isinstance(item, date):
                    self._sweep(item)
            if None in batch:
                self._close_file()
                return

    def _sweep(self, today: date) -> None:
        over = [path for path in self._folder.glob("access-*.jsonl") if (today - _age(path)[0]).days >= self._max_days]
        if not over:
            return
        self._close_file()  # the next line opens its own day's
        try:
            for path in over:
                path.unlink(missing_ok=True)
        except OSError as error:
            self._fail(error, 0)

    def _forget(self, wish: _Forget) -> None:
        self._close_file()  # the next line opens what the day's file has become
        try:
            wish.lines = take_out(self._folder, wish.learner)
        except OSError as error:
            wish.error = error
        wish.done.set()

    def _put(self, receipts: list[Receipt]) -> None:
        kept = 0
        try:
            for first in range(0, len(receipts), _LINES_AT_ONCE):
                some = receipts[first : first + _LINES_AT_ONCE]
                lines = "".join(line_of(receipt) + "\n" for receipt in some).encode("utf-8", "replace")
                self._append(self._file_for(some[0].at), lines)
                kept += len(some)
        except (OSError, ValueError) as error:
            self._fail(error, len(receipts) - kept)
        else:
            self._recover(bool(receipts))

    def _append(self, descriptor: int, lines: bytes) -> None:
        rest = memoryview(lines)
        while rest:
            written = os.write(descriptor, rest)
            self._file_bytes += written
            rest = rest[written:]

    def _fail(self, error: Exception, lines: int) -> None:
        self.lost += lines
        if self.trouble is None:
            logger.error("%s: %s; exchanges go on, their log lines are lost", self._folder, error)
        self.trouble = str(error)
        self._close_file()

    def _recover(self, wrote: bool) -> None:
        if wrote and self.trouble is not None:
            logger.warning("%s: can be written again; %d lines were lost", self._folder, self.lost)
            self.trouble = None

    def _file_for(self, at: datetime) -> int:
        day = at.date() if self._day is None else max(at.date(), self._day)
        full = self._file_bytes >= self._max_bytes // _SEGMENTS
        if self._descriptor is not None and day == self._day and not full:
            return self._descriptor
        self._close_file()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._next_path(day)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._day, self._file_bytes = day, path.stat().st_size
        self._end_torn_line(self._descriptor)
        self._retain(day)
        return self._descriptor

    def _next_path(self, day: date) -> Path:
        """The day's newest part that isn't full: its first has no number."""
        parts = sorted(self._folder.glob(f"access-{day}*.jsonl"), key=_age)
        if not parts:
            return self._folder / f"access-{day}.jsonl"
        if parts[-1].stat().st_size < self._max_bytes // _SEGMENTS:
            return parts[-1]
        return self._folder / f"access-{day}.{_age(parts[-1])[1] + 1:03}.jsonl"

    def _end_torn_line(self, descriptor: int) -> None:
        """A killed process or a full disk may have left half a line: end it, so that the next one is whole."""
        if self._file_bytes and os.pread(descriptor, 1, self._file_bytes - 1) != b"\n":
            self._append(descriptor, b"\n")

    def _retain(self, today: date) -> None:
        files = sorted(self._folder.glob("access-*.jsonl"), key=_age)
        total_bytes = sum(path.stat().st_size for path in files)
        room_bytes = self._max_bytes - self._max_bytes // _SEGMENTS  # for the part that has just begun
        for path in files[:-1]:
            if (today - _age(path)[0]).days < self._max_days and total_bytes <= room_bytes:
                break
            total_bytes -= path.stat().st_size
            path.unlink(missing_ok=True)

    def _close_file(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _age(path: Path) -> tuple[date, int]:
    """Day and part of a log file, to sort by; a foreign name counts as the oldest."""
    name = path.name.removeprefix("access-").removesuffix(".jsonl")
    day, _, part = name.partition(".")
    try:
        return date.fromisoformat(day), int(part or 1)
    except ValueError:
        return date.min, 0
