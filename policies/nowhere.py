"""The built-in territory of those whom no network, listener, header, login or choice places.

Law: nobody's learners get everything unchanged; it is counted, so that IT staff see whom they forgot.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from policies.model import ClassRule, Institute, Link, Policy, Tariff, Territory
from policies.values import CostlyHop, Store, Text, TrafficClass

UNKNOWN_REGION = "unknown"

UNKNOWN = Territory(
    region=UNKNOWN_REGION,
    site=None,
    title=Text(ru="Место неизвестно", en="Unknown place"),
    zone=ZoneInfo("UTC"),
    language="ru",
    networks=(),
    listeners=frozenset(),
    policy=Policy(
        name=UNKNOWN_REGION,
        title=Text(ru="Без изменений", en="Unchanged"),
        classes={traffic_class: ClassRule() for traffic_class in TrafficClass},
        original_max_bytes=None,
        observe=True,
    ),
    exceptions=(),
    tariff=Tariff(zone=ZoneInfo("UTC")),
    link=Link(),
    costly_hop=CostlyHop.NONE,
    store=Store.NONE,
    institute=Institute(),
)
"""The built-in territory of those who have none: decide and count, change nothing."""
