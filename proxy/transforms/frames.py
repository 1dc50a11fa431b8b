"""What a worker process and its parent say to each other: length, JSON head, bytes.

Laws of this file: no pickle, since a worker that a hostile image took over must not speak code to its parent; the
parent checks every length and every type before it believes an answer.
"""

from __future__ import annotations

import asyncio
import json
import struct
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from policies.treatments import Animation
from proxy.exchange import Outcome, Refused, Replaced, Unchanged
from proxy.transforms.spec import ImageSpec

READY = b"tropa-worker-1\n"
MAX_HEAD_BYTES = 16 * 1024
CONTENT_TYPES = frozenset(("image/avif", "image/webp", "image/jpeg", "image/png", "image/svg+xml"))
_LENGTHS = struct.Struct(">II")  # of the head, of the bytes after it


class NonsenseError(Exception):
    """An answer that no healthy worker gives."""


def request_frame(source: bytes | Path, spec: ImageSpec) -> list[bytes]:
    """The frame for one job, as pieces to write; a path is sent by name, its bytes aren't copied."""
    head = {**asdict(spec), "accepts": sorted(spec.accepts), "animation": str(spec.animation)}
    if isinstance(source, Path):
        return _frame({"spec": head, "path": str(source)}, b"")
    return _frame({"spec": head}, source)


def read_request(stream: BinaryIO) -> tuple[bytes | Path, ImageSpec] | None:
    """The worker's side: the next job, None at the end."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head_bytes, body_bytes = _LENGTHS.unpack(lengths)
    head = json.loads(stream.read(head_bytes))
    spec = head["spec"]
    spec |= {"accepts": frozenset(spec["accepts"]), "animation": Animation(spec["animation"])}
    body = stream.read(body_bytes)
    return (Path(head["path"]) if "path" in head else body), ImageSpec(**spec)


def write_outcome(stream: BinaryIO, outcome: Outcome) -> None:
    """The worker's side: answer."""
    if isinstance(outcome, Replaced):
        body = outcome.body if isinstance(outcome.body, bytes) else outcome.body.read_bytes()
        pieces = _frame({"type": outcome.content_type, "notes": outcome.notes}, body)
    else:
        pieces = _frame({"refused" if isinstance(outcome, Refused) else "unchanged": outcome.why}, b"")
    for piece in pieces:
        stream.write(piece)
    stream.flush()


async def read_outcome(stream: asyncio.StreamReader, *, source_bytes: int) -> Outcome:
    """The parent's side: an outcome that keeps its promises.

    Raises NonsenseError, and asyncio.IncompleteReadError where the worker died.
    """
    head_bytes, body_bytes = _LENGTHS.unpack(await stream.readexactly(_LENGTHS.size))
    if head_bytes > MAX_HEAD_BYTES or body_bytes > source_bytes:
        raise NonsenseError("longer than may be")
    try:
        head = json.loads(await stream.readexactly(head_bytes))
        return _outcome(head, await stream.readexactly(body_bytes))
    except (ValueError, TypeError, KeyError) as error:
        raise NonsenseError(str(error)) from error


def _outcome(head: dict[str, Any], body: bytes) -> Outcome:
    if not body:
        why = head.get("unchanged")
        return Unchanged(why=str(why)[:80]) if why is not None else Refused(why=str(head["refused"])[:80])
    if head["type"] not in CONTENT_TYPES:
        raise NonsenseError("not an image's type")
    notes = tuple((str(name), value if isinstance(value, int | float) else str(value)) for name, value in head["notes"])
    return Replaced(body=body, content_type=head["type"], length_bytes=len(body), notes=notes)


def _frame(head: dict[str, Any], body: bytes) -> list[bytes]:
    written = json.dumps(head).encode()
    return [_LENGTHS.pack(len(written), len(body)), written, body]
