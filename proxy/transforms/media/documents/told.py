"""What the worker in the jail says of a document, believed only as far as it has the form it should have."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from proxy.exchange import Refused, Unchanged
from proxy.transforms.media.spec import MediaMade, MediaOutcome, ToolFailed, Workbench

WORKER = "proxy.transforms.media.documents.worker"
DEADLINE_S = 240.0


async def told_by_worker(
    bench: Workbench, args: tuple[str, ...], *, reads: Path
) -> dict[str, Any] | Unchanged | Refused:
    """What the documents' worker answered."""
    return await told_by(WORKER, bench, args, reads=reads)


async def told_by(
    worker: str, bench: Workbench, args: tuple[str, ...], *, reads: Path
) -> dict[str, Any] | Unchanged | Refused:
    """What a worker answered in its one line of JSON. Raises nothing but CancelledError."""
    try:
        said = await bench.python(worker, args, reads=(reads,), deadline_s=DEADLINE_S)
        answer = json.loads(said.strip().rpartition("\n")[2])
    except ToolFailed as failed:
        return Refused(why=failed.why)
    except ValueError:
        return Refused(why="no-output")
    if not isinstance(answer, dict):
        return Refused(why="no-output")
    if "unchanged" in answer or "refused" in answer:
        kind = Unchanged if "unchanged" in answer else Refused
        return kind(why=str(answer.get("unchanged") or answer.get("refused"))[:80])
    return answer


async def made(bench: Workbench, main: str, content_type: str, facts: dict[str, Any]) -> MediaOutcome:
    """The one file that was made; Refused where it isn't there."""
    try:
        length_bytes = (await asyncio.to_thread((bench.folder / main).stat)).st_size
    except OSError:
        return Refused(why="no-output")
    bench.progress(1.0)
    return MediaMade(main=main, content_type=content_type, files=(main,), length_bytes=length_bytes, facts=facts)
