"""From a request's head to `RequestFacts`: hints, audience and what is asked for.

Laws: reads headers, decides nothing; an absent or malformed hint is no hint.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from msgspec.structs import replace

from policies.facts import NO_HINTS, Hints, RequestFacts
from policies.kinds import kind_of_destination, kind_of_path
from policies.memory import remember
from policies.model import Origin, Preset, Territory
from policies.paths import meant
from policies.values import Audience, Direction, MediaKind
from proxy.exchange import Inbound, Who
from proxy.fetch_metadata import is_passed_on_page

_HINT_HEADERS = ("Save-Data", "ECT", "RTT", "Downlink", "Sec-CH-Viewport-Width", "Sec-CH-DPR", "Sec-CH-UA-Mobile")
_UPLOAD_METHODS = frozenset({"POST", "PUT", "PATCH"})
_FRAME_DESTINATIONS = frozenset({"iframe", "frame", "object", "embed", "fencedframe"})
_HEAVY = frozenset({MediaKind.VIDEO, MediaKind.AUDIO, MediaKind.STREAM, MediaKind.DOCUMENT, MediaKind.ARCHIVE})
_MEDIA_DESTINATIONS = frozenset({"video", "audio", "track"})


def request_facts(
    inbound: Inbound, who: Who, *, measured_bps: int | None, wants_original: bool = False
) -> RequestFacts:
    """What `decide` is told of a request."""
    headers = inbound.request.headers
    method = inbound.request.method
    path, _, query = inbound.target.partition("?")
    audience, kind = audience_and_kind(headers, path, app=is_app(inbound, path))
    upload = method in _UPLOAD_METHODS
    return RequestFacts(
        region=who.territory.region,
        site=who.territory.site,
        learner=who.learner,
        groups=who.groups,
        mode=inbound.mode,
        method=method,
        scheme=inbound.scheme,
        host=inbound.host,
        port=inbound.port,
        path=path,
        query=query,
        origin=inbound.origin.id if inbound.origin else "",
        audience=audience,
        kind=kind,
        direction=Direction.UP if upload else Direction.DOWN,
        upload_bytes=inbound.request.content_length if upload else None,
        hints=hints(headers),
        measured_bps=measured_bps,
        wants_original=wants_original,
    )


def own_request_facts(
    territory: Territory,
    origin: Origin,
    *,
    method: str,
    scheme: str,
    host: str,
    port: int,
    target: str,
    learner: str = "",
    kind: MediaKind | None = None,
) -> RequestFacts:
    """The facts of what Tropa asks an origin for by itself: no browser's hints stand behind it.

    learner: for whom; "": for the place.
    """
    path, _, query = target.partition("?")
    return RequestFacts(
        region=territory.region,
        site=territory.site,
        learner=learner,
        method=method,
        scheme=scheme,
        host=host,
        port=port,
        path=path,
        query=query,
        origin=origin.id,
        kind=kind,
    )


def as_part_of_its_page(inbound: Inbound, facts: RequestFacts) -> RequestFacts | None:
    """The same request as if it were made to the page that it is a part of, by Referer.

    None: no part of a page of this site, or a heavy one, which stands for itself.
    """
    if facts.audience not in (Audience.SUBRESOURCE, Audience.API) or facts.kind in _HEAVY:
        return None
    home = f"{inbound.scheme}://{inbound.authority}/"
    referer = inbound.request.headers.get("Referer", "")
    if not referer.startswith(home):
        return None
    path, _, query = referer.removeprefix(home[:-1]).partition("#")[0].partition("?")
    return replace(facts, path=path, query=query)


def is_app(inbound: Inbound, path: str) -> bool:
    """Whether this path belongs to a native app's interface, by the origin's preset."""
    if inbound.origin is None:
        return False
    preset = inbound.origin.preset
    if not preset.app_paths:
        return False
    key = (id(preset), path)
    known = _app_paths.get(key)
    if known is None or known[0] is not preset:
        known = preset, any(pattern.search(meant(path)) for pattern in preset.app_paths)
        if len(path) <= _MAX_MEMO_CHARS:
            remember(_app_paths, key, known, _MAX_APP_PATHS)
    return known[1]


# A pure memory: of each path whether it is an app's. The preset is held, so that its id can't be another's.
_app_paths: dict[tuple[int, str], tuple[Preset, bool]] = {}
_MAX_APP_PATHS = 8192
_MAX_MEMO_CHARS = 1024


def audience_and_kind(headers: Mapping[str, str], path: str, *, app: bool) -> tuple[Audience, MediaKind | None]:
    """Who reads the answer and what is asked for; Fetch Metadata first, then the old signs for old browsers."""
    if "Upgrade" in headers and headers["Upgrade"].lower() == "websocket":
        return Audience.SOCKET, None
    if app:
        return Audience.APP, kind_of_path(path)
    destination = headers.get("Sec-Fetch-Dest", "").lower()
    if destination == "empty":
        return _by_mode(headers, path)
    if destination:
        return _by_destination(destination, path)
    return _by_old_signs(headers, path)


def _by_mode(headers: Mapping[str, str], path: str) -> tuple[Audience, MediaKind | None]:
    """A script's own request, or one that a service worker passes on: browsers then call every destination empty.

    The mode "no-cors" is that of pictures and scripts.
    """
    if is_passed_on_page(headers):
        return Audience.PAGE, kind_of_path(path)
    if headers.get("Sec-Fetch-Mode", "").lower() == "no-cors":
        audience, kind = _by_old_signs(headers, path)
        if audience is not Audience.PAGE:
            return audience, kind
    return Audience.API, kind_of_path(path)  # fetch() and XHR; players fetch segments this way


def _by_destination(destination: str, path: str) -> tuple[Audience, MediaKind | None]:
    if destination == "document":
        return Audience.PAGE, kind_of_path(path)
    if destination in _FRAME_DESTINATIONS:
        return Audience.EMBED, None
    if destination in _MEDIA_DESTINATIONS:
        return Audience.MEDIA, kind_of_destination(destination)
    return Audience.SUBRESOURCE, kind_of_destination(destination) or kind_of_path(path)


def _by_old_signs(headers: Mapping[str, str], path: str) -> tuple[Audience, MediaKind | None]:
    if headers.get("X-Requested-With", "").lower() == "xmlhttprequest":
        return Audience.API, kind_of_path(path)
    accept = headers.get("Accept", "")
    if "text/html" in accept:
        return Audience.PAGE, kind_of_path(path)
    if accept.startswith("image/"):
        return Audience.SUBRESOURCE, MediaKind.IMAGE
    if accept.startswith("text/css"):
        return Audience.SUBRESOURCE, MediaKind.STYLE
    if accept.startswith("application/json"):
        return Audience.API, MediaKind.DATA
    kind = kind_of_path(path)
    if kind in (MediaKind.VIDEO, MediaKind.AUDIO):
        return Audience.MEDIA, kind
    if kind in (None, MediaKind.PAGE, MediaKind.DOCUMENT, MediaKind.ARCHIVE):
        return Audience.PAGE, kind
    return Audience.SUBRESOURCE, kind


def hints(headers: Mapping[str, str]) -> Hints:
    """Save-Data, Network Information and client hints; most requests carry none and share one value."""
    for name in _HINT_HEADERS:
        if name in headers:
            return _parsed_hints(tuple([headers.get(name) for name in _HINT_HEADERS]))
    return NO_HINTS


@lru_cache(maxsize=1024)
def _parsed_hints(values: tuple[str | None, ...]) -> Hints:
    save_data, ect, rtt, downlink, width, dpr, mobile = values
    downlink_mbps = _number(downlink)
    rtt_ms, width_px = _number(rtt), _number(width)
    return Hints(
        save_data=(save_data or "").strip().lower() == "on",
        ect=ect if ect in ("slow-2g", "2g", "3g", "4g") else None,
        rtt_ms=int(rtt_ms) if rtt_ms is not None else None,
        downlink_bps=int(downlink_mbps * 1e6) if downlink_mbps is not None else None,
        viewport_width_px=int(width_px) if width_px else None,
        dpr=_number(dpr),
        mobile=mobile == "?1",
    )


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < 1e9 else None
