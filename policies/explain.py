"""Why a decision is what it is, in words; and what would be decided for a URL at an hour.

Laws of this file: pure; the sentences are in `policies.sentences`; an unknown code is shown as itself and never
raises, so that an old log stays readable.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from policies import sentences, words
from policies.capability import enforceable, matrix
from policies.decide import decide
from policies.decision import Decision
from policies.facts import NO_HINTS, NO_USAGE, Hints, RequestFacts, Usage
from policies.frozen import Frozen
from policies.kinds import kind_of_path
from policies.model import Catalogue
from policies.place import OriginIndex
from policies.values import Audience, MediaKind, Mode, Reason, Text

_WORDS: Mapping[str, Mapping[str, Text]] = {
    "class": sentences.CLASSES,
    "kind": sentences.KINDS,
    "form": sentences.FORMS,
    "when": sentences.WHEN,
    "scope": sentences.SCOPES,
    "sign": sentences.SIGNS,
}
_INSTANTS = frozenset({"opens_at", "closes_at", "renews_at"})
_MEDIA = frozenset({MediaKind.VIDEO, MediaKind.AUDIO})
_DOCUMENTS = frozenset({MediaKind.PAGE, MediaKind.DOCUMENT, MediaKind.ARCHIVE})
_TREATED = frozenset({"text-first", "page-diet"})
_OF_A_KIND = ("-withheld", "-adapted")


def codes() -> Mapping[str, Text]:
    """Every reason's code with its sentence as a template, for the reference page."""
    return sentences.SENTENCES


def sentence(reason: Reason, language: str) -> str:
    """The reason's sentence for IT staff in "ru" or "en"; the bare code where it is unknown."""
    template = sentences.SENTENCES.get(reason.rule)
    if template is None:
        return reason.rule
    readable = {name: _readable(name, value, language) for name, value in reason.params}
    return template.in_language(language).format_map(_Known(readable, language))


class _Known(dict[str, str]):
    """Parameters by name; one that a reason lacks is no limit."""

    def __init__(self, known: Mapping[str, str], language: str) -> None:
        super().__init__(known)
        self._language = language

    def __missing__(self, name: str) -> str:
        return sentences.NO_LIMIT.in_language(self._language)


def _readable(name: str, value: str | int | float, language: str) -> str:
    if name in _WORDS:
        known = _WORDS[name].get(str(value))
        return known.in_language(language) if known is not None else str(value)
    if name in _INSTANTS:
        return instant(str(value)) if value else sentences.NOT_IN_SIGHT.in_language(language)
    if name.endswith("_bytes") and isinstance(value, int):
        return words.size(value)
    if name.endswith("_bps") and isinstance(value, int):
        return words.rate(value)
    if name == "share" and isinstance(value, float):
        return f"{value:.0%}"
    return str(value)


def instant(text: str) -> str:
    """An ISO 8601 instant as people read it: date, time (seconds where there are some), offset."""
    day, _, rest = text.partition("T")
    clock, offset = rest[:8].removesuffix(":00") if len(rest) >= 8 else rest, rest[8:]
    return f"{day} {clock} {offset}".strip()


# -- what would be decided -------------------------------------------------------------------------------------


class ExplainedReason(Frozen, frozen=True, kw_only=True):
    rule: str
    source: str
    text: str


class Explanation(Frozen, frozen=True, kw_only=True):
    """What `tropa explain` shows.

    not_enforceable  what the policy asks for and this mode can't do, as (rule, title)
    """

    url: str
    at: datetime
    mode: Mode
    kind: MediaKind | None
    decision: Decision
    treatments: Mapping[str, str]
    reasons: tuple[ExplainedReason, ...]
    not_enforceable: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, object]:
        """Values that the json module writes; instants in ISO 8601, absent ones null."""
        decision = self.decision
        return {
            "url": self.url,
            "at": self.at.isoformat(),
            "mode": self.mode.value,
            "region": decision.region,
            "site": decision.site,
            "origin": decision.origin,
            "class": decision.traffic_class.value,
            "kind": None if self.kind is None else self.kind.value,
            "verdict": decision.verdict.value,
            "treatments": dict(self.treatments),
            "reasons": [{"rule": r.rule, "source": r.source, "text": r.text} for r in self.reasons],
            "valid_until": _iso(decision.valid_until, self.at),
            "opens_at": _iso(decision.opens_at, self.at),
            "closes_at": _iso(decision.closes_at, self.at),
            "alternatives": [{"what": a.what, "href": a.href} for a in decision.alternatives],
            "original_max_bytes": decision.original_max_bytes,
            "rate_bps": decision.rate_bps,
            "price_per_mb": str(decision.price.amount),
            "currency": decision.price.currency,
            "free_now": decision.free_now,
            "stored_only": decision.stored_only,
            "required_for_credit": decision.required_for_credit,
            "player_must_stay": decision.player_must_stay,
            "exempt": decision.exempt,
            "observe": decision.observe,
            "bypassed": decision.bypassed,
            "not_enforceable": [{"rule": rule, "text": text} for rule, text in self.not_enforceable],
        }


