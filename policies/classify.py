"""Which traffic class a request has: exactly one, by the most specific rule that matches.

Laws of this file:
- An origin's own rules come before its preset's; within either, the longest literal prefix wins, then more required
  query parameters and methods, then the order in the file.
- A pattern is searched in what the path means (`paths.meant`; write `^` to anchor it); the query is only looked at by
  name and value.
- A tunnel shows no path: only rules that match every path of the host hold there.
- What no rule matches is general traffic; a known player of a video host is a recording.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl

from policies.facts import RequestFacts
from policies.frozen import Frozen
from policies.memory import remember
from policies.model import Catalogue, EmbedHost, Origin, PathRule
from policies.paths import meant
from policies.values import MediaKind, Mode, TrafficClass

_MAX_QUERY_CHARS = 8192  # a longer query decides nothing; parsing it would be a gift to an attacker
_MAX_MEMO_CHARS = 1024  # longer ones are looked at anew, so that strangers can't fill the memory


class Classification(Frozen, frozen=True, kw_only=True):
    """What a request is for. kind None: the rule doesn't say. source "": no rule matched."""

    traffic_class: TrafficClass
    kind: MediaKind | None = None
    required_for_credit: bool = False
    source: str = ""


UNMATCHED = Classification(traffic_class=TrafficClass.GENERAL)
PLAYER = Classification(traffic_class=TrafficClass.RECORDING, kind=MediaKind.VIDEO)


def classify(catalogue: Catalogue, origin: Origin | None, request: RequestFacts) -> Classification:
    """The request's class. origin None: a host that no origin lists (forward mode). Total."""
    found = None if origin is None else matcher_of(origin).match(request)
    return found or _by_embed_host(catalogue.embed_hosts, request) or UNMATCHED


def _by_embed_host(hosts: tuple[EmbedHost, ...], request: RequestFacts) -> Classification | None:
    if not hosts or request.mode is Mode.TUNNEL:
        return None
    url = f"{request.scheme}://{request.host}{request.path}"
    return PLAYER if any(host.pattern.search(url) for host in hosts) else None


class Seen(Frozen, frozen=True, kw_only=True):
    """What a path says: its class, whether things are edited under it, whether it ends the session, whether its
    players must stay.

    token  equal for two paths that are decided alike
    """

    classification: Classification
    edited: bool = False
    logout: bool = False
    player: bool = False
    token: tuple[object, ...] = ()


_SeenKey = tuple[str, str, str, str, str, object, bool]


class Classifier:
    """`classify` with a bounded memory, for one catalogue. Not for use from several threads."""

    def __init__(self, catalogue: Catalogue, *, max_entries: int = 32768) -> None:
        self._catalogue = catalogue
        self._max_entries = max_entries
        self._memo: dict[_SeenKey, Seen] = {}
        self._alike: dict[Seen, Seen] = {}  # a site's thousands of paths say a few dozen things
        self._matchers = {origin.id: matcher_of(origin) for origin in catalogue.origins.values()}

    def classify(self, request: RequestFacts) -> Classification:
        """The same as `classify` for the origin that the request names."""
        return self.seen(request).classification

    def seen(self, request: RequestFacts) -> Seen:
        """The class and what else the path says."""
        matcher = self._matchers.get(request.origin)
        query = matcher.watched_query(request.query) if matcher is not None and request.query else None
        host = request.host if matcher is None else ""
        key = (request.origin, request.scheme, host, request.method, request.path, query, request.mode is Mode.TUNNEL)
        found = self._memo.get(key)
        if found is None:
            found = self._look(request)
            if len(request.path) <= _MAX_MEMO_CHARS:
                remember(self._memo, key, found, self._max_entries)
        return found

    def _look(self, request: RequestFacts) -> Seen:
        origin = self._catalogue.origins.get(request.origin)
        found = classify(self._catalogue, origin, request)
        edited = origin is not None and is_edited(origin, request.path)
        logout = origin is not None and is_logout(origin, request.path)
        player = origin is not None and is_player(origin, request.path)
        source = found.source if found.traffic_class is TrafficClass.ASSESSMENT else ""  # no other reason names it
        token = (found.traffic_class, found.kind, found.required_for_credit, source, edited, logout, player)
        seen = Seen(classification=found, edited=edited, logout=logout, player=player, token=token)
        return self._alike.setdefault(seen, seen)


