"""A lighter copy of one PDF: its pictures reduced to what the page shows, everything packed well, linearised.

Laws of this file: pages, text, outlines, links, forms, tags and metadata stay as they are: instructions of pages are
compared byte for byte before a copy is believed; a picture that can't be read stays; what is signed, encrypted or
damaged has no copy. It opens untrusted files: run it in the jail (`worker.py`).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Object, ObjectStreamMode, Stream, StreamDecodeLevel
from PIL import Image

from proxy.transforms.media.documents.pdf_pictures import lighten_picture
from proxy.transforms.media.documents.pdf_signed import pdf_is_signed
from proxy.transforms.media.documents.placement import placements
from proxy.transforms.media.documents.signed import signed_by_bytes
from proxy.transforms.media.documents.values import (
    MAX_OBJECTS,
    MAX_PIXELS,
    MAX_STREAM_BYTES,
    MIN_GAIN,
    Hostile,
    NoCopy,
)
from proxy.transforms.media.spec import PdfSpec

_PICTURE_FAULTS = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, struct.error)
_DEFLATE_MOST = 1032  # zlib's largest ratio, https://zlib.net/zlib_tech.html
_PROBE_BYTES = 1 << 16


def lighten_pdf(source: Path, target: Path, spec: PdfSpec) -> dict[str, Any]:
    """Write the copy; answer its facts: pages, pictures, adapted, dpi, source_bytes.

    Raises NoCopy ("signed", "encrypted", "damaged", "not-a-pdf", "too-complex", "not-smaller", "changed"), Hostile.
    """
    if signed_by_bytes(source):
        raise NoCopy("signed")
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    pikepdf.settings.set_flate_compression_level(9)
    with _opened(source) as pdf:
        if pdf.is_encrypted:
            raise NoCopy("encrypted")
        if pdf_is_signed(pdf):
            raise NoCopy("signed")
        _guard(pdf)
        before = _said(pdf)
        facts = _lighten_pictures(pdf, spec)
        _drop_private(pdf)
        pdf.save(
            target,
            linearize=True,
            object_stream_mode=ObjectStreamMode.generate,
            recompress_flate=True,
            stream_decode_level=StreamDecodeLevel.generalized,
            deterministic_id=True,
        )
    _check(target, before)
    if target.stat().st_size > source.stat().st_size * (1 - MIN_GAIN):
        raise NoCopy("not-smaller")
    return {**facts, "pages": len(before) - 1, "dpi": spec.dpi, "source_bytes": source.stat().st_size}


def _opened(path: Path) -> pikepdf.Pdf:
    """Only whole files: what qpdf would have to mend may lose pages on the way."""
    with path.open("rb") as file:
        if b"%PDF-" not in file.read(1024):
            raise NoCopy("not-a-pdf")
    try:
        pdf = pikepdf.open(path, attempt_recovery=False)
    except pikepdf.PasswordError as error:
        raise NoCopy("encrypted") from error
    except (pikepdf.PdfError, RuntimeError, ValueError) as error:
        raise NoCopy("damaged") from error
    told = pdf.Root.get("/Pages")
    if not isinstance(told, Dictionary) or told.get("/Count") != len(pdf.pages) or not len(pdf.pages):
        raise NoCopy("damaged")
    return pdf


# -- guards ----------------------------------------------------------------------------------------------------


def _guard(pdf: pikepdf.Pdf) -> None:
    """Refuse what unpacks to more than may be, before anything is unpacked whole."""
    if len(pdf.objects) > MAX_OBJECTS:
        raise Hostile("too-many-objects")
    for thing in pdf.objects:
        if isinstance(thing, Stream) and _could_exceed(thing):
            _unpack_bounded(thing.read_raw_bytes())


def _could_exceed(stream: Stream) -> bool:
    filters = stream.get("/Filter")
    first = filters[0] if isinstance(filters, Array) and len(filters) else filters
    if isinstance(filters, Array) and sum(name == "/FlateDecode" for name in filters) > 1:
        raise Hostile("packed-twice")
    length = stream.get("/Length", 0)
    return first == "/FlateDecode" and isinstance(length, int) and length * _DEFLATE_MOST > MAX_STREAM_BYTES


def _unpack_bounded(packed: bytes) -> None:
    unpacker, left, size = zlib.decompressobj(), packed, 0
    try:
        while left and not unpacker.eof:
            size += len(unpacker.decompress(left, _PROBE_BYTES))
            left = unpacker.unconsumed_tail
            if size > MAX_STREAM_BYTES:
                raise Hostile("stream-too-large")
    except zlib.error:
        return  # qpdf says what becomes of it


# -- the work --------------------------------------------------------------------------------------------------


def _lighten_pictures(pdf: pikepdf.Pdf, spec: PdfSpec) -> dict[str, Any]:
    try:
        found = placements(pdf)
    except (pikepdf.PdfError, RuntimeError) as error:
        raise NoCopy("damaged") from error
    adapted = unread = 0
    for key in sorted(found.uses.keys() - found.fixed):
        try:
            picture = pdf.get_object(key)
            mask = key in found.masks
            adapted += isinstance(picture, Stream) and lighten_picture(pdf, picture, found.uses[key], spec, mask=mask)
        except (*_PICTURE_FAULTS, pikepdf.PdfError, Image.DecompressionBombError):
            unread += 1  # it stays as it is
    pictures = len(found.uses.keys() | found.fixed) - len(found.masks)
    return {"pictures": pictures, "adapted": adapted, "unread": unread}


def _drop_private(pdf: pikepdf.Pdf) -> None:
    """Page thumbnails and the private data of the program that made the file (ISO 32000-2, 12.3.4 and 14.5)."""
    for page in pdf.pages:
        for name in ("/Thumb", "/PieceInfo"):
            if name in page.obj:
                del page.obj[name]
    for thing in (
        pdf.Root,
        *(one for one in pdf.objects if isinstance(one, Stream) and one.get("/Subtype") == "/Form"),
    ):
        if "/PieceInfo" in thing:
            del thing["/PieceInfo"]


# -- the check -------------------------------------------------------------------------------------------------


def _said(pdf: pikepdf.Pdf) -> list[str]:
    """Each page's instructions (its text among them) and boxes, and what the document has beside pages, as digests."""
    return [*(_page_said(page.obj) for page in pdf.pages), _document_said(pdf)]


