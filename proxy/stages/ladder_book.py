"""Which cap each learner's ladders were given, and which renditions she was shown and which not.

Laws: while a lecture plays its cap stays, whatever policy or link say meanwhile; a load after a pause gets the cap in
force then; what was taken out of a ladder is withheld when asked for by itself, for that learner alone; bounded, the
least recently used go first; nothing is written to a disk.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urljoin

from policies.frozen import Frozen
from proxy.cache.variant_keys import stable_url
from proxy.transforms.ladder.dash_addresses import address_pattern, is_template
from proxy.transforms.ladder.spec import LadderSpec, Part, Rendition

PAUSE_S = 15 * 60.0  # between two uses of a ladder: longer is another sitting
KEPT_S = 6 * 3600.0
_MAX_LADDERS, _MAX_ADDRESSES, _TEMPLATED_LADDERS_A_LEARNER = 20_000, 200_000, 8

_Key = tuple[str, str]


@dataclass(slots=True)
class _Ladder:
    spec: LadderSpec
    used_s: float
    capped: bool = False
    beyond: bool = False
    templates: list[tuple[re.Pattern[str], bool]] = field(default_factory=list)


class _Listed(Frozen, frozen=True, kw_only=True):
    """One rendition's address. stays: it was left in the ladder. ladder: of the sitting in which that was so."""

    manifest: str
    ladder: _Ladder
    part: Part
    stays: bool


