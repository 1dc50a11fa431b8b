"""Files that a native app asks for, under the addresses that browsers have them by.

Laws: pure; only the address under which an answer is kept changes, never the one that is asked; a token is in none;
what asks for something else than the file (a preview) has none.
Source: Moodle's app (core/utils/url, fixPluginfileURL): webservice/pluginfile.php and tokenpluginfile.php/KEY/ stand
for pluginfile.php, with `forcedownload` and `offline` in the query; mod/folder/renderer.php for folders' addresses.
"""

from __future__ import annotations

import re

_APP = re.compile(r"([^?]*?)/(?:webservice/pluginfile\.php|tokenpluginfile\.php/[^/?]+)(/[^?]+)(?:\?(.*))?", re.DOTALL)
_FOLDER = re.compile(r"(/mod_folder/content/)\d+/")
_HOW_ASKED = frozenset(("token", "forcedownload", "offline", "embed"))
_ALSO = ("forcedownload=1", "embed=1")


def browser_targets(target: str) -> tuple[str, ...]:
    """Raw paths with query under which browsers may have it, the plain one first; (): it is no such file."""
    found = _APP.fullmatch(target)
    if found is None:
        return ()
    path = _FOLDER.sub(r"\g<1>0/", f"{found[1]}/pluginfile.php{found[2]}", count=1)
    asked = {part.partition("=")[0] for part in (found[3] or "").split("&") if part}
    return () if asked - _HOW_ASKED else (path, *(f"{path}?{how}" for how in _ALSO))


def browser_url(url: str) -> str:
    """A whole address of the app's as browsers have it; any other as it is."""
    slash = url.find("/", url.find("://") + 3)
    found = browser_targets(url[slash:]) if slash > 0 and "pluginfile.php/" in url else ()
    return url[:slash] + found[0] if found else url