def _page_said(page: Object) -> str:
    digest = sha256()
    for stream in _streams(page.get("/Contents")):
        digest.update(stream.read_bytes(StreamDecodeLevel.generalized) + b"\n")
    resources = page.get("/Resources")
    objects = resources.get("/XObject") if isinstance(resources, Dictionary) else None
    if isinstance(objects, Dictionary):
        for name, thing in sorted(objects.items()):
            if isinstance(thing, Stream) and thing.get("/Subtype") == "/Form":
                digest.update(name.encode() + thing.read_bytes(StreamDecodeLevel.generalized))
    annotations = page.get("/Annots")
    digest.update(repr((len(annotations) if isinstance(annotations, Array) else 0, "/MediaBox" in page)).encode())
    return digest.hexdigest()


def _document_said(pdf: pikepdf.Pdf) -> str:
    form = pdf.Root.get("/AcroForm")
    fields = form.get("/Fields") if isinstance(form, Dictionary) else None
    told = (sorted(pdf.Root.keys() - {"/PieceInfo"}), len(fields) if isinstance(fields, Array) else 0)
    return repr(told)


def _streams(contents: Object | None) -> Iterator[Stream]:
    if isinstance(contents, Stream):
        yield contents
    elif isinstance(contents, Array):
        yield from (one for one in contents if isinstance(one, Stream))


def _check(target: Path, before: list[str]) -> None:
    """The copy opens and says the same. Raises NoCopy("changed")."""
    try:
        with pikepdf.open(target, attempt_recovery=False) as copy:
            if _said(copy) != before:
                raise NoCopy("changed")
    except (pikepdf.PdfError, RuntimeError) as error:
        raise NoCopy("changed") from error