class OriginMatcher:
    """An origin's rules, most specific first, each with its ready Classification."""

    def __init__(self, origin: Origin) -> None:
        ranked = [_ranked(rule, 0, n) for n, rule in enumerate(origin.rules)]
        ranked += [_ranked(rule, 1, n) for n, rule in enumerate(origin.preset.rules)]
        ordered = [rule for _, rule in sorted(ranked, key=lambda pair: pair[0])]
        self._rules = tuple((rule, _classification(rule)) for rule in ordered)
        self._host_wide = tuple(pair for pair in self._rules if _matches_every_path(pair[0]))
        self.watched = frozenset(name for rule in ordered for name, _ in rule.query)
        self._mentions = _mention_of(self.watched)
        self.holds_assessment = any(rule.traffic_class is TrafficClass.ASSESSMENT for rule in ordered)

    def watched_query(self, query: str) -> frozenset[tuple[str, str]] | None:
        """What of a query any rule looks at; None: nothing."""
        return _query_pairs(query, self.watched) if self._mentions(query) else None

    def match(self, request: RequestFacts) -> Classification | None:
        """The most specific matching rule's class; None: no rule matches."""
        if request.mode is Mode.TUNNEL:
            return self._host_wide[0][1] if self._host_wide else None
        path, method = meant(request.path), request.method
        pairs: frozenset[tuple[str, str]] | None = None
        for rule, classification in self._rules:
            if rule.methods and method not in rule.methods:
                continue
            if not rule.pattern.search(path):
                continue
            if rule.query:
                pairs = _query_pairs(request.query, self.watched) if pairs is None else pairs
                if not all(_names(pairs, name, value) for name, value in rule.query):
                    continue
            return classification
        return None


def _names(pairs: frozenset[tuple[str, str]], name: str, value: re.Pattern[str]) -> bool:
    return any(named == name and value.search(told) for named, told in pairs)


def _mention_of(names: frozenset[str]) -> Callable[[str], object]:
    """A quick look whether a query may hold one of the names; a percent sign may hide any."""
    if not names:
        return lambda query: False
    return re.compile("%|" + "|".join(map(re.escape, sorted(names)))).search


def _query_pairs(query: str, watched: frozenset[str]) -> frozenset[tuple[str, str]]:
    if not query or len(query) > _MAX_QUERY_CHARS:
        return frozenset()
    return frozenset(pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] in watched)


def _classification(rule: PathRule) -> Classification:
    return Classification(
        traffic_class=rule.traffic_class,
        kind=rule.kind,
        required_for_credit=rule.required_for_credit,
        source=rule.source,
    )


def _ranked(rule: PathRule, layer: int, order: int) -> tuple[tuple[int, int, int, int, int], PathRule]:
    prefix = len(literal_prefix(rule.pattern.pattern))
    return (layer, -prefix, -len(rule.query), -bool(rule.methods), order), rule


def _matches_every_path(rule: PathRule) -> bool:
    """Whether the rule holds for the whole host, so that a tunnel to it has the rule's class."""
    if rule.methods or rule.query:
        return False
    return all(rule.pattern.search(probe) for probe in ("/", "/0", "/~/-/0.0"))


_ANCHOR = re.compile(r"\^|\\A|\(\?:\^\|/\)|\(\^\|/\)|\(\?s:")
_LITERAL = re.compile(r"[A-Za-z0-9/_~,;:@!&='%<> -]|\\[^A-Za-z0-9]")
_QUANTIFIERS = frozenset("*?{")


def literal_prefix(pattern: str) -> str:
    """The characters that every match of the pattern begins with, as far as they can be read off; "" if none.

    A pattern with an alternative outside its first group has none.
    """
    position = 0
    while found := _ANCHOR.match(pattern, position):
        position = found.end()
    literal = ""
    while found := _LITERAL.match(pattern, position):
        follower = pattern[found.end() : found.end() + 1]
        if follower in _QUANTIFIERS:
            break
        literal += found.group()[-1]
        position = found.end()
    return "" if pattern[position : position + 1] == "|" else literal


# A pure memory of the last catalogues' matchers: the origin itself is held, so that its id can't be reused.
_matchers: dict[int, tuple[Origin, OriginMatcher]] = {}
_MAX_MATCHERS = 512


def matcher_of(origin: Origin) -> OriginMatcher:
    """The origin's matcher, built once."""
    known = _matchers.get(id(origin))
    if known is not None and known[0] is origin:
        return known[1]
    matcher = OriginMatcher(origin)
    if len(_matchers) >= _MAX_MATCHERS:
        _matchers.clear()
    _matchers[id(origin)] = (origin, matcher)
    return matcher


def is_logout(origin: Origin, path: str) -> bool:
    """Whether the path ends the origin's session: on a shared computer that must always work."""
    return _any_finds(origin.preset.logout, path)


def is_edited(origin: Origin, path: str) -> bool:
    """Whether documents under this path are being edited: what is read here may be saved back."""
    return _any_finds(origin.preset.edit_paths, path)


def is_player(origin: Origin, path: str) -> bool:
    """Whether a player under this path must be seen to the end for its course part to count."""
    return _any_finds(origin.preset.player_paths, path)


def _any_finds(patterns: tuple[re.Pattern[str], ...], path: str) -> bool:
    plain = meant(path)
    return any(pattern.search(plain) for pattern in patterns)
