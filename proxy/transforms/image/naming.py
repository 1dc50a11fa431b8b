"""A saved image must open under its name: the name follows the bytes, since the URL can't.

A browser saves `lake.jpg` under that name even where a variant's bytes are WebP, and older viewers and word
processors go by the extension. So a variant whose type doesn't fit its URL's extension goes out with a
`Content-Disposition: inline` that carries the fitting name (RFC 6266; `filename*` by RFC 8187).
"""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes

_EXTENSIONS = {
    "image/avif": ("avif",),
    "image/webp": ("webp",),
    "image/jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "image/png": ("png",),
}
MAX_NAME_CHARACTERS = 120
_KNOWN = frozenset({"gif", "bmp", "heic", *(name for names in _EXTENSIONS.values() for name in names)})


def saved_name(path: str, content_type: str) -> str | None:
    """The value of Content-Disposition for a variant at this raw URL path; None where the URL's own name fits.

    Only for responses whose origin gives them no name to be shown under.
    """
    fitting = _EXTENSIONS.get(content_type)
    if fitting is None:
        return None
    last = unquote_to_bytes(path.rpartition("/")[2]).decode("utf-8", "replace")
    stem, dot, extension = last.rpartition(".")
    if dot and extension.lower() in fitting:
        return None
    if not (dot and extension.lower() in _KNOWN):
        stem = last
    stem = "".join(letter for letter in stem if letter.isprintable() and letter not in '/\\:*?"<>|')
    name = f"{stem.strip('. ')[:MAX_NAME_CHARACTERS] or 'image'}.{fitting[0]}"
    plain = "".join(letter if letter.isascii() and letter != "%" else "_" for letter in name)
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
