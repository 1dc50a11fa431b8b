"""A place in what was written, handed along while it is compiled."""

from __future__ import annotations

from policies.faults import FaultList
from policies.frozen import Frozen
from policies.yaml_marks import Mark, MarkedMap, mark_at


class Spot(Frozen, frozen=True):
    """A path below a written section. Faults that are reported here name its file, line and key."""

    raw: MarkedMap
    faults: FaultList
    path: tuple[str | int, ...] = ()

    def at(self, *steps: str | int) -> Spot:
        return Spot(self.raw, self.faults, self.path + steps)

    @property
    def mark(self) -> Mark:
        return mark_at(self.raw, self.path)

    @property
    def source(self) -> str:
        return self.mark.source

    def fault(self, problem: str, cure: str = "") -> None:
        self.faults.add(self.mark.fault(problem, cure))

    def warn(self, problem: str, cure: str = "") -> None:
        self.faults.warn(self.mark.fault(problem, cure))
