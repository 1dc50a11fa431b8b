"""Made media on a disk or a stick: lectures, films and sound for a place that has no link to fetch or to ask by.

Laws: as `proxy.cache.carry`: only what was made of sources that their origin lets anybody have; every file lies under
the digest of its bytes, whole or not at all; what is read back is believed only as far as digests, lengths and the
place in the list agree; no name that the list gives leaves the folder; nothing stored is dropped to make room.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from policies.frozen import Frozen
from proxy.carrying import SHA256, Uncarried, carried_file, copied_in
from proxy.media.public import PublicSource
from proxy.media.refs import SourceRef, ref_of
from proxy.media.store import MediaStore
from proxy.media.store_values import MANIFEST, StoredMedia, media_of
from proxy.transforms.media.spec import MediaMade, Recipe

LIFE = timedelta(days=365)  # where there is no link nobody can ask again: a school year
_FILES = "media"
_MOST_MANIFEST_BYTES = 4 << 20


class CarriedMedia(Frozen, frozen=True, kw_only=True):
    """media: how many versions; already: those that were there; bad: entries that aren't what the list says."""

    media: int
    length_bytes: int
    already: int = 0
    bad: int = 0


# -- out ------------------------------------------------------------------------------------------------------------


async def carry_media_out(
    store: MediaStore, folder: Path, *, pattern: str | None = None
) -> tuple[CarriedMedia, dict[str, Any]]:
    """Write the files into a folder; what the list says of them is for `carry_out`. Raises Uncarried."""
    sources: list[dict[str, Any]] = []
    media: dict[str, dict[str, Any]] = {}
    length = already = 0
    try:
        for source in await store.public.made(pattern):
            names = []
            for name, key in source.names:
                one = media.get(key) or await _media_out(store, key, folder / _FILES)
                if one is None:
                    continue
                media[key] = one
                names.append([name, key])
            if names:
                sources.append(_told(source, names))
    except OSError as error:
        raise Uncarried(f"{folder}: {error.strerror or error}") from error
    for one in media.values():
        length += one.pop("length")
        already += one.pop("was_there")
    done = CarriedMedia(media=len(media), length_bytes=length, already=already)
    return done, {"media": media, "sources": sources}


def _told(source: PublicSource, names: list[list[str]]) -> dict[str, Any]:
    return {"url": source.url, "source": source.source, "facts": json.loads(source.facts), "names": names}


async def _media_out(store: MediaStore, key: str, folder: Path) -> dict[str, Any] | None:
    """None: it is gone, or damaged."""
    with store.reading(key):
        media = await store.find(key)
        if media is None or media.private or not await store.is_sound(media):
            return None
        return await asyncio.to_thread(_files_out, media, folder)


def _files_out(media: StoredMedia, folder: Path) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    manifest = media.main_file.path.parents[len(Path(media.main).parts) - 1] / MANIFEST
    files, was_there = {}, True
    for name, path in {MANIFEST: manifest, **{name: file.path for name, file in media.files.items()}}.items():
        digest, lay_there = carried_file(path, folder)
        files[name] = digest
        was_there = was_there and lay_there
    return {"files": files, "length": media.length_bytes, "was_there": was_there}


# -- in -------------------------------------------------------------------------------------------------------------


async def carry_media_in(store: MediaStore, folder: Path, told: Mapping[str, Any]) -> CarriedMedia:
    """Take what a list tells of; what is there already stays. Raises Uncarried."""
    taken = length = already = bad = 0
    here: set[str] = set()
    for key, entry in _mapping(told.get("media")).items():
        if not SHA256.fullmatch(key):
            bad += 1
        elif await store.find(key) is not None:
            already += 1
            here.add(key)
        elif (media := await _media_in(store, key, entry, folder / _FILES)) is None:
            bad += 1
        else:
            taken, length = taken + 1, length + media.length_bytes
            here.add(key)
    sources = told.get("sources")
    for source in sources if isinstance(sources, list) else ():
        bad += not await _source_in(store, source, here)
    return CarriedMedia(media=taken, length_bytes=length, already=already, bad=bad)


async def _media_in(store: MediaStore, key: str, entry: Any, folder: Path) -> StoredMedia | None:
    """None: it isn't what the list says."""
    files = _mapping(_mapping(entry).get("files"))
    work = await store.new_work()
    try:
        media = await asyncio.to_thread(_manifest_in, key, files, folder, work)
        if media is None:
            return None
        if not await store.has_room(media.length_bytes):
            raise Uncarried(f"{folder}: no room for {media.length_bytes} bytes more; raise tropa.limits.media_store")
        if not await asyncio.to_thread(_files_in, media, files, folder):
            return None
        placed = await store.put(
            key, work, _as_made(media), recipe=media.recipe, source_bytes=media.source_bytes, private=False
        )
        return placed if isinstance(placed, StoredMedia) else None
    finally:
        await store.throw_away(work)


def _manifest_in(key: str, files: Mapping[str, Any], folder: Path, work: Path) -> StoredMedia | None:
    """What is to be copied into `work`, as its manifest tells it. Off the event loop."""
    try:
        text = copied_in(folder, files[MANIFEST], work / MANIFEST, max_bytes=_MOST_MANIFEST_BYTES).read_text("utf-8")
        media = media_of(key, work, text)
        known = not media.private and media.recipe in set(Recipe) and set(files) == {MANIFEST, *media.files}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return media if known else None


def _files_in(media: StoredMedia, files: Mapping[str, Any], folder: Path) -> bool:
    """Off the event loop."""
    try:
        for name, file in media.files.items():
            file.path.parent.mkdir(parents=True, exist_ok=True)
            copied = copied_in(folder, files[name], file.path, max_bytes=file.length_bytes)
            if copied.stat().st_size != file.length_bytes:
                return False
    except (OSError, ValueError, TypeError):
        return False
    return True


def _as_made(media: StoredMedia) -> MediaMade:
    return MediaMade(
        main=media.main,
        content_type=media.content_type,
        files=tuple(media.files),
        length_bytes=media.length_bytes,
        duration_s=media.duration_s,
        facts=media.facts,
    )


async def _source_in(store: MediaStore, told: Any, here: set[str]) -> bool:
    """Whether it makes sense: who asks for its versions by this address finds them."""
    try:
        ref, content_type = ref_of(told["facts"], told["url"], "")
        names = [(name, key) for name, key in told["names"] if key in here and SHA256.fullmatch(name)]
        sane = isinstance(content_type, str) and _is_public(ref) and ref.key == told["source"]
    except (KeyError, TypeError, ValueError, AttributeError):
        return False
    if not sane:
        return False
    await store.public.note(ref, content_type, life=LIFE)
    for name, key in names:
        await store.names.give(name, key, ref.key, life=LIFE)
    return True


def _is_public(ref: SourceRef) -> bool:
    told = (ref.origin, ref.url, ref.etag, ref.last_modified)
    return all(isinstance(one, str) for one in told) and ref.private is False and ref.shared


def _mapping(told: Any) -> Mapping[str, Any]:
    return told if isinstance(told, dict) else {}
