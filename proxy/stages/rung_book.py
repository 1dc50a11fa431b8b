"""Which addresses are heads and segments of a rung that is made here, for each learner who was sent its list.

Laws: memory only, bounded, the least recently told go first; what the list of a rung didn't name is no segment of it;
a rung whose head can't be made goes as it is: no player decodes the one's segments with the other's head.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from policies.frozen import Frozen
from proxy.cache.variant_keys import stable_url
from proxy.stages.rung_pieces import Piece
from proxy.transforms.ladder.dash_made import MadeRepresentation
from proxy.transforms.ladder.hls_made import ListedSegment
from proxy.transforms.ladder.made import Place, RungSpec

_MAX_ADDRESSES, _MAX_LISTS, _MAX_LEARNERS, _RUNGS_A_LEARNER = 100_000, 20_000, 20_000, 16

_Named = tuple[str, str]  # learner, address
_Piece = tuple[str, str, int | None]  # learner, address, first byte (None: the whole file)


@dataclass(slots=True, eq=False)
class MadeRung:
    """One rung. head None: MPEG-TS. over: it isn't made any more, or can't be."""

    spec: RungSpec
    head: Place | None
    over: bool = False


class _Wide(Frozen, frozen=True):
    """A rung whose segments aren't listed one by one."""

    rung: MadeRung
    pattern: re.Pattern[str] | None
    indexed: Place | None

    def has(self, url: str, first: int | None) -> bool:
        if self.rung.over:
            return False
        if self.pattern is not None:
            return first is None and self.pattern.fullmatch(url) is not None
        at = self.indexed
        return at is not None and first is not None and url == at.url and first > (at.last or 0)


class RungBook:
    """By learner."""

    def __init__(self) -> None:
        self._lists: OrderedDict[_Named, RungSpec] = OrderedDict()
        self._streams: OrderedDict[_Named, list[MadeRung]] = OrderedDict()
        self._pieces: OrderedDict[_Piece, tuple[MadeRung, Piece]] = OrderedDict()
        self._wide: OrderedDict[str, list[_Wide]] = OrderedDict()

    def forget(self, learner: str) -> None:
        """Nothing of what this learner was sent is remembered."""
        for table in (self._lists, self._streams):
            for named in [named for named in table if named[0] == learner]:
                del table[named]
        for piece in [piece for piece in self._pieces if piece[0] == learner]:
            del self._pieces[piece]
        self._wide.pop(learner, None)

    def note_list(self, learner: str, url: str, spec: RungSpec) -> None:
        """The list at this address is one of a rung that is made."""
        _put(self._lists, (learner, stable_url(url)), spec, _MAX_LISTS)

    def spec_of_list(self, learner: str, url: str) -> RungSpec | None:
        """What is made of the segments of this list; None: nothing."""
        return self._lists.get((learner, stable_url(url)))

    def end(self, learner: str, url: str) -> None:
        """What this list or manifest named before isn't made any more."""
        for rung in self._streams.pop((learner, stable_url(url)), ()):
            rung.over = True

    def learn_list(self, learner: str, url: str, spec: RungSpec, segments: Iterable[ListedSegment]) -> None:
        """The list of a rung went out; a live one goes out again and again."""
        rungs: dict[Place | None, MadeRung] = {}
        for segment in segments:
            rung = rungs.get(segment.head)
            if rung is None:
                rung = rungs[segment.head] = self._rung(learner, spec, segment.head)
            self._note(learner, segment.url, segment.first_byte, rung, Piece.SEGMENT)
        _put(self._streams, (learner, stable_url(url)), list(rungs.values()), _MAX_LISTS)

    def learn_manifest(self, learner: str, url: str, made: Iterable[MadeRepresentation]) -> None:
        """The manifest of rungs went out."""
        rungs: list[MadeRung] = []
        known = self._wide.setdefault(learner, [])
        for one in made:
            rung = self._rung(learner, one.spec, one.head)
            rungs.append(rung)
            for segment, first in one.listed:
                self._note(learner, segment, first, rung, Piece.SEGMENT)
            if one.pattern is not None or one.indexed is not None:
                known[:] = [old for old in known if (old.pattern, old.indexed) != (one.pattern, one.indexed)]
                known.append(_Wide(rung, one.pattern, one.indexed))
        del known[:-_RUNGS_A_LEARNER]
        _put(self._wide, learner, known, _MAX_LEARNERS)
        _put(self._streams, (learner, stable_url(url)), rungs, _MAX_LISTS)

    def find(self, learner: str, url: str, first: int | None) -> tuple[MadeRung, Piece] | None:
        """What stands at this address. first: of the range asked for, None: the whole is."""
        if not self._pieces:
            return None
        found = self._pieces.get((learner, stable_url(url), first))
        if found is not None and not found[0].over:
            return found
        bare = url.partition("#")[0]
        rung = next((one.rung for one in self._wide.get(learner, ()) if one.has(bare, first)), None)
        return (rung, Piece.SEGMENT) if rung is not None else None

    def _rung(self, learner: str, spec: RungSpec, head: Place | None) -> MadeRung:
        """The one that is known already by its head, so that a list that is read again changes nothing."""
        if head is None:
            return MadeRung(spec, None)
        first = None if head.whole else head.first
        known = self._pieces.get((learner, stable_url(head.url), first))
        same = known is not None and known[0].spec == spec and not known[0].over
        rung = known[0] if known is not None and same else MadeRung(spec, head)
        self._note(learner, head.url, first, rung, Piece.HEAD)
        return rung

    def _note(self, learner: str, url: str, first: int | None, rung: MadeRung, piece: Piece) -> None:
        _put(self._pieces, (learner, stable_url(url), first), (rung, piece), _MAX_ADDRESSES)


def _put(table: OrderedDict[Any, Any], key: object, value: object, most: int) -> None:
    table.pop(key, None)
    table[key] = value
    if len(table) > most:
        table.popitem(last=False)
