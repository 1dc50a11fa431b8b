"""The catalogue in force, and when it is replaced.

Laws: the published copy is what runs; a faulty one leaves the one before running and says so once; an override or a
bypass ends by itself; a swap replaces one value and drops nobody.
"""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from policies.faults import PolicyFaults
from policies.load import Override, read_catalogue, source_files
from policies.model import Catalogue
from proxy.operate.history import current_dir, fingerprint_of, history, publish
from proxy.operate.switches import active_bypass, active_overrides, change_stamp

logger = logging.getLogger("tropa.catalogue")
_FOREVER = datetime.max
_HOME = "published-from.txt"


def read_published(state_dir: Path, now: datetime) -> Catalogue:
    """The running version with the overrides and bypasses in force.

    Raises PolicyFaults; FileNotFoundError where nothing has been published.
    """
    folder = current_dir(state_dir)
    if folder is None:
        raise FileNotFoundError(f"{state_dir}: nothing has been published; run tropa publish FILE")
    overrides = [
        Override(region=o.region, site=o.site, policy=o.policy, until=o.until or _FOREVER.replace(tzinfo=now.tzinfo))
        for o in active_overrides(state_dir, now)
    ]
    bypassed = frozenset(bypass.origin for bypass in active_bypass(state_dir, now))
    return read_catalogue(
        folder / "regions.yaml", overrides=overrides, bypassed_origins=bypassed, certificates_from=_home(folder)
    )


def _home(folder: Path) -> Path | None:
    """Where a version was published from: certificates stay there, to be renewed in place."""
    try:
        return Path((folder / _HOME).read_text("utf-8"))
    except OSError:
        return None


def operator_files(regions_file: Path) -> dict[str, bytes]:
    """What belongs to a version: regions.yaml under that name, whatever it reads beside itself, and where it lay."""
    base = regions_file.resolve().parent
    files = {"regions.yaml": regions_file.read_bytes(), _HOME: str(base).encode("utf-8")}
    for path in source_files(regions_file):
        if path.resolve() == regions_file.resolve():
            continue
        name = path.resolve().relative_to(base) if path.resolve().is_relative_to(base) else Path(path.name)
        files[name.as_posix()] = path.read_bytes()
    return files


def was_published(regions_file: Path, state_dir: Path) -> bool:
    """Whether this very file, with what it reads beside itself, is a version already. Raises OSError."""
    versions = history(state_dir)
    if not versions or current_dir(state_dir) is None:
        return False
    fingerprint = fingerprint_of(operator_files(regions_file))
    return any(version.fingerprint == fingerprint for version in versions)


def publish_file(regions_file: Path, state_dir: Path, *, now: datetime, note: str) -> int:
    """Check a file and make it the running version; returns its number. Raises PolicyFaults, HistoryError, OSError."""
    read_catalogue(regions_file)
    return publish(state_dir, operator_files(regions_file), now=now, note=note)


class Catalogues:
    """Holds the catalogue in force; `poll` looks for another one."""

    def __init__(self, state_dir: Path, catalogue: Catalogue, now: datetime) -> None:
        self._state_dir = state_dir
        self._stamp = change_stamp(state_dir, now)
        self.current = catalogue

    def poll(self, now: datetime) -> bool:
        """Read anew where something changed. True: another catalogue is in force now."""
        stamp = change_stamp(self._state_dir, now)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            fresh = read_published(self._state_dir, now)
        except (PolicyFaults, OSError) as error:
            logger.error("the published version can't be used, the one before goes on running:\n%s", error)
            return False
        changed = fresh != self.current
        self.current = fresh
        logger.info("catalogue %s is in force", fresh.fingerprint[:12])
        return changed
