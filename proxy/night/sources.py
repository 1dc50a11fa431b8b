"""How something is had without a learner: by anybody's right, or by the institute's account.

Laws of this file: no learner's cookie ever goes out from here; a token goes to its own origin alone; what the origin
gives to nobody but a learner is told so, never tried in her name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from multidict import CIMultiDict

from policies.frozen import Frozen
from policies.model import Catalogue, Origin
from proxy.deliver.heads import has_directive
from proxy.media.refs import Fetch, Fetched, SourceRef
from proxy.night.service import (
    MoodleAccount,
    ServiceFailed,
    Where,
    asked_bytes,
    own_headers,
    read_token,
    told_bytes,
    where_of,
)
from proxy.stages.media_origin import total_length
from proxy.stages.recordings import folder_of, recording_fetch
from proxy.transforms.media.glance import duration_s
from proxy.upstream.headers import part_wanted
from proxy.upstream.response import UpstreamResponse
from proxy.upstream.retry import retry_after_s
from proxy.upstream.upstream import Upstream

BY_NIGHT = "night"  # in a learner's place, of what no learner asked for
GLANCE_BYTES = 65536
_GLANCE_S = 5.0
_DESCRIBES = "metadata.xml"  # of a recording of many files
_BUNDLE = "application/x-tar"


class Look(Frozen, frozen=True, kw_only=True):
    """What the origin said of a film's first bytes. ref None: it gives none (status and retry_s say why, till when).

    fetched_bytes, asked_bytes  what the answer and the question weighed, their heads included
    """

    status: int
    ref: SourceRef | None = None
    content_type: str = ""
    media_s: float | None = None
    retry_s: float | None = None
    fetched_bytes: int = 0
    asked_bytes: int = 0


class NightSources:
    """Asks origins for what is fetched by night."""

    def __init__(self, upstream: Upstream, catalogue: Callable[[], Catalogue], *, via: str) -> None:
        self._upstream = upstream
        self._catalogue = catalogue
        self.via = via

    def origin_of(self, host: str) -> Origin | None:
        """The origin that has this public name."""
        for origin in self._catalogue().origins.values():
            for name in origin.hosts:
                if host == name or (name.startswith("*.") and host.endswith(name[1:])):
                    return origin
        return None

    def account(self, origin: Origin) -> MoodleAccount | None:
        """The institute's account there; None: it has none. Raises ServiceFailed where its token can't be read."""
        if origin.service is None:
            return None
        token = read_token(Path(origin.service.token_file))
        return MoodleAccount(self._upstream, origin, origin.service.site, token, via=self.via)

    def target(self, origin: Origin, where: Where) -> str:
        """How the origin is asked for this: by the account's own way where there is one. May hold the token."""
        account = self.account(origin)
        found = account.file_target(where.target) if account is not None else None
        return where.target if found is None else found

    def fetch(self, url: str) -> Fetch | None:
        """How a source is fetched, from any offset on; None: of no origin that is known."""
        folder = folder_of(url) or _bundle_folder(url)
        if folder is not None and self._origin(url) is not None:
            return recording_fetch(folder, self._whole)
        if self._origin(url) is None:
            return None

        @asynccontextmanager
        async def fetch(offset: int, validator: str | None, tail: int | None) -> AsyncIterator[Fetched]:
            async with self._asked(url, part_wanted(offset, validator, tail)) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                yield Fetched(status=response.status, headers=headers, chunks=response.iter_chunks(GLANCE_BYTES))

        return fetch

    def refetch(self, ref: SourceRef) -> Fetch | None:
        """For a source whose learner is away: None where only she could fetch it."""
        origin = self._catalogue().origins.get(ref.origin)
        if origin is None or not ref.url:
            return None
        try:
            by_account = self.target(origin, where_of(ref.url)) != where_of(ref.url).target
        except (ServiceFailed, ValueError):
            return None
        return self.fetch(ref.url) if by_account or not ref.private else None

    async def look(self, url: str, now: datetime) -> Look:
        """Its first bytes. Raises ExchangeError, ServiceFailed."""
        folder = folder_of(url)
        address = url if folder is None else folder + _DESCRIBES
        ranged = CIMultiDict({"Range": f"bytes=0-{GLANCE_BYTES - 1}"}) if folder is None else CIMultiDict[str]()
        async with self._asked(address, ranged) as response:
            origin = self._origin(url)
            own = own_headers(where_of(address), self.via)
            came, went = told_bytes(response), asked_bytes(where_of(address), own)
            if origin is None or response.status not in (200, 206) or _is_page(response, folder is not None):
                retry_s = retry_after_s(response.headers, now)
                return Look(status=response.status, retry_s=retry_s, fetched_bytes=came, asked_bytes=went)
            ref = SourceRef(
                origin=origin.id,
                url=address,
                etag=response.headers.get("ETag", ""),
                last_modified=response.headers.get("Last-Modified", ""),
                length_bytes=total_length(response) if folder is None else None,
                private=has_directive(response.headers, "private", "no-store"),
                learner=BY_NIGHT,
            )
            if folder is not None:
                return Look(status=200, ref=ref, content_type=_BUNDLE, fetched_bytes=came, asked_bytes=went)
            head = await response.read_up_to(GLANCE_BYTES, _GLANCE_S)
            essence = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            return Look(
                status=200,
                ref=ref,
                content_type=essence,
                media_s=duration_s(head),
                fetched_bytes=came + len(head),
                asked_bytes=went,
            )

    def _origin(self, url: str) -> Origin | None:
        try:
            return self.origin_of(where_of(url).host)
        except ValueError:
            return None

    @asynccontextmanager
    async def _whole(self, url: str) -> AsyncIterator[UpstreamResponse]:
        async with self._asked(url, CIMultiDict()) as response:
            yield response

    @asynccontextmanager
    async def _asked(self, url: str, ours: CIMultiDict[str]) -> AsyncIterator[UpstreamResponse]:
        where = where_of(url)
        origin = self.origin_of(where.host)
        assert origin is not None
        headers = own_headers(where, self.via)
        headers.update(ours)
        response = await self._upstream.open(
            origin=origin,
            method="GET",
            scheme=where.scheme,
            host=where.host,
            port=where.port,
            target=self.target(origin, where),
            headers=headers,
        )
        try:
            yield response
        finally:
            if response.at_end:
                response.release()
            else:
                response.abort()


def url_by_night(origin: Origin | None, url: str) -> str:
    """The same address under the name by which the institute's account knows the site."""
    if origin is None or origin.service is None:
        return url
    where = where_of(origin.service.site)
    return f"{where.scheme}://{where.authority}/{url.split('/', 3)[-1]}"


def _bundle_folder(url: str) -> str | None:
    """The recording's folder, by the file that describes it."""
    return url.removesuffix(_DESCRIBES) if url.endswith(f"/{_DESCRIBES}") and "/presentation/" in url else None


def _is_page(response: UpstreamResponse, described: bool) -> bool:
    """A login page, or the account's error, in the file's place."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return not described and kind in ("text/html", "application/json")
