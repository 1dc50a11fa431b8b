"""Is an opened PDF signed? What its objects say, beyond the marks that `signed` looks for.

Laws of this file: in doubt it is signed. It stands on a parser, so it is imported in the jail alone.
"""

from __future__ import annotations

import pikepdf


def pdf_is_signed(pdf: pikepdf.Pdf) -> bool:
    """Whether a form says so, a permission is signed (DocMDP, usage rights), or a signature field holds a value."""
    form = pdf.Root.get("/AcroForm")
    if "/Perms" in pdf.Root:
        return True
    if not isinstance(form, pikepdf.Dictionary):
        return False
    flags = form.get("/SigFlags", 0)
    if isinstance(flags, int) and flags & 1:
        return True
    fields = form.get("/Fields")
    return isinstance(fields, pikepdf.Array) and any(_signs(field, depth=0) for field in fields)


def _signs(field: pikepdf.Object, depth: int) -> bool:
    if not isinstance(field, pikepdf.Dictionary) or depth > 20:
        return False
    if field.get("/FT") == "/Sig" and "/V" in field:
        return True
    kids = field.get("/Kids")
    return isinstance(kids, pikepdf.Array) and any(_signs(kid, depth + 1) for kid in kids)
