"""What the media store hands out: plain values, and how a manifest says them.

Law of this file: a manifest is the truth about its folder; whatever it doesn't say isn't there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from policies.frozen import Frozen
from proxy.transforms.media.spec import MediaMade

MANIFEST = "manifest.json"
FORM = 1  # of the manifest; another one isn't read


class StoredFile(Frozen, frozen=True, kw_only=True):
    """One file of a stored medium. name: POSIX path within it; etag: strong, quotes included."""

    name: str
    path: Path
    length_bytes: int
    etag: str


class StoredMedia(Frozen, frozen=True, kw_only=True):
    """What a recipe made of a content, whole on disk.

    main     the name of the file that is opened first
    recipe   the recipe that made it (a simpler one than was asked for, where that one failed)
    private  made from one learner's own source: not shown to IT staff until two learners have had it
    """

    key: str
    recipe: str
    main: str
    content_type: str
    files: Mapping[str, StoredFile]
    length_bytes: int
    duration_s: float | None
    facts: Mapping[str, Any]
    source_bytes: int
    private: bool
    made: datetime

    @property
    def main_file(self) -> StoredFile:
        return self.files[self.main]


class Negative(Frozen, frozen=True, kw_only=True):
    """A recipe was tried on this content in vain. kind: "unchanged" or "refused"; not tried again until then."""

    key: str
    kind: str
    why: str
    until: datetime


class MediaStoreStats(Frozen, frozen=True, kw_only=True):
    """What the store holds and did since it was opened."""

    media: int = 0
    disk_bytes: int = 0
    negatives: int = 0
    evicted: int = 0
    damaged: int = 0
    failed_writes: int = 0


def media_key(source_sha256: str, fingerprint: str) -> str:
    """The key of what a recipe makes of this content by this spec; the fingerprint has the recipe's version in it."""
    return hashlib.sha256(f"media\n{source_sha256}\n{fingerprint}".encode()).hexdigest()


def segment_key(key: str, number: int) -> str:
    """The key of one segment of what is made piece by piece."""
    return hashlib.sha256(f"segment\n{key}\n{number}".encode()).hexdigest()


def manifest_of(
    made: MediaMade,
    files: Mapping[str, tuple[int, str]],
    *,
    recipe: str,
    source_bytes: int,
    private: bool,
    at: datetime,
) -> str:
    """files: name -> length and SHA-256."""
    told = {
        "form": FORM,
        "recipe": recipe,
        "main": made.main,
        "content_type": made.content_type,
        "duration_s": made.duration_s,
        "facts": dict(made.facts),
        "source_bytes": source_bytes,
        "private": private,
        "made": at.isoformat(),
        "files": {name: {"bytes": length, "sha256": digest} for name, (length, digest) in files.items()},
    }
    return json.dumps(told, ensure_ascii=False, indent=1)


def media_of(key: str, folder: Path, manifest: str) -> StoredMedia:
    """What a manifest stands for. Raises ValueError, KeyError or TypeError where it isn't one."""
    told = json.loads(manifest)
    if told["form"] != FORM:
        raise ValueError("a manifest of another form")
    files = {
        name: StoredFile(
            name=name, path=folder / inside(name), length_bytes=int(file["bytes"]), etag=f'"{file["sha256"][:32]}"'
        )
        for name, file in told["files"].items()
    }
    if told["main"] not in files:
        raise ValueError("a manifest without its main file")
    return StoredMedia(
        key=key,
        recipe=told["recipe"],
        main=told["main"],
        content_type=told["content_type"],
        files=files,
        length_bytes=sum(file.length_bytes for file in files.values()),
        duration_s=told["duration_s"],
        facts=told["facts"],
        source_bytes=int(told["source_bytes"]),
        private=bool(told["private"]),
        made=datetime.fromisoformat(told["made"]),
    )


def inside(name: str) -> PurePosixPath:
    """A file's name as a path within its folder. Raises ValueError where it leads out or is the manifest's."""
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or str(path) != name or name == MANIFEST:
        raise ValueError(f"no name within a folder: {name!r}")
    return path
