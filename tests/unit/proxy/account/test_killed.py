"""A process killed with SIGKILL in mid-work loses at most a second of its accounts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from proxy.account.sqlite import SqliteState
from proxy.account.state import ClaimQuery, LedgerQuery, UseQuery

WORKER = """
import asyncio, sys, time
from pathlib import Path
from tests.receipts import a_receipt
from tests.unit.proxy.account.test_accountant import PAID, Office

async def main():
    office = await Office(Path(sys.argv[1])).open()
    tunnel = office.accountant.begin(PAID, office.who())
    for number in range(10**6):
        office.accountant.settle(a_receipt(bytes_to_learner=100), office.who(), PAID)
        tunnel.draw(100)
        print(number + 1, time.monotonic(), flush=True)
        await asyncio.sleep(0.002)

asyncio.run(main())
"""
RUN_S = 3.0
MAY_BE_LOST_S = 1.5  # a second between flushes, and what a busy machine takes to write


async def test_a_killed_process_loses_at_most_its_last_second(tmp_path: Path) -> None:
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    said: list[tuple[int, float]] = []
    for line in worker.stdout:
        number, at_s = line.split()
        said.append((int(number), float(at_s)))
        if said[-1][1] - said[0][1] > RUN_S:
            break
    os.kill(worker.pid, signal.SIGKILL)
    worker.communicate()
    last_s = said[-1][1]
    surely_kept = max(number for number, said_s in said if said_s < last_s - MAY_BE_LOST_S)

    state = SqliteState(tmp_path / "s.sqlite3")
    await state.start()
    (line_kept,) = await state.list(LedgerQuery())
    used = sum(line.nbytes for line in await state.list(UseQuery(since=datetime(2026, 1, 1, tzinfo=UTC))))
    (claim,) = await state.list(ClaimQuery())
    await state.close()
    assert line_kept.sums.exchanges >= surely_kept > 100
    assert used == line_kept.sums.exchanges * 106
    assert claim.drawn_bytes >= surely_kept * 106
    logged = (tmp_path / "log" / "access-2026-03-02.jsonl").read_text().count("\n")
    assert logged >= surely_kept
