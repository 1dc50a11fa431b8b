"""The process in which untrusted images are decoded: `python -m proxy.transforms.worker`.

Laws of this file: it speaks frames over its standard streams and nothing else; it can write no file, dumps no core,
and has a limit of memory; it ends with its parent, and by an alarm where one image takes too long. Whatever a hostile
image makes of it, the parent believes only what `proxy.transforms.frames` lets through.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from typing import BinaryIO

from proxy.transforms.frames import READY, read_request, write_outcome
from proxy.transforms.image.adapt import adapt_image

_NICENESS = 5  # the event loop goes first
_OPEN_FILES = 64


def main() -> None:
    """Serve requests until standard input ends. Arguments: memory limit in bytes, seconds per image."""
    memory_bytes, deadline_s = int(sys.argv[1]), int(sys.argv[2])
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a C library that prints must not speak into the frames
    _limit(memory_bytes)
    answers.write(READY)
    answers.flush()
    while _serve_one(requests, answers, deadline_s):
        pass


def _serve_one(requests: BinaryIO, answers: BinaryIO, deadline_s: int) -> bool:
    request = read_request(requests)
    if request is None:
        return False
    signal.alarm(deadline_s)
    outcome = adapt_image(*request)
    signal.alarm(0)
    write_outcome(answers, outcome)
    return True


def _limit(memory_bytes: int) -> None:
    os.nice(_NICENESS)
    limits = (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    )
    for which, most in limits:
        with contextlib.suppress(ValueError, OSError):  # a system without this limit, or a lower hard one
            resource.setrlimit(which, (most, most))


if __name__ == "__main__":
    main()
