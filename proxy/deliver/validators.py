"""Validators of adapted responses, mapped to the origin's and back without keeping state.

The entity tag of something adapted is `"t1.FINGERPRINT.ORIGIN"`: FINGERPRINT names the way it was adapted (specs,
transform versions, digest of the bytes where they are known beforehand), ORIGIN is the origin's own validator.
A client's If-None-Match with the fingerprint in force becomes the origin's validator again, so the origin itself
answers 304; any other fingerprint is dropped and the origin answers with the body.

Laws: without a validator of the origin's there is none of ours; a weak one stays weak; If-Range never matches an
adapted response (RFC 9110 section 13.1.5: a full 200 follows).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from hashlib import blake2b

from multidict import CIMultiDict

from policies.frozen import Frozen

_VERSION = "t1"
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_MAX_ORIGIN_CHARS = 300


class Validator(Frozen, frozen=True):
    """The origin's validator: an entity tag as received, or a Last-Modified date."""

    etag: str = ""
    last_modified: str = ""


def origin_validator(headers: CIMultiDict[str]) -> Validator | None:
    """The origin's validator in a response's head, None if there is none that can be carried."""
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    if etag and _ETAG.fullmatch(etag) and len(etag) <= _MAX_ORIGIN_CHARS:
        return Validator(etag=etag)
    return Validator(last_modified=modified) if 0 < len(modified) <= 64 else None


def fingerprint(*parts: str) -> str:
    """A short name for a way of adapting; equal parts, and only they, have equal names."""
    return blake2b("\x1f".join(parts).encode(), digest_size=9).hexdigest()


def adapted_etag(validator: Validator | None, way: str) -> str | None:
    """The entity tag of an adapted response."""
    if validator is None:
        return None
    carried = ("e" + validator.etag) if validator.etag else ("m" + validator.last_modified)
    text = base64.urlsafe_b64encode(carried.encode("latin-1", "replace")).rstrip(b"=").decode()
    weak = "W/" if validator.etag.startswith("W/") or not validator.etag else ""
    return f'{weak}"{_VERSION}.{way}.{text}"'


def _carried(etag: str) -> tuple[str, Validator] | None:
    """(way, origin's validator) of one of our own tags, None for any other."""
    parts = etag.removeprefix("W/").strip('"').split(".")
    if len(parts) != 3 or parts[0] != _VERSION:
        return None
    try:
        carried = base64.urlsafe_b64decode(parts[2] + "=" * (-len(parts[2]) % 4)).decode("latin-1")
    except (binascii.Error, ValueError):
        return None
    if carried.startswith("e") and _ETAG.fullmatch(carried[1:]):
        return parts[1], Validator(etag=carried[1:])
    if carried.startswith("m") and carried[1:].isprintable():
        return parts[1], Validator(last_modified=carried[1:])
    return None


class Conditions(Frozen, frozen=True, gc=False):
    """A client's conditions as the origin shall see them.

    if_none_match, if_modified_since   None: leave the header out
    ours                               the client's tag of ours that is in force: what a 304 is answered with
    """

    if_none_match: str | None
    if_modified_since: str | None
    ours: str | None = None

    @property
    def any(self) -> bool:
        return bool(self.if_none_match or self.if_modified_since)


UNCONDITIONAL = Conditions(None, None)


def conditions(headers: Mapping[str, str], *, way: str | None) -> Conditions:
    """Map If-None-Match to the origin's terms.

    way  the fingerprint in force for this URL; a tag of ours with any other (or where none is expected) is dropped,
         so that the origin sends the body and the client gets what is right now
    """
    raw = headers.get("If-None-Match")
    if raw is None:
        since = headers.get("If-Modified-Since")
        return UNCONDITIONAL if since is None else Conditions(None, since)
    theirs: list[str] = []
    modified = matched = None
    for tag in _ETAG.findall(raw):
        carried = _carried(tag)
        if carried is None:
            theirs.append(tag)
        elif carried[0] == way:
            matched = tag
            if carried[1].etag:
                theirs.append(carried[1].etag)
            else:
                modified = carried[1].last_modified
    if raw.strip() == "*":
        theirs.append("*")
    return Conditions(", ".join(theirs) or None, modified, matched)
