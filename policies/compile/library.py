"""Policies by name, with what they extend resolved.

Laws of this file: a policy of the same name in a nearer layer shadows one further out (shipped, policy folders,
regions.yaml) and may extend it by that very name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from policies.compile.merge import overlay
from policies.faults import FaultList, did_you_mean
from policies.yaml_marks import Mark, MarkedMap

_NOT_INHERITED = ("extends", "description")


class PolicyLibrary:
    """Layers of named policies as written; the last layer is the nearest."""

    def __init__(self, layers: Sequence[Mapping[str, MarkedMap]], faults: FaultList) -> None:
        self._layers = layers
        self._faults = faults
        self._ready: dict[tuple[str, int], MarkedMap | None] = {}

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for layer in self._layers for name in layer)

    def get(self, name: str, wanted_at: Mark) -> MarkedMap | None:
        """The policy with all that it extends. None: unknown or faulty, and reported at `wanted_at`."""
        if name not in self.names:
            self._faults.add(wanted_at.fault(f"unknown policy {name}", did_you_mean(name, self.names)))
            return None
        return self._effective(name, len(self._layers), ())

    def named(self, name: str) -> MarkedMap | None:
        """A known policy with all that it extends. None: faulty, and reported."""
        return self._effective(name, len(self._layers), ())

    def _effective(self, name: str, below: int, trail: tuple[tuple[str, int], ...]) -> MarkedMap | None:
        depth = next(index for index in reversed(range(below)) if name in self._layers[index])
        here = (name, depth)
        if here not in self._ready:
            self._ready[here] = self._resolved(self._layers[depth][name], name, depth, (*trail, here))
        return self._ready[here]

    def _resolved(
        self, written: MarkedMap, name: str, depth: int, trail: tuple[tuple[str, int], ...]
    ) -> MarkedMap | None:
        parent = written.get("extends")
        own = written.without(*_NOT_INHERITED)
        if parent is None:
            return own
        mark = written.value_marks["extends"]
        below = depth if parent == name else len(self._layers)
        levels = [index for index in range(below) if parent in self._layers[index]]
        if not levels:
            known = self.names - {name}
            self._faults.add(mark.fault(f"unknown policy {parent}", did_you_mean(str(parent), known)))
            return None
        if (parent, levels[-1]) in trail:
            circle = " → ".join([step[0] for step in trail] + [str(parent)])
            self._faults.add(mark.fault(f"extends itself: {circle}", "extend another policy"))
            return None
        base = self._effective(str(parent), below, trail)
        return None if base is None else overlay(base, own)
