"""A child that was killed is waited for to its end, and no longer, though nobody has read what it wrote."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE

from proxy.transforms.reaped import reaped

WRITES_ON = "import os\nwhile True: os.write(1, b'x' * 65536); os.write(2, b'y' * 65536)"
WITHIN_S = 60.0  # a hang is what it is for, not a slow machine


async def test_what_it_wrote_and_nobody_read_holds_nobody_up() -> None:
    command = (sys.executable, "-c", WRITES_ON)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, limit=1024)
    assert process.stdout is not None
    await process.stdout.read(1)
    await asyncio.sleep(0.2)  # both pipes are full, and asyncio has stopped reading them
    process.kill()
    assert await asyncio.wait_for(reaped(process), WITHIN_S) == -signal.SIGKILL


async def test_one_that_ended_by_itself_tells_how() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "raise SystemExit(7)", stdout=PIPE)
    assert await asyncio.wait_for(reaped(process), WITHIN_S) == 7
