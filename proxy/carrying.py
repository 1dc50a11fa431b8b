"""Files on a stick that is carried from one Tropa to another: under the digest of their bytes, whole or not there.

Laws: the bytes are on the stick before their name is, for it is pulled out; what is read back is compared with its
digest, and is no longer than it may be.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

PIECE_BYTES = 65536
SHA256 = re.compile(r"[0-9a-f]{64}")


class Uncarried(Exception):
    """The folder can't be written or isn't what was exported: the text is for the operator."""


def carried_file(source: Path, folder: Path) -> tuple[str, bool]:
    """A file under the digest of its bytes; (the digest, whether it lay there). Raises OSError."""
    file = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        digest, length = digest_of(file), os.fstat(file).st_size
        target = folder / digest
        if target.is_file() and target.stat().st_size == length:
            return digest, True
        whole_file(target, (os.pread(file, PIECE_BYTES, at) for at in range(0, length, PIECE_BYTES)))
        return digest, False
    finally:
        os.close(file)


def copied_in(folder: Path, digest: str, target: Path, *, max_bytes: int) -> Path:
    """A carried file's copy, compared with its digest; where it is. Raises OSError, ValueError: it isn't that."""
    if not SHA256.fullmatch(digest):
        raise ValueError("no digest")
    source = os.open(folder / digest, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        seen, at = hashlib.sha256(), 0
        with target.open("xb") as file:
            while at <= max_bytes and (data := os.pread(source, PIECE_BYTES, at)):
                seen.update(data)
                at += file.write(data)
        if at > max_bytes or seen.hexdigest() != digest:
            raise ValueError("not what the list says")
    finally:
        os.close(source)
    return target


def whole_file(target: Path, pieces: Iterator[bytes]) -> None:
    """A stick is pulled out: the bytes are on it before the name is."""
    unfinished = target.with_name(target.name + ".part")
    with unfinished.open("wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def digest_of(file: int) -> str:
    digest, at = hashlib.sha256(), 0
    while data := os.pread(file, 1 << 20, at):
        digest.update(data)
        at += len(data)
    return digest.hexdigest()
