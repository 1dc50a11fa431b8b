"""All of it together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from policies.frozen import Frozen
from policies.model.origins import EmbedHost, Origin
from policies.model.places import Territory
from policies.model.process import Settings
from policies.model.rules import Policy


class PolicyTest(Frozen, frozen=True, kw_only=True):
    """One expectation that `tropa check` proves: a URL at an instant in a region."""

    url: str
    region: str
    site: str | None
    at: datetime
    mode: str
    expect_verdict: str | None
    expect_class: str | None
    expect_treatments: Mapping[str, str]
    source: str
    column: int = 1
    key: str = "tests"


class Catalogue(Frozen, frozen=True, kw_only=True):
    """Everything, swapped as one. territories is keyed by (region, site or None).

    fingerprint  hex digest of every byte that was read: two equal ones decide alike
    embed_hosts  all known video hosts, shared by every origin
    """

    settings: Settings
    territories: Mapping[tuple[str, str | None], Territory]
    origins: Mapping[str, Origin]
    embed_hosts: tuple[EmbedHost, ...]
    policies: Mapping[str, Policy]
    tests: tuple[PolicyTest, ...]
    fingerprint: str
    bypassed_origins: frozenset[str] = frozenset()
