"""How a tool is started so that a hostile file costs one failed job and nothing else.

Laws of this file: a tool can read its program, the system's libraries and the files it was given, and write one folder;
it has no network, little memory, little time, and can't get any right back. What the kernel doesn't offer is said
in the log once (`holds`), never passed over in silence.

The jail is a launcher (jailed.py) in front of the tool: `preexec_fn` isn't safe in a process with threads, and
`unshare` needs user namespaces, which many containers don't have.
"""

from __future__ import annotations

import functools
import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from policies.frozen import Frozen

logger = logging.getLogger("tropa.media")

_LAUNCHER = Path(__file__).with_name("jailed.py")
_REPORT_S = 20


class Pace(Frozen, frozen=True, kw_only=True):
    """Time for one run through a file: base_s, and per_media_s for each of its seconds.

    unknown_s: what a file that doesn't tell its length is taken for
    """

    base_s: float
    per_media_s: float
    unknown_s: float = 0.0


# Of what makes no film, on a machine that has other work too: every frame looked at; only the sound, listened to.
WATCHING = Pace(base_s=120.0, per_media_s=1.0, unknown_s=3600.0)
LISTENING = Pace(base_s=60.0, per_media_s=0.5)


class Limits(Frozen, frozen=True, kw_only=True):
    """What one job may take.

    memory_bytes   address space of each tool: libraries alone are 300 MB of it
    file_bytes     of each file it writes
    folder_bytes   of all files in its folder
    output_bytes   of what it writes to its standard output
    base_s, per_media_s, max_s   wall and CPU time: base_s + per_media_s for each second of media, at most max_s
    max_pixels     of a picture or a film's frame
    """

    memory_bytes: int = 1536 << 20
    file_bytes: int = 2 << 30
    folder_bytes: int = 4 << 30
    output_bytes: int = 2 << 30
    open_files: int = 256
    niceness: int = 10
    base_s: float = 60.0
    per_media_s: float = 2.0
    max_s: float = 4 * 3600.0
    max_pixels: int = 40_000_000

    def deadline_s(self, media_s: float | None, pace: Pace | None = None) -> float:
        """How long a tool may take with media_s seconds (as the file itself says; None: it doesn't), never more than
        max_s. pace None: the limits' own, of what encodes."""
        if pace is None:
            pace = Pace(base_s=self.base_s, per_media_s=self.per_media_s)
        return min(self.max_s, pace.base_s + pace.per_media_s * (pace.unknown_s if media_s is None else media_s))


class Holds(Frozen, frozen=True, kw_only=True):
    """What the jail's walls are made of here. landlock: its version, 0: the tool can read what Tropa can."""

    landlock: int
    seccomp: bool
    namespace: bool

    @property
    def files(self) -> bool:
        return self.landlock > 0

    @property
    def network(self) -> bool:
        return self.seccomp or self.namespace


def tool_command(
    program: Path, args: Sequence[str], *, reads: Sequence[Path], folder: Path, limits: Limits, cpu_s: float
) -> list[str]:
    """The argument list that runs `program` in the jail. Paths in args must be absolute or relative to `folder`."""
    options = _options(reads, folder, limits, cpu_s)
    return [sys.executable, "-I", "-S", str(_LAUNCHER), *options, "--", str(program.resolve()), *args]


def python_command(
    module: str, args: Sequence[str], *, reads: Sequence[Path], folder: Path, limits: Limits, cpu_s: float
) -> list[str]:
    """The argument list that runs a module of this Python environment in the jail."""
    options = _options(reads, folder, limits, cpu_s)
    return [sys.executable, "-I", str(_LAUNCHER), *options, f"python={module}", "--", *args]


def _options(reads: Sequence[Path], folder: Path, limits: Limits, cpu_s: float) -> list[str]:
    return [
        f"parent={os.getpid()}",
        f"nice={limits.niceness}",
        f"memory={limits.memory_bytes}",
        f"cpu={int(cpu_s) + 1}",
        f"file={limits.file_bytes}",
        f"files={limits.open_files}",
        *(f"read={path.resolve()}" for path in reads),
        f"write={folder.resolve()}",
    ]


def environment(folder: Path) -> Mapping[str, str]:
    """All that a tool sees of the environment: no secret, no proxy, no library path of the operator's."""
    home = str(folder.resolve())
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": home, "TMPDIR": home, **threads}


@functools.cache
def holds() -> Holds:
    """What this kernel gives, tried once; whatever is missing is logged in one line."""
    command = [sys.executable, "-I", "-S", str(_LAUNCHER), "report"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_REPORT_S, check=True)  # noqa: S603
        told = dict(word.split("=") for word in done.stdout.split())
        found = Holds(
            landlock=int(told["landlock"]), seccomp=told["seccomp"] == "1", namespace=told["namespace"] == "1"
        )
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        logger.error("tools can't be jailed here: %s", error)
        return Holds(landlock=0, seccomp=False, namespace=False)
    missing = [what for what, held in (("files (Landlock)", found.files), ("network", found.network)) if not held]
    if missing:
        logger.warning("this kernel can't keep media tools from %s; time and memory are limited", ", ".join(missing))
    return found
