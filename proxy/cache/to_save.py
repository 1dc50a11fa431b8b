"""An answer that is kept as a file to save, though the address by which it was had tells it as one to open.

Laws: only the disposition's word changes, its name stays; an answer without one gets none, for the address names it.
Source: webservice/pluginfile.php of Moodle leaves `forcedownload` unread; RFC 6266.
"""

from __future__ import annotations

from collections.abc import Awaitable

from multidict import CIMultiDict, CIMultiDictProxy

from proxy.upstream.response import UpstreamResponse

_FIELD = "Content-Disposition"
_OPENED = "inline"


async def told_as_saved(answer: Awaitable[UpstreamResponse]) -> UpstreamResponse:
    """The same answer; raises as it does."""
    response = await answer
    told = response.headers.get(_FIELD, "")
    if told[: len(_OPENED)].lower() == _OPENED:
        headers = CIMultiDict(response.headers)
        headers[_FIELD] = f"attachment{told[len(_OPENED) :]}"
        response.headers = CIMultiDictProxy(headers)
    return response
