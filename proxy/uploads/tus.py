"""The heads of tus 1.0.0 (tus.io/protocols/resumable-upload): what they say, or why they can't be understood.

Laws of this file: pure; a head that is missing, doubled or odd is the client's fault and never raises anything else.
"""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping

from multidict import CIMultiDictProxy

from policies.frozen import Frozen
from proxy.errors import ExchangeError, Fault

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,checksum,termination"
PIECE_TYPE = "application/offset+octet-stream"
MISMATCH = 460  # the protocol's own status: the bytes aren't those that were sent
_MOST_DIGITS = 15
_MOST_METADATA_CHARS = 8192


class Running:
    """A checksum that is worked out as the bytes come."""

    def __init__(self, algorithm: str) -> None:
        self._crc: int | None = 0 if algorithm == "crc32" else None
        self._hash = None if algorithm == "crc32" else ALGORITHMS[algorithm]()

    def update(self, data: bytes) -> None:
        if self._crc is not None:
            self._crc = zlib.crc32(data, self._crc)
        elif self._hash is not None:
            self._hash.update(data)

    def digest(self) -> bytes:
        if self._hash is not None:
            return self._hash.digest()
        return (self._crc or 0).to_bytes(4, "big")


ALGORITHMS: Mapping[str, Callable[[], hashlib._Hash]] = {
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
}
CHECKSUMS = ("sha1", "sha256", "crc32")


class Checksum(Frozen, frozen=True, kw_only=True):
    algorithm: str
    wanted: bytes


def refused(status: int, code: str, detail: str = "") -> ExchangeError:
    """The client asked for what can't be."""
    return ExchangeError(code, status, Fault.CLIENT, detail)


def number(headers: CIMultiDictProxy[str], name: str) -> int:
    """A count of bytes. Raises ExchangeError 400."""
    values = headers.getall(name, ())
    if len(values) != 1 or not values[0].isascii() or not values[0].isdigit() or len(values[0]) > _MOST_DIGITS:
        raise refused(400, "upload-malformed", f"{name}: {', '.join(values)[:40]}")
    return int(values[0])


def metadata(headers: CIMultiDictProxy[str]) -> Mapping[str, str]:
    """Upload-Metadata: pairs of a key and a value in base64, between commas. Raises ExchangeError 400."""
    text = headers.get("Upload-Metadata", "")
    if len(text) > _MOST_METADATA_CHARS:
        raise refused(400, "upload-malformed", "Upload-Metadata is too long")
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, _, value = pair.partition(" ")
        try:
            found[key] = b64decode(value.strip(), validate=True).decode("utf-8")
        except (NotBase64, ValueError) as error:
            raise refused(400, "upload-malformed", f"Upload-Metadata: {key[:40]}") from error
    return found


def checksum(headers: CIMultiDictProxy[str]) -> Checksum | None:
    """Upload-Checksum. Raises ExchangeError 400: an algorithm that isn't known here."""
    if "Upload-Checksum" not in headers:
        return None
    algorithm, _, value = headers["Upload-Checksum"].partition(" ")
    try:
        wanted = b64decode(value.strip(), validate=True)
    except (NotBase64, ValueError) as error:
        raise refused(400, "upload-malformed", "Upload-Checksum") from error
    if algorithm not in CHECKSUMS:
        raise refused(400, "upload-checksum-unknown", algorithm[:20])
    return Checksum(algorithm=algorithm, wanted=wanted)
