"""What the variant store hands out, and how it is made from a row of its index: plain values."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import datetime, tzinfo
from pathlib import Path

from policies.frozen import Frozen
from proxy.cache.variant_index import Row
from proxy.exchange import Outcome, Refused, Replaced, Unchanged


class Variant(Frozen, frozen=True, kw_only=True):
    """A stored outcome.

    outcome   Replaced (body is the file's path; take the bytes with `VariantStore.read`), Unchanged or Refused
    etag      strong, quotes included: the digest of the variant's bytes; "" for Unchanged and Refused
    expires   None: until it is evicted
    """

    key: str
    outcome: Outcome
    etag: str
    private: bool
    made: datetime
    expires: datetime | None


class StoreStats(Frozen, frozen=True, kw_only=True):
    """What the store holds and did since it was opened."""

    files: int = 0
    negatives: int = 0
    disk_bytes: int = 0
    memory_hits: int = 0
    disk_hits: int = 0
    misses: int = 0
    evicted: int = 0
    failed_writes: int = 0
    faults: int = 0  # lookups that an unreadable index or a damaged file turned into misses


def variant_of(row: Row, path: Path, zone: tzinfo | None) -> Variant:
    """The variant that a row stands for; `path` is where its bytes are."""
    return Variant(
        key=row.key,
        outcome=_outcome(row, path),
        etag=row.digest,
        private=row.private,
        made=datetime.fromtimestamp(row.made, zone),
        expires=None if row.expires is None else datetime.fromtimestamp(row.expires, zone),
    )


def _outcome(row: Row, path: Path) -> Outcome:
    if row.kind == "replaced":
        notes = tuple((str(name), value) for name, value in json.loads(row.notes))
        return Replaced(body=path, content_type=row.content_type, length_bytes=row.length, notes=notes)
    return Refused(why=row.why) if row.kind == "refused" else Unchanged(why=row.why)


async def bytes_of(outcome: Replaced) -> bytes | None:
    """The bytes of an outcome, read off the event loop; None if their file is gone."""
    try:
        return outcome.body if isinstance(outcome.body, bytes) else await asyncio.to_thread(outcome.body.read_bytes)
    except OSError:
        return None


def etag_of(body: bytes) -> str:
    """The strong validator of these bytes: 128 bits of SHA-256, quoted."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'
