"""Path and URL patterns as operators write them, as regular expressions.

Laws of this file: a compiled pattern is anchored at both ends, so `search`, `match` and `fullmatch` agree.

`/mod/quiz/` is that folder and all below it; `*` stays within a segment, `**` doesn't; `{a,b}` is one of both;
a pattern that begins with `^` is a regular expression, and matches whatever follows unless it ends with `$`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from policies.faults import Wrong

_PIECE = re.compile(r"\*\*|\*|\{[^{}]*\}|[^*{}]+|[{}]")
_LITERAL_END = re.compile(r"[*{]")


@lru_cache(maxsize=4096)
def path_pattern(written: str, mount: str = "") -> re.Pattern[str]:
    """A pattern of a path as `paths.meant` gives it. mount: the folder that the path begins in. Raises Wrong."""
    if written.startswith("^"):
        return _regex(written)
    if not written.startswith("/"):
        raise Wrong(f"expected a path like /mod/quiz/, got {written!r}", "begin it with / or, as a regex, with ^")
    return _compiled(f"^{_glob(mount + written, within='[^/]*')}$")


@lru_cache(maxsize=4096)
def url_pattern(written: str, mount: str = "") -> re.Pattern[str]:
    """A pattern of an absolute URL; any query may follow. host/path, or /path on any host. Raises Wrong."""
    if written.startswith("^"):
        return _regex(written)
    host, slash, path = written.partition("/")
    if ":" in host or re.search(r"\s", written):
        raise Wrong(f"expected host/path like mc.yandex.ru/metrika/, got {written!r}", "leave out https://")
    path = (mount if not host else "") + slash + path
    tail = _glob(path, within="[^/?#]*") if path not in ("", "/") else "(?:/.*)?"
    return _compiled(rf"^https?://{_host(host)}(?::\d+)?{tail}(?:[?#].*)?$", re.IGNORECASE)


@lru_cache(maxsize=4096)
def value_pattern(written: str) -> re.Pattern[str]:
    """A pattern of a parameter's whole value; `*` is any characters. Raises Wrong."""
    glob = _glob(written, within=".*")
    return _compiled(f"^{glob.removesuffix('.*') if written.endswith('/') else glob}$")


def specificity(written: str) -> tuple[int, int]:
    """(length of the fixed beginning, number of fixed characters): greater is more specific."""
    if written.startswith("^"):
        return (0, 0)
    end = _LITERAL_END.search(written)
    return (end.start() if end else len(written), len(re.sub(r"[*{},]", "", written)))


def _host(host: str) -> str:
    if host in ("", "*"):
        return "[^/?#]+"
    if host.startswith("*."):
        return rf"(?:[^/?#@]+\.)?{_glob(host[2:], within='[^/.?#@]*')}"
    return _glob(host, within="[^/.?#@]*")


def _glob(written: str, *, within: str) -> str:
    parts = []
    for piece in _PIECE.findall(written):
        if piece == "**":
            parts.append(".*")
        elif piece == "*":
            parts.append(within)
        elif piece.startswith("{") and piece.endswith("}") and len(piece) > 1:
            parts.append("(?:" + "|".join(re.escape(word.strip()) for word in piece[1:-1].split(",")) + ")")
        elif piece in "{}":
            raise Wrong(f"unbalanced {piece} in {written!r}", "close each { with }")
        else:
            parts.append(re.escape(piece))
    return "".join(parts) + (".*" if written.endswith("/") else "")


def _regex(written: str) -> re.Pattern[str]:
    whole = f"(?:{written})" if "|" in written else written
    return _compiled(whole if written.endswith("$") else f"{whole}.*$")


def _compiled(regex: str, flags: int = 0) -> re.Pattern[str]:
    try:
        return re.compile(regex.removesuffix("$") + r"\Z", flags | re.DOTALL)
    except re.error as error:
        raise Wrong(f"not a regular expression: {error}", "write a plain path like /mod/quiz/") from None
