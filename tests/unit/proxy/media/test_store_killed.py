"""A process killed with SIGKILL at any moment leaves no half-made medium under a name."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from proxy.media.store import MediaStore
from proxy.media.store_values import media_key
from tests.clocks import HandClock
from tests.media_desk import START

WORKER = """
import asyncio, sys
from pathlib import Path
from proxy.clock import SystemClock
from proxy.media.store import MediaStore
from proxy.media.store_values import media_key
from tests.unit.proxy.media.test_store import lecture

async def main():
    store = MediaStore(Path(sys.argv[1]), max_bytes=4_000_000, clock=SystemClock())
    await store.open()
    print("open", flush=True)
    for number in range(10**6):
        work = await store.new_work()
        key = media_key(str(number % 20), "f")
        made = lecture(work, bytes([number % 256]) * 300_000)
        await store.put(key, work, made, recipe="slidecast", source_bytes=10**6, private=False)
        print(number, flush=True)

asyncio.run(main())
"""
KILLS = 6


async def test_a_killed_process_leaves_only_whole_media(tmp_path: Path) -> None:
    moments = random.Random(11)
    stored = 0
    for _ in range(KILLS):
        worker = subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert worker.stdout is not None
        for _ in range(moments.randint(2, 12)):
            worker.stdout.readline()
        time.sleep(moments.random() * 0.05)
        os.kill(worker.pid, signal.SIGKILL)
        worker.communicate()

        store = MediaStore(tmp_path, max_bytes=4_000_000, clock=HandClock(START))
        await store.open()
        for number in range(20):
            media = await store.find(media_key(str(number), "f"))
            if media is not None:
                stored += 1
                assert len(set(media.files["slides/1.webp"].path.read_bytes())) == 1
                assert await store.is_sound(media)
        assert list((tmp_path / "work").iterdir()) == []
        assert store.stats().damaged == 0
        await store.close()
    assert stored > KILLS
