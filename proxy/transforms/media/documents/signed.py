"""Is a document signed? Then its bytes are its worth, and no light copy of it is made.

Laws of this file: in doubt a document is signed; no parser is run, so any process may ask (`pdf_signed`
asks one).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_CHUNK_BYTES = 1 << 20
_PDF_MARK = b"/ByteRange"  # a signature's dictionary is never compressed, ISO 32000-2 section 12.8.1
_PACKAGE_MARKS = (b"_xmlsignatures/", b"META-INF/documentsignatures", b"META-INF/macrosignatures")


def signed_by_bytes(path: Path) -> bool:
    """Whether a PDF or a package of parts carries a signature, by its bytes alone. Raises OSError."""
    with path.open("rb") as file:
        marks = _PACKAGE_MARKS if file.read(4) == b"PK\x03\x04" else (_PDF_MARK,)
        file.seek(0)
        kept = b""
        while chunk := file.read(_CHUNK_BYTES):
            window = kept + chunk
            if any(mark in window for mark in marks):
                return True
            kept = chunk[-max(map(len, marks)) :]
    return False


def package_is_signed(names: Iterable[str]) -> bool:
    """Whether an OOXML or ODF package has a part with signatures (ECMA-376 part 2, section 13; ODF 1.3 part 2)."""
    told = tuple(mark.decode() for mark in _PACKAGE_MARKS)
    return any(name.startswith(told) for name in names)
