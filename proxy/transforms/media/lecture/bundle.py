"""A recording of many files as one source: a tar of them, taken apart again where it is made into a slidecast.

Laws of this file: only regular files with names of a recording are ever written, each and all bounded; what isn't a
bundle is told by its first bytes.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

from proxy.transforms.media.lecture.bbb_plan import safe_path

FOLDER = "recording"
MAX_FILES = 1000
_MAGIC_AT, _MAGIC = 257, b"ustar"


class BadBundle(Exception):
    """Not a bundle that was made here."""


def is_bundle(head: bytes) -> bool:
    """Whether a source that begins so is a recording of many files (POSIX.1-1988, section 10.1.1)."""
    return head[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] == _MAGIC


def unbundle(source: Path, folder: Path, *, max_bytes: int) -> Path:
    """Write the files of a bundle under `folder` and answer where. Raises BadBundle, OSError."""
    target = folder / FOLDER
    target.mkdir(mode=0o700)
    total = count = 0
    try:
        with tarfile.open(source, "r:") as tar:
            for member in tar:
                name = safe_path(member.name)
                count, total = count + 1, total + member.size
                if name is None or not member.isreg() or count > MAX_FILES or total > max_bytes:
                    raise BadBundle(member.name)
                _write(tar, member, target / name)
    except tarfile.TarError as error:
        raise BadBundle(str(error)) from error
    return target


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    inside = tar.extractfile(member)
    assert inside is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        while piece := inside.read(1 << 20):
            file.write(piece)


def entry(name: str, length_bytes: int) -> bytes:
    """The head of one file in a bundle, always the same for the same file."""
    about = tarfile.TarInfo(name)
    about.size, about.mode = length_bytes, 0o600
    return about.tobuf(tarfile.USTAR_FORMAT)


def padding(length_bytes: int) -> bytes:
    """What fills a file's last block."""
    return bytes(-length_bytes % tarfile.BLOCKSIZE)


END = bytes(2 * tarfile.BLOCKSIZE)


def bundle_folder(folder: Path, target: Path) -> None:
    """Write a recording's folder as a bundle; files that no recording has are left out. Raises OSError."""
    with target.open("wb") as out:
        for path in sorted(folder.rglob("*")):
            name = safe_path(path.relative_to(folder).as_posix())
            if name is None or not path.is_file() or path.is_symlink():
                continue
            length = path.stat().st_size
            out.write(entry(name, length))
            with path.open("rb") as file:
                while piece := file.read(1 << 20):
                    out.write(piece)
            out.write(padding(length))
        out.write(END)
