"""What was published when, and which version runs.

 state/published/000007/{regions.yaml, policies/…}   one folder a version, never changed once it is there
 state/published/000007.json                         when and why
 state/published/current                             the number of the version that runs

Laws of this file: the published copy is what runs, not the file somebody is editing; a version appears whole; the
last KEPT versions stay, and the running one always.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath

from policies.frozen import Frozen
from proxy.operate.files import one_writer, write_whole

KEPT = 50
_NUMBER = re.compile(r"\d{6}")


class HistoryError(Exception):
    """What was asked for can't be done; the text tells the operator why."""


class PublishedVersion(Frozen, frozen=True, kw_only=True):
    """fingerprint: SHA-256 over names and contents; equal ones are the same files."""

    number: int
    at: datetime
    note: str
    fingerprint: str
    current: bool
    folder: Path


def publish(state_dir: Path, files: Mapping[str, bytes], *, now: datetime, note: str = "") -> int:
    """Make files (relative names with "/") the running version; returns its number.

    Publishing what runs already changes nothing and returns the running number.
    Raises: HistoryError for a name that leads out of the folder or no files, OSError.
    """
    _check_names(files)
    fingerprint = fingerprint_of(files)
    with one_writer(state_dir):
        versions = history(state_dir)
        for version in versions:
            if version.current and version.fingerprint == fingerprint:
                return version.number
        number = max((version.number for version in versions), default=0) + 1
        _write_version(_published(state_dir), number, files)
        record = {"at": now.isoformat(timespec="seconds"), "note": note, "fingerprint": fingerprint}
        write_whole(_record_path(state_dir, number), json.dumps(record, ensure_ascii=False).encode())
        _point_to(state_dir, number)
        _prune(state_dir)
    return number


def rollback(state_dir: Path, to: int | None = None) -> int:
    """Run an earlier version again (None: the one before the running one); returns its number.

    Raises: HistoryError where there is no such version.
    """
    with one_writer(state_dir):
        versions = history(state_dir)
        running = next((version.number for version in versions if version.current), None)
        if to is None:
            earlier = [version.number for version in versions if running is not None and version.number < running]
            if not earlier:
                raise HistoryError("there is no earlier version to go back to")
            to = max(earlier)
        elif to not in (version.number for version in versions):
            known = ", ".join(str(version.number) for version in versions) or "none"
            raise HistoryError(f"there is no version {to}; known: {known}")
        _point_to(state_dir, to)
    return to


def history(state_dir: Path) -> tuple[PublishedVersion, ...]:
    """All versions that are kept, oldest first. A damaged record is left out."""
    published, running = _published(state_dir), _running_number(state_dir)
    if not published.is_dir():
        return ()
    found = []
    for folder in sorted(path for path in published.iterdir() if path.is_dir() and _NUMBER.fullmatch(path.name)):
        number = int(folder.name)
        try:
            record = json.loads(_record_path(state_dir, number).read_bytes())
            at, note, fingerprint = datetime.fromisoformat(record["at"]), record["note"], record["fingerprint"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        found.append(
            PublishedVersion(
                number=number,
                at=at,
                note=str(note),
                fingerprint=str(fingerprint),
                current=number == running,
                folder=folder,
            )
        )
    return tuple(found)


def current_dir(state_dir: Path) -> Path | None:
    """The folder of the running version; None: nothing has been published."""
    number = _running_number(state_dir)
    folder = _published(state_dir) / f"{number:06}" if number is not None else None
    return folder if folder is not None and folder.is_dir() else None


# -- inside ----------------------------------------------------------------------------------------------------


def _published(state_dir: Path) -> Path:
    return state_dir / "published"


def _record_path(state_dir: Path, number: int) -> Path:
    return _published(state_dir) / f"{number:06}.json"


def _running_number(state_dir: Path) -> int | None:
    try:
        return int((_published(state_dir) / "current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _point_to(state_dir: Path, number: int) -> None:
    write_whole(_published(state_dir) / "current", f"{number}\n".encode())


def _check_names(files: Mapping[str, bytes]) -> None:
    if not files:
        raise HistoryError("there is nothing to publish")
    for name in files:
        path = PurePosixPath(name)
        if not name or "\0" in name or path.is_absolute() or ".." in path.parts or str(path) == ".":
            raise HistoryError(f"{name!r} is no name inside the published folder")


def fingerprint_of(files: Mapping[str, bytes]) -> str:
    """What tells versions apart: SHA-256 over names and contents."""
    digest = sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{len(name)}:{name}:{len(content)}:".encode() + content)
    return digest.hexdigest()


def _write_version(published: Path, number: int, files: Mapping[str, bytes]) -> None:
    draft = published / f".draft-{secrets.token_hex(4)}"
    target = published / f"{number:06}"
    try:
        draft.mkdir(mode=0o700, parents=True)
        for name, content in files.items():
            path = draft / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, content)
        if target.exists():  # left by a publisher that was killed before it wrote the record
            shutil.rmtree(target)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _prune(state_dir: Path) -> None:
    versions = history(state_dir)
    for version in versions[:-KEPT]:
        if not version.current:
            _record_path(state_dir, version.number).unlink(missing_ok=True)
            shutil.rmtree(version.folder, ignore_errors=True)
