"""The compiled catalogue: everything `regions.yaml`, `policies/` and the presets say, checked and ready to run.

Laws of this package: frozen values, no pydantic, no parsing; one `Catalogue` is swapped for another as a whole, so a
request sees one policy from its first byte to its last decision. Inheritance (catalogue policy, region, site,
exception) is resolved when the catalogue is compiled, not per request.
"""

from __future__ import annotations

from policies.model.catalogue import Catalogue, PolicyTest
from policies.model.origins import (
    DietItem,
    EmbedHost,
    LearnerAddress,
    NoTransform,
    Origin,
    OutboxForm,
    OwnStore,
    PathRule,
    Preset,
    Service,
)
from policies.model.places import Follow, Followed, Institute, IPNetwork, Night, Territory
from policies.model.process import (
    Limits,
    Listener,
    Mail,
    Outage,
    PacSettings,
    Reports,
    Settings,
    Timeouts,
    TrustedHeaders,
)
from policies.model.rules import ClassRule, Policy, PolicyException, Step, When
from policies.model.tariff import After, Allowance, Calendar, Link, Period, Tariff, Window, Windows

__all__ = [
    "Calendar",
    "Window",
    "Windows",
    "After",
    "Period",
    "Allowance",
    "Tariff",
    "Link",
    "When",
    "ClassRule",
    "Step",
    "Policy",
    "PolicyException",
    "IPNetwork",
    "Institute",
    "Followed",
    "Follow",
    "Night",
    "Territory",
    "NoTransform",
    "LearnerAddress",
    "PathRule",
    "DietItem",
    "EmbedHost",
    "OutboxForm",
    "Preset",
    "Service",
    "OwnStore",
    "Origin",
    "Listener",
    "Timeouts",
    "Limits",
    "Outage",
    "PacSettings",
    "TrustedHeaders",
    "Mail",
    "Reports",
    "Settings",
    "PolicyTest",
    "Catalogue",
]
