"""One file of a course under its several addresses: by its activity's revision, and by what a native app asks for.

Laws: pure; only the address under which an answer is kept changes, never the one that is asked, so the origin confirms
it to each under her own; a token is in none; what asks for something else than the file (a preview) has none.
Source: mod/{resource,page,folder}/lib.php of Moodle leave the revision unread ("designed to prevent caching problems
only"): it counts on whenever an activity is saved, and its files stay. Moodle's app (core/utils/url, fixPluginfileURL):
webservice/pluginfile.php and tokenpluginfile.php/KEY/ stand for pluginfile.php, `forcedownload` and `offline` come in
the query.
"""

from __future__ import annotations

import re

_APP = re.compile(r"([^?]*?)/(?:webservice/pluginfile\.php|tokenpluginfile\.php/[^/?]+)(/[^?]+)(?:\?(.*))?", re.DOTALL)
_FILES = "pluginfile.php/"
_REVISION = re.compile(r"(/pluginfile\.php/\d+/mod_(?:resource|page|folder)/content/)\d+/")
_HOW_ASKED = frozenset(("token", "forcedownload", "offline", "embed"))
_ALSO = ("forcedownload=1", "embed=1")


def kept_targets(target: str, *, by_app: bool) -> tuple[str, ...]:
    """Raw paths with query under which this may be kept, the first for what comes; (): under its own alone."""
    if _FILES not in target:
        return ()
    if by_app:
        return browser_targets(target)
    steady = steady_target(target)
    return (steady,) if steady != target else ()


def steady_target(target: str) -> str:
    """The same file whatever its activity's revision is."""
    return _REVISION.sub(r"\g<1>0/", target, count=1)


def browser_targets(target: str) -> tuple[str, ...]:
    """Raw paths with query under which browsers may have it, the plain one first; (): it is no such file."""
    found = _APP.fullmatch(target)
    if found is None:
        return ()
    path = steady_target(f"{found[1]}/pluginfile.php{found[2]}")
    asked = {part.partition("=")[0] for part in (found[3] or "").split("&") if part}
    return () if asked - _HOW_ASKED else (path, *(f"{path}?{how}" for how in _ALSO))


def browser_url(url: str) -> str:
    """A whole address of the app's as browsers have it; any other as it is."""
    slash = url.find("/", url.find("://") + 3)
    found = browser_targets(url[slash:]) if slash > 0 and _FILES in url else ()
    return url[:slash] + found[0] if found else url


def kept_url(url: str) -> str:
    """The whole address, or a pattern of some, under which what this one names is kept."""
    return steady_target(browser_url(url))