def explain_request(
    catalogue: Catalogue,
    url: str,
    *,
    region: str,
    site: str | None = None,
    mode: Mode | str = Mode.REVERSE,
    at: datetime,
    usage: Usage = NO_USAGE,
    hints: Hints = NO_HINTS,
    kind: MediaKind | None = None,
    language: str = "en",
) -> Explanation:
    """What would be decided for a URL at an instant, and why.

    at must be aware. kind None: as the URL's path tells; a tunnel shows none, whatever is said here.
    Raises LookupError for a place that the catalogue lacks, ValueError for a URL without a host.
    """
    territory = catalogue.territories.get((region, site))
    if territory is None:
        raise LookupError(region if site is None else f"{region}/{site}")
    request = replace(request_for(catalogue, url, mode=Mode(mode), kind=kind), region=region, site=site, hints=hints)
    decision = decide(catalogue, request, usage, at)
    told = (reason for reason in decision.reasons if _concerns(reason, request.kind))
    return Explanation(
        url=url,
        at=at.astimezone(territory.zone),
        mode=request.mode,
        kind=request.kind,
        decision=decision,
        treatments=words.plain(decision.treatments),
        reasons=tuple(ExplainedReason(rule=r.rule, source=r.source, text=sentence(r, language)) for r in told),
        not_enforceable=_not_enforceable(catalogue, request, decision, usage, at, language),
    )


def request_for(catalogue: Catalogue, url: str, *, mode: Mode, kind: MediaKind | None = None) -> RequestFacts:
    """A learner's GET of a URL as facts, with no place yet; in a tunnel only the host is seen.

    kind None: as the path tells. Raises ValueError for a URL without a host.
    """
    parts = urlsplit(url if "://" in url else f"https://{url}")
    if not parts.hostname or parts.scheme not in ("http", "https", "ws", "wss"):
        raise ValueError(f"not an address: {url}")
    secure = parts.scheme in ("https", "wss")
    origin = OriginIndex(catalogue).by_host(parts.hostname)
    tunnel = mode is Mode.TUNNEL
    path = "/" if tunnel else parts.path or "/"
    kind = None if tunnel else kind or kind_of_path(path)
    return RequestFacts(
        region="",
        mode=mode,
        method="CONNECT" if tunnel else "GET",
        scheme="https" if secure else "http",
        host=parts.hostname,
        port=parts.port or (443 if secure else 80),
        path=path,
        query="" if tunnel else parts.query,
        origin="" if origin is None else origin.id,
        audience=_audience(kind, tunnel=tunnel, socket=parts.scheme in ("ws", "wss")),
        kind=kind,
    )


def _audience(kind: MediaKind | None, *, tunnel: bool, socket: bool) -> Audience:
    if tunnel:
        return Audience.TUNNEL
    if socket:
        return Audience.SOCKET
    if kind in _MEDIA:
        return Audience.MEDIA
    return Audience.PAGE if kind is None or kind in _DOCUMENTS else Audience.SUBRESOURCE


def _concerns(reason: Reason, kind: MediaKind | None) -> bool:
    """Whether a reason has to do with a request of that kind; the treatments of other kinds don't."""
    if kind is None or kind is MediaKind.PAGE:
        return True
    if reason.rule == "size-limit":
        return dict(reason.params).get("kind") == kind.value
    if reason.rule in _TREATED or reason.rule.endswith(_OF_A_KIND):
        return reason.rule.startswith(f"{kind.value}-")
    return True


def _not_enforceable(
    catalogue: Catalogue, request: RequestFacts, decision: Decision, usage: Usage, at: datetime, language: str
) -> tuple[tuple[str, str], ...]:
    """What the policy treats and this mode can't see; of the modes that read, a WebSocket through an explicit proxy."""
    if request.mode is not Mode.TUNNEL:
        asked = {"socket"} if request.audience is Audience.SOCKET else set()
        return _rows(asked, request.mode, language)
    readable = decide(catalogue, replace(request, mode=Mode.FORWARD), usage, at)
    asked = {name for name, action in words.actions(readable.treatments).items() if action != "keep"}
    asked |= {"class-by-path", "assessment", "refusal-page"} if request.origin else {"refusal-page"}
    return _rows(asked, request.mode, language)


def _rows(asked: Collection[str], mode: Mode, language: str) -> tuple[tuple[str, str], ...]:
    rows = (row for row in matrix() if row.rule in asked and not enforceable(mode, row.rule))
    return tuple((row.rule, row.title.in_language(language)) for row in rows)


def _iso(moment: datetime | None, like: datetime) -> str | None:
    return None if moment is None else moment.astimezone(like.tzinfo).isoformat()