class LadderBook:
    """By learner and manifest."""

    def __init__(self) -> None:
        self._ladders: OrderedDict[_Key, _Ladder] = OrderedDict()
        self._addresses: OrderedDict[_Key, _Listed] = OrderedDict()
        self._templated: OrderedDict[str, list[str]] = OrderedDict()
        self._watching: set[str] | None = set()

    def is_of(self, learner: str) -> bool:
        """Whether anything here can be this learner's; asked for every request, so it may err on that side."""
        return self._watching is None or learner in self._watching

    def forget(self, learner: str) -> int:
        """Which ladders this learner was sent is forgotten. Returns how many there were."""
        hers = [key for key in self._ladders if key[0] == learner]
        for key in hers:
            del self._ladders[key]
        for address in [address for address in self._addresses if address[0] == learner]:
            del self._addresses[address]
        self._templated.pop(learner, None)
        return len(hers)

    def spec_for(self, learner: str, manifest: str, wanted: LadderSpec, now_s: float) -> LadderSpec:
        """The cap of this load: the one that is being watched, else the one wanted, which then stays."""
        key = (learner, stable_url(manifest))
        ladder = self._ladders.get(key)
        if ladder is None or now_s - ladder.used_s > PAUSE_S:
            ladder = _Ladder(spec=wanted, used_s=now_s)
            self._put(key, ladder)
        ladder.used_s = now_s
        self._ladders.move_to_end(key)
        return ladder.spec

    def sticky_spec(self, learner: str, manifest: str, now_s: float) -> LadderSpec | None:
        """The cap that is being watched, if any; asking for it is no use."""
        ladder = self._ladders.get((learner, stable_url(manifest)))
        return ladder.spec if ladder is not None and now_s - ladder.used_s <= PAUSE_S else None

    def is_watched(self, learner: str, manifest: str, now_s: float) -> bool:
        """Whether this manifest was capped for this sitting, which goes on."""
        ladder = self._ladders.get((learner, stable_url(manifest)))
        return ladder is not None and ladder.capped and now_s - ladder.used_s <= PAUSE_S

    def note(
        self,
        learner: str,
        manifest: str,
        *,
        kept: Iterable[Rendition],
        removed: Iterable[Rendition],
        locations: Iterable[str] = (),
        beyond: bool = False,
    ) -> None:
        """What went out. locations: other addresses under which the manifest will be asked for again. beyond: nothing
        fitted, and what was kept is to be made smaller."""
        key = (learner, stable_url(manifest))
        ladder = self._ladders.get(key)
        if ladder is None:
            return
        self._meet(learner)
        ladder.capped, ladder.beyond, ladder.templates = True, beyond, []
        for stays, renditions in ((False, removed), (True, kept)):  # an address of both stays
            for rendition in renditions:
                for address in rendition.addresses:
                    self._note(key, ladder, _joined(manifest, address), rendition.part, stays=stays)
        for location in locations:
            self._put((learner, stable_url(_joined(manifest, location))), ladder)

    def _meet(self, learner: str) -> None:
        """A set that is full tells nobody apart any more; it begins anew where no ladder is left."""
        if self._watching is None and not self._addresses and not self._templated:
            self._watching = set()
        if self._watching is not None:
            self._watching.add(learner)
            if len(self._watching) > _MAX_LADDERS:
                self._watching = None

    def _note(self, key: _Key, ladder: _Ladder, url: str, part: Part, *, stays: bool) -> None:
        learner, manifest = key
        if is_template(url):
            ladder.templates.append((address_pattern(url.partition("#")[0]), stays))
            known = self._templated.setdefault(learner, [])
            if manifest not in known:
                known.append(manifest)
                del known[:-_TEMPLATED_LADDERS_A_LEARNER]
            self._templated.move_to_end(learner)
            if len(self._templated) > _MAX_LADDERS:
                self._templated.popitem(last=False)
            return
        address = (learner, stable_url(url))
        self._addresses.pop(address, None)
        self._addresses[address] = _Listed(manifest=manifest, ladder=ladder, part=part, stays=stays)
        if len(self._addresses) > _MAX_ADDRESSES:
            self._addresses.popitem(last=False)

    def is_removed(self, learner: str, url: str, now_s: float) -> bool:
        """Whether this address was taken out of a ladder that this learner was sent in the last hours."""
        listed = self._listed(learner, url)
        if listed is not None:
            in_force = self._ladders.get((learner, listed.manifest)) is listed.ladder
            return in_force and not listed.stays and now_s - listed.ladder.used_s <= KEPT_S
        return self._matches_removed(learner, url, now_s)

    def _matches_removed(self, learner: str, url: str, now_s: float) -> bool:
        bare, verdict = url.partition("#")[0], False
        for manifest in self._templated.get(learner, ()):
            ladder = self._ladders.get((learner, manifest))
            if ladder is None or now_s - ladder.used_s > KEPT_S:
                continue
            for pattern, stays in ladder.templates:
                if pattern.fullmatch(bare) or pattern.fullmatch(bare.partition("?")[0]):
                    if stays:
                        return False
                    verdict = True
        return verdict

    def stream_of(self, learner: str, playlist: str, now_s: float) -> tuple[str, Part]:
        """The ladder that a rendition's own list belongs to, and what it carries; a list that no ladder named is its
        own ladder. Counts as a use of the ladder."""
        listed = self._listed(learner, playlist)
        if listed is None:
            return stable_url(playlist), Part.PICTURE
        listed.ladder.used_s = now_s
        return listed.manifest, listed.part

    def is_beyond(self, learner: str, playlist: str) -> bool:
        """Whether this is the list of a rung that is kept although it doesn't fit, and to be made smaller."""
        listed = self._listed(learner, playlist)
        return listed is not None and listed.stays and listed.part is Part.PICTURE and listed.ladder.beyond

    def _listed(self, learner: str, url: str) -> _Listed | None:
        """By its whole address; players add parameters of their own, so without any as well."""
        address = stable_url(url)
        found = self._addresses.get((learner, address))
        return found or self._addresses.get((learner, address.partition("?")[0]))

    def _put(self, key: _Key, ladder: _Ladder) -> None:
        self._ladders.pop(key, None)
        self._ladders[key] = ladder
        if len(self._ladders) > _MAX_LADDERS:
            self._ladders.popitem(last=False)


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        return url
