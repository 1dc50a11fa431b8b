"""A store that is used by processes that die, each one step later than the one before.

    python -m tests.contract.killed STORE FOLDER        STORE: one of STORES, or "parts"

Prints how many died; the next one came to its end. Each has a folder of its own, named by its step.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.caching import cached
from tests.clocks import HandClock
from tests.contract.stores import LARGE, NEWER, SMALL, STORES, Stepping, answers, visit
from tests.media_desk import START

MOST_STEPS = 60


async def use(store: str, folder: Path, at: int) -> None:
    """Use a store until it is killed at a step: "parts" is the one of responses, with parts of bodies."""
    steps = 0

    def before(step: str) -> None:
        nonlocal steps
        if steps == at:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1

    files, clock = Stepping(folder, before), HandClock(START)
    if store == "parts":
        async with cached(folder, answers, files=files, clock=clock) as there:
            await visit(there)
        return
    async with STORES[store](folder, clock, files=files) as kept:
        await kept.keep("small", SMALL)
        await kept.keep("large", LARGE)
        await kept.keep("small", NEWER)  # in the first one's place


def main(store: str, root: Path) -> int:
    for step in range(MOST_STEPS):
        folder = root / str(step)
        folder.mkdir()
        child = os.fork()
        if child == 0:
            asyncio.run(use(store, folder, step))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            print(step)
            return os.WEXITSTATUS(status)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
