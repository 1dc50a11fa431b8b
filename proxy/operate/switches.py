"""Overrides and bypasses: what IT staff switch on for a while, each ending by itself.

Laws of this file: an end that has passed is an end, whoever still has the file; a damaged file switches nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from policies.frozen import Frozen
from proxy.operate.files import one_writer, write_whole

logger = logging.getLogger("tropa.operate")

_OVERRIDES = "overrides.json"
_BYPASS = "bypass.json"


class Override(Frozen, frozen=True, kw_only=True):
    """Another policy for a region (site None) or a site, until an instant (None: until it is cleared)."""

    region: str
    site: str | None
    policy: str
    until: datetime | None
    by: str = ""
    note: str = ""


class Bypass(Frozen, frozen=True, kw_only=True):
    """Tropa switched off for an origin ("*": for all), until an instant (None: until it is switched on again)."""

    origin: str
    until: datetime | None


_Switch = TypeVar("_Switch", Override, Bypass)


def set_override(state_dir: Path, override: Override, now: datetime) -> None:
    """Put an override in force in place of any other for the same region and site."""
    place = (override.region, override.site)
    with one_writer(state_dir):
        kept = [other for other in active_overrides(state_dir, now) if (other.region, other.site) != place]
        _write(state_dir / _OVERRIDES, [*kept, override])


def clear_override(state_dir: Path, region: str, site: str | None, now: datetime) -> bool:
    """End an override at once; False: there was none."""
    with one_writer(state_dir):
        active = active_overrides(state_dir, now)
        kept = [other for other in active if (other.region, other.site) != (region, site)]
        _write(state_dir / _OVERRIDES, kept)
    return len(kept) < len(active)


def active_overrides(state_dir: Path, now: datetime) -> tuple[Override, ...]:
    """The overrides in force."""
    return _active(_read(state_dir / _OVERRIDES, _override), now)


def set_bypass(state_dir: Path, bypass: Bypass, now: datetime) -> None:
    """Switch Tropa off for an origin, in place of an earlier bypass of the same."""
    with one_writer(state_dir):
        kept = [other for other in active_bypass(state_dir, now) if other.origin != bypass.origin]
        _write(state_dir / _BYPASS, [*kept, bypass])


def clear_bypass(state_dir: Path, origin: str, now: datetime) -> bool:
    """Switch Tropa on again; False: it was not off. "*" clears only the bypass of all origins."""
    with one_writer(state_dir):
        active = active_bypass(state_dir, now)
        kept = [other for other in active if other.origin != origin]
        _write(state_dir / _BYPASS, kept)
    return len(kept) < len(active)


def active_bypass(state_dir: Path, now: datetime) -> tuple[Bypass, ...]:
    """The bypasses in force."""
    return _active(_read(state_dir / _BYPASS, _bypass), now)


def change_stamp(state_dir: Path, now: datetime) -> tuple[object, ...]:
    """Something that differs as soon as another version, override or bypass is in force; cheap enough for each second.

    An end that passes changes it too, so that a process which compares stamps reloads in time.
    """
    return (
        _file_stamp(state_dir / "published" / "current"),
        active_overrides(state_dir, now),
        active_bypass(state_dir, now),
    )


# -- inside ----------------------------------------------------------------------------------------------------


def _file_stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


def _active(switches: tuple[_Switch, ...], now: datetime) -> tuple[_Switch, ...]:
    return tuple(switch for switch in switches if switch.until is None or now < switch.until)


def _read(path: Path, parse: Callable[[dict[str, Any]], _Switch]) -> tuple[_Switch, ...]:
    try:
        return tuple(parse(entry) for entry in json.loads(path.read_bytes()))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.error("%s: %s; nothing is switched by it", path, error)
        return ()


def _write(path: Path, switches: list[Override] | list[Bypass] | list[Any]) -> None:
    entries = [asdict(switch) for switch in switches]
    for entry in entries:
        entry["until"] = entry["until"].isoformat() if entry["until"] is not None else None
    write_whole(path, json.dumps(entries, ensure_ascii=False, indent=1).encode())


def _override(entry: dict[str, Any]) -> Override:
    return Override(
        region=str(entry["region"]),
        site=entry["site"],
        policy=str(entry["policy"]),
        until=_instant(entry["until"]),
        by=str(entry.get("by", "")),
        note=str(entry.get("note", "")),
    )


def _bypass(entry: dict[str, Any]) -> Bypass:
    return Bypass(origin=str(entry["origin"]), until=_instant(entry["until"]))


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return instant
