"""Stored answers on a disk or a stick, from where there is a link to where there is none.

Laws: only what anybody may have is carried, nothing confirmed, nothing of a learner's own; a body lies under the digest
of its bytes, whole or not at all, and the list that names it is written last; what is read back is believed only as far
as its digest, its length and its place in the list agree; no name that the list gives leaves the folder.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from policies.frozen import Frozen
from proxy.cache.body_checks import PIECE_BYTES, checks_of
from proxy.cache.body_files import BodyFiles, taken_bytes
from proxy.cache.object_index import Row
from proxy.cache.object_store import ObjectStore
from proxy.cache.stored import StoredResponse, address_key
from proxy.cache.worth import refetch_s
from proxy.carrying import SHA256, Uncarried, digest_of, whole_file
from proxy.media.extents import Extents

_FORMAT = "tropa-cache-1"
_LIST, _BODIES = "manifest.json", "bodies"
_MOST_LIST_BYTES = 256 << 20
_POOR_BPS = 256_000
_CARRIED = ("url", "origin", "vary", "status", "reason", "head", "etag", "length", "initial_age", "came", "lifetime")
Volatile = Callable[[str], frozenset[str]]  # an address -> the parameters of it that don't change the content


class Carried(Frozen, frozen=True, kw_only=True):
    """digest: of the list, to be told to whoever imports it. bad: entries that weren't what the list says."""

    responses: int
    length_bytes: int
    digest: str
    already: int = 0
    bad: int = 0


# -- out ------------------------------------------------------------------------------------------------------------


async def carry_out(
    store: ObjectStore,
    folder: Path,
    volatile: Volatile,
    *,
    pattern: str | None = None,
    also: Mapping[str, Any] | None = None,
) -> Carried:
    """Write what anybody may have into a folder; bodies that lie there already stay. Raises Uncarried.

    also  what else the list tells of: the digest is of all of it
    """
    entries: list[dict[str, Any]] = []
    already = 0
    try:
        await asyncio.to_thread((folder / _BODIES).mkdir, parents=True, exist_ok=True)
        for stored in await store.shared(pattern):
            if stored.extents is not None or address_key(stored.row.url, volatile(stored.row.url)) != stored.row.key:
                continue  # a part, or under an address with a key in it
            found = await asyncio.to_thread(_body_out, store.files, stored, folder / _BODIES)
            if found is not None:
                digest, was_there = found
                already += was_there
                entries.append(_entry(stored, digest))
        return await asyncio.to_thread(_list_out, folder, entries, already, also or {})
    except OSError as error:
        raise Uncarried(f"{folder}: {error.strerror or error}") from error


def _entry(stored: StoredResponse, digest: str) -> dict[str, Any]:
    row = stored.row
    return {**{name: getattr(row, name) for name in _CARRIED}, "twin": row.twin.hex(), "sha256": digest}


def _body_out(files: BodyFiles, stored: StoredResponse, folder: Path) -> tuple[str, bool] | None:
    """(its digest, whether it lay there); None: it is gone, or isn't what was stored."""
    try:
        source = files.open(stored.row.file)
    except OSError:
        return None
    try:
        if checks_of(source, stored.there) != stored.row.checks:
            return None
        digest = digest_of(source)
        target = folder / digest
        if target.is_file() and target.stat().st_size == stored.row.length:
            return digest, True
        whole_file(target, (os.pread(source, PIECE_BYTES, at) for at in range(0, stored.row.length or 0, PIECE_BYTES)))
        return digest, False
    finally:
        os.close(source)


def _list_out(folder: Path, entries: list[dict[str, Any]], already: int, also: Mapping[str, Any]) -> Carried:
    told = {"format": _FORMAT, "responses": entries, **also}
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    whole_file(folder / _LIST, iter((text,)))
    length = sum(entry["length"] for entry in entries)
    digest = hashlib.sha256(text).hexdigest()
    return Carried(responses=len(entries), length_bytes=length, digest=digest, already=already)


# -- in -------------------------------------------------------------------------------------------------------------


