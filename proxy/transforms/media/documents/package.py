"""Office documents as packages of parts: opened with every guard, written in one order.

Laws of this file: a package that lies (names twice, names that leave, sizes that don't add up) is refused before a
part is unpacked; a part never unpacks to more than it announces; equal parts give equal bytes.
Sources: ECMA-376 part 2 (part names, [Content_Types].xml), ODF 1.3 part 2 section 3.3 (mimetype first and stored).
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from policies.frozen import Frozen
from proxy.transforms.media.documents.signed import package_is_signed
from proxy.transforms.media.documents.values import MAX_PARTS, MAX_STREAM_BYTES, MAX_UNPACKED_BYTES, Hostile, NoCopy

TYPES_PART, MIMETYPE, MANIFEST = "[Content_Types].xml", "mimetype", "META-INF/manifest.xml"
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_PPSX = "application/vnd.openxmlformats-officedocument.presentationml.slideshow"
_KINDS = {  # what the main part says, what the copy is
    f"{_DOCX}.main+xml": _DOCX,
    f"{_PPTX}.main+xml": _PPTX,
    f"{_PPSX}.main+xml": _PPSX,
}
_ODF = ("application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.presentation")
COPIES = {  # a copy's file by what it is
    _DOCX: "copy.docx",
    _PPTX: "copy.pptx",
    _PPSX: "copy.ppsx",
    _ODF[0]: "copy.odt",
    _ODF[1]: "copy.odp",
}
_MACROS = re.compile(rb"macroEnabled|vbaProject", re.IGNORECASE)
_ENCRYPTED_BIT = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BOMB_RATIO, _BOMB_BYTES = 200, 100 << 20
_WRITTEN_AT = (1980, 1, 1, 0, 0, 0)
_LEAVES = re.compile(r"(^|/)\.\.?(/|$)|^/|\\|^[A-Za-z]:|[\0-\x1f]|//")


class Package(Frozen, frozen=True, kw_only=True):
    """An open package. content_type: of the whole; odf: OpenDocument, whose parts name each other in the text."""

    archive: zipfile.ZipFile
    names: tuple[str, ...]  # of parts, folders left out, in the archive's order
    content_type: str
    odf: bool

    def read(self, name: str) -> bytes:
        return read_part(self.archive, name)


def opened(path: Path) -> Package:
    """The package at `path`; the caller closes its archive.

    Raises NoCopy ("not-a-package", "not-a-known-kind", "signed", "encrypted", "macros") and Hostile.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise NoCopy("not-a-package") from error
    try:
        return _examined(archive, path.stat().st_size)
    except BaseException:
        archive.close()
        raise


def _examined(archive: zipfile.ZipFile, file_bytes: int) -> Package:
    infos = archive.infolist()
    _guard(infos, file_bytes)
    names = tuple(info.filename for info in infos if not info.is_dir())
    if package_is_signed(names):
        raise NoCopy("signed")
    if any(name.lower().endswith(("vbaproject.bin", "vbadata.xml")) or name.startswith("Basic/") for name in names):
        raise NoCopy("macros")
    odf = MIMETYPE in names
    content_type = _odf_kind(archive, names) if odf else _ooxml_kind(archive, names)
    return Package(archive=archive, names=names, content_type=content_type, odf=odf)


def _guard(infos: list[zipfile.ZipInfo], file_bytes: int) -> None:
    if len(infos) > MAX_PARTS:
        raise Hostile("too-many-parts")
    if any(_LEAVES.search(info.filename) for info in infos):
        raise Hostile("name-that-leaves")
    if len({info.filename.casefold() for info in infos}) != len(infos):
        raise Hostile("name-twice")
    if any(info.flag_bits & _ENCRYPTED_BIT for info in infos):
        raise Hostile("encrypted-parts")
    if any(info.compress_type not in _METHODS for info in infos):
        raise NoCopy("not-a-known-kind")
    unpacked = sum(info.file_size for info in infos)
    if sum(info.compress_size for info in infos) > file_bytes:
        raise Hostile("parts-overlap")
    too_tight = unpacked > _BOMB_BYTES and unpacked > _BOMB_RATIO * file_bytes
    if unpacked > MAX_UNPACKED_BYTES or too_tight or any(info.file_size > MAX_STREAM_BYTES for info in infos):
        raise Hostile("unpacks-to-too-much")


def _ooxml_kind(archive: zipfile.ZipFile, names: tuple[str, ...]) -> str:
    if TYPES_PART not in names:
        raise NoCopy("not-a-known-kind")
    types = read_part(archive, TYPES_PART)
    if _MACROS.search(types):
        raise NoCopy("macros")
    found = next((kind for main, kind in _KINDS.items() if f'"{main}"'.encode() in types), None)
    if found is None:
        raise NoCopy("not-a-known-kind")
    return found


def _odf_kind(archive: zipfile.ZipFile, names: tuple[str, ...]) -> str:
    kind = read_part(archive, MIMETYPE).decode("ascii", "replace").strip()
    if kind not in _ODF:
        raise NoCopy("not-a-known-kind")
    if MANIFEST in names and b"encryption-data" in read_part(archive, MANIFEST):
        raise NoCopy("encrypted")
    return kind


def read_part(archive: zipfile.ZipFile, name: str) -> bytes:
    """One part, unpacked to no more than it announces. Raises NoCopy("damaged")."""
    info = archive.getinfo(name)
    try:
        with archive.open(info) as part:
            body = part.read(info.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise NoCopy("damaged") from error
    if len(body) != info.file_size:
        raise NoCopy("damaged")
    return body


def write(path: Path, parts: Iterable[tuple[str, bytes]]) -> None:
    """Pack parts in the order given, deflated at the best level where that gains anything.

    ODF's `mimetype` is stored; dates are none's.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, body in parts:
            info = zipfile.ZipInfo(name, _WRITTEN_AT)
            packs = name != MIMETYPE and len(zlib.compress(body[: 1 << 18], 6)) < len(body[: 1 << 18]) * 0.98
            method = zipfile.ZIP_DEFLATED if packs else zipfile.ZIP_STORED
            archive.writestr(info, body, method, compresslevel=9)


def ordered(names: Iterable[str]) -> list[str]:
    """The part that a reader needs first goes first; the rest stays in the archive's order."""
    first = {MIMETYPE: 0, TYPES_PART: 1, "_rels/.rels": 2}
    return sorted(names, key=lambda name: first.get(name, 3))
