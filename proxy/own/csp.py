"""What a page's own Content-Security-Policy lets our script do.

Laws: the origin's policy is never weakened; where it keeps scripts of the site itself out, ours stays out too and the
page is left as it is. In doubt: out. CSP Level 3, sections 6.7 and 8.
"""

from __future__ import annotations

from collections.abc import Iterable

from multidict import CIMultiDict

_OURS = frozenset({"'self'", "*"})
# A script element that stands in the page, and a worker: each by the first of these directives that is there.
_ELEMENTS = ("script-src-elem", "script-src", "default-src")
_WORKERS = ("worker-src", "child-src", "script-src", "default-src")
_MEDIA = ("media-src", "default-src")


def lets_scripts_in(headers: CIMultiDict[str], *, host: str) -> bool:
    """Whether every policy of these headers lets a script of the site itself run. host: the site's own name."""
    return all(_lets(policy, _ELEMENTS, host) for policy in _policies(headers))


def lets_workers_in(headers: CIMultiDict[str], *, host: str) -> bool:
    """Whether every policy of these headers lets a worker of the site itself run."""
    return all(_lets(policy, _WORKERS, host) for policy in _policies(headers))


def lets_media_in(headers: CIMultiDict[str], *, host: str) -> bool:
    """Whether every policy of these headers lets a page play what the site itself gives."""
    return all(_lets(policy, _MEDIA, host) for policy in _policies(headers))


def _policies(headers: CIMultiDict[str]) -> Iterable[str]:
    for value in headers.getall("Content-Security-Policy", ()):
        yield from value.split(",")


def _lets(policy: str, fallbacks: tuple[str, ...], host: str) -> bool:
    directives: dict[str, list[str]] = {}
    for written in policy.split(";"):
        words = written.split()
        if words:
            directives.setdefault(words[0].lower(), [word.lower() for word in words[1:]])
    if "sandbox" in directives and "allow-scripts" not in directives["sandbox"]:
        return False
    sources = next((directives[name] for name in fallbacks if name in directives), None)
    if sources is None:
        return True
    if "'strict-dynamic'" in sources:
        return False  # only what carries the page's own nonce, and what that loads
    return any(source in _OURS or _is_host(source, host) for source in sources)


def _is_host(source: str, host: str) -> bool:
    """A source that names this very host, with or without a scheme and a port."""
    name = source.partition("://")[2] or source
    return name.partition("/")[0].partition(":")[0] == host