async def carry_in(store: ObjectStore, folder: Path, volatile: Volatile, *, digest: str | None = None) -> Carried:
    """Take what a folder holds into the store; what is there already as young or younger stays.

    digest  of the list, as it was told when it was written; None: it isn't compared
    Raises Uncarried.
    """
    told, found = await asyncio.to_thread(list_in, folder, digest)
    taken = length = already = bad = 0
    for entry in told["responses"]:
        row = _row(entry, volatile)
        if row is None:
            bad += 1
            continue
        if await _is_known(store, row):
            already += 1
            continue
        filed = await asyncio.to_thread(_body_in, store, row, folder / _BODIES / entry["sha256"], entry["sha256"])
        if filed is None:
            bad += 1
        elif await store.put(filed) is not None:
            taken += 1
            length += filed.length or 0
    return Carried(responses=taken, length_bytes=length, digest=found, already=already, bad=bad)


def list_in(folder: Path, digest: str | None) -> tuple[dict[str, Any], str]:
    """The list and its digest. Raises Uncarried where it isn't one, or another than was told."""
    text = _list_text(folder)
    found = hashlib.sha256(text).hexdigest()
    if digest is not None and digest.lower() != found:
        raise Uncarried(f"{folder / _LIST}: its digest is {found}, not the one you gave; copy it anew")
    return _told(folder, text), found


def _list_text(folder: Path) -> bytes:
    path = folder / _LIST
    try:
        if path.stat().st_size > _MOST_LIST_BYTES:
            raise Uncarried(f"{path}: too large for a list of answers")
        return path.read_bytes()
    except OSError as error:
        raise Uncarried(f"{path}: {error.strerror}; name the folder that tropa cache export wrote") from error


def _told(folder: Path, text: bytes) -> dict[str, Any]:
    try:
        told = json.loads(text)
        is_known = told["format"] == _FORMAT and isinstance(told["responses"], list)
    except (ValueError, KeyError, TypeError):
        is_known = False
    if not is_known:
        raise Uncarried(f"{folder / _LIST}: not a list that this Tropa knows ({_FORMAT})")
    return dict(told)


def _row(entry: Any, volatile: Volatile) -> Row | None:
    """None: it makes no sense."""
    try:
        told = {name: entry[name] for name in _CARRIED}
        sane = (
            SHA256.fullmatch(entry["sha256"])
            and all(isinstance(told[name], str) for name in ("url", "origin", "vary", "reason", "head", "etag"))
            and all(isinstance(told[name], int) and told[name] >= 0 for name in ("status", "length"))
            and all(isinstance(told[name], (int, float)) for name in ("initial_age", "came", "lifetime"))
            and told["url"].startswith(("http://", "https://"))
            and all(len(pair) == 2 and isinstance(pair[0], str) for pair in json.loads(told["head"]))
        )
        key = address_key(told["url"], volatile(told["url"]))
        row = Row(key=key, twin=bytes.fromhex(entry["twin"]), whose="shared", used=float(told["came"]), **told)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return row if sane else None


async def _is_known(store: ObjectStore, row: Row) -> bool:
    return any(one.row.twin == row.twin and one.row.came >= row.came for one in await store.find(row.key))


def _body_in(store: ObjectStore, row: Row, path: Path, digest: str) -> Row | None:
    """Copied, compared, and under its name in the store; None: it isn't what the list says. Off the event loop."""
    files, length = store.files, row.length or 0
    if length > store.max_bytes // 4:
        return None
    name = files.new_name()
    try:
        source = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        file = files.create(name)
        try:
            seen, at = hashlib.sha256(), 0
            while at <= length and (data := os.pread(source, PIECE_BYTES, at)):
                seen.update(data)
                files.write(file, at, data)
                at += len(data)
            if at != length or seen.hexdigest() != digest:
                files.give_up(name)
                return None
            extents = Extents(((0, length),)) if length else Extents()
            checks, taken = checks_of(file, extents), taken_bytes(file, length)
        except OSError:
            files.give_up(name)
            raise
        finally:
            os.close(file)
        files.publish(name)
        return _filed(row, name, checks, taken)
    finally:
        os.close(source)


def _filed(row: Row, name: str, checks: bytes, taken: int) -> Row:
    """Where it was carried there is no link, or a poor one: it is counted as if it came by one that costs."""
    cost_s = refetch_s(row.length or 0, link_bps=_POOR_BPS, price=Decimal(0))
    return replace(row, file=name, checks=checks, disk_bytes=taken, cost_s=cost_s)
