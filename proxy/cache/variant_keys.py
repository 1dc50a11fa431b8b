"""Under what a variant is kept: the content it was made from, and how.

Laws of this file: pure. A variant's key comes from the source's bytes alone, never from its URL or its reader, so
one logo under ten URLs is encoded once. A provisional key only says which content an origin's own validator names;
each learner is still authorised by the origin before it is asked.
"""

from __future__ import annotations

import hashlib
import re

from policies.frozen import Frozen
from proxy.transforms.image import TRANSFORM_VERSION
from proxy.transforms.spec import ImageSpec

# Parameters that change from visit to visit while the file stays: session keys, signatures, cache-busters.
VOLATILE_PARAMETERS = frozenset(
    (
        *("sesskey", "token", "wstoken", "sid", "session", "phpsessid", "jsessionid", "access_token", "auth"),
        *("x-amz-date", "x-amz-signature", "x-amz-credential", "x-amz-expires", "x-amz-security-token"),
        *("expires", "signature", "sig", "se", "key-pair-id", "policy", "awsaccesskeyid", "_", "nocache", "rand"),
    )
)
_CONTENT_HASH = re.compile(r'"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})"', re.I)


class Provisional(Frozen, frozen=True, kw_only=True):
    """What is known of a source before its bytes are: enough to recognise it by an origin's strong validator.

    etag      as the origin sent it, quotes included; a weak one can't be used (RFC 9110 section 8.8.1)
    learner   set it for a response that belongs to one learner, unless `is_content_hash(etag)`: an origin that
              gives two learners' files one validator must not cross them
    """

    origin: str
    url: str
    etag: str
    length_bytes: int
    learner: str = ""


def source_digest(body: bytes) -> str:
    """SHA-256 of the whole source, hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def variant_key(source_sha256: str, fingerprint: str, version: int) -> str:
    """The key of what a transform of this version makes of this content by this plan."""
    return hashlib.sha256(f"{source_sha256}\n{fingerprint}\n{version}".encode()).hexdigest()


def image_key(source_sha256: str, spec: ImageSpec) -> str:
    """The key of an image's variant; the pixel limit is part of it, since it decides what is refused."""
    return variant_key(source_sha256, f"image:{spec.fingerprint()}-m{spec.max_pixels}", TRANSFORM_VERSION)


def provisional_key(source: Provisional) -> str | None:
    """The key of a not yet read source; None where its validator is weak or absent."""
    if len(source.etag) < 3 or not source.etag.startswith('"') or source.length_bytes < 0:
        return None
    parts = (source.origin, stable_url(source.url), source.etag, str(source.length_bytes), source.learner)
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def stable_url(url: str, volatile: frozenset[str] = VOLATILE_PARAMETERS) -> str:
    """The URL without its fragment and its volatile parameters; order and escapes stay as they are."""
    bare, mark, query = url.partition("#")[0].partition("?")
    kept = [part for part in query.split("&") if part and part.partition("=")[0].lower() not in volatile]
    return bare + (mark + "&".join(kept) if kept and mark else "")


def is_content_hash(etag: str) -> bool:
    """The validator looks like a digest of the content (Moodle's is SHA-1), so equal ones mean equal bytes."""
    return _CONTENT_HASH.fullmatch(etag) is not None
