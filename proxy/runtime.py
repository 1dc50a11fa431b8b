"""What one catalogue brings with it, swapped as one: an exchange sees one catalogue from first to last."""

from __future__ import annotations

from policies.decide import Decider
from policies.frozen import Frozen
from policies.model import Catalogue
from proxy.account.identity import Identifier


class Runtime(Frozen, frozen=True, kw_only=True):
    catalogue: Catalogue
    decider: Decider
    identifier: Identifier


def runtime_of(catalogue: Catalogue, secret: bytes) -> Runtime:
    """Build what runs with this catalogue."""
    return Runtime(catalogue=catalogue, decider=Decider(catalogue), identifier=Identifier(catalogue, secret))
