"""What a path means to the server behind it, as far as that can be told from the path alone.

Servers undo percent-encoding, join slashes and resolve dots before they choose what answers (RFC 3986 section 6.2.2,
nginx `merge_slashes`, Apache, IIS). A rule that looked at the raw path would be walked around by `/mod/%71uiz/`,
missed by the `//mod/quiz/` that a careless link has, and claimed by `/mod/quiz/../../film.mp4`.

Laws: pure; it only serves for choosing rules, what is asked of an origin stays as received; doing it twice changes
nothing but what was encoded twice; a path without such signs comes back as it is.
"""

from __future__ import annotations

import re

_ODD = re.compile(r"%|//|/\.|;|\\")
# Letters, digits, "-", ".", "_", "~" (unreserved: equivalent by RFC 3986), and the slashes, which servers undo too.
_ESCAPED = re.compile(r"%(?:2[DdEeFf]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaCcFf]|6[1-9A-Fa-f]|7[0-9AaEe])")
_SESSION = re.compile(r";jsessionid=[^/;]*", re.IGNORECASE)  # servlet containers take it off before they look


def meant(path: str) -> str:
    """The path without its disguises; `path` as received, query apart. RFC 3986 sections 5.2.4 and 6.2.2."""
    if not path.startswith("/") or _ODD.search(path) is None:
        return path
    plain = _SESSION.sub("", _ESCAPED.sub(_decoded, path).replace("\\", "/"))
    parts = plain.split("/")
    kept: list[str] = []
    for part in parts:
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(part)
    is_folder = bool(kept) and parts[-1] in ("", ".", "..")
    return f"/{'/'.join(kept)}{'/' if is_folder else ''}"


def _decoded(escape: re.Match[str]) -> str:
    return chr(int(escape[0][1:], 16))
