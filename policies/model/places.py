"""Regions and sites with everything resolved; what a place fetches in its free hours."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from zoneinfo import ZoneInfo

from policies.frozen import Frozen
from policies.model.rules import Policy, PolicyException
from policies.model.tariff import Link, Tariff
from policies.values import CostlyHop, Store, Text

IPNetwork = IPv4Network | IPv6Network


class Institute(Frozen, frozen=True, kw_only=True):
    """Whom a teacher may ask: shown on every card and page of refusal."""

    name: Text = Text()
    phone: str = ""
    email: str = ""


class Followed(StrEnum):
    """What of a course is fetched before anybody asks."""

    SECTIONS = "sections"
    FORUMS = "forums"
    FILES = "files"
    RECORDINGS = "recordings"


class Follow(Frozen, frozen=True, kw_only=True):
    """A course that a place follows. ahead: sections after the current one."""

    origin: str
    course: int
    what: frozenset[Followed] = frozenset(Followed)
    ahead: int = 2
    source: str = ""


class Night(Frozen, frozen=True, kw_only=True):
    """What a place fetches in its tariff's free windows.

    often_bytes  at most so much a night of what is opened often; 0: none
    limit_bytes  at most so much a night in all; None: as much as fits
    rate_share   the part of the link that it may fill, 0..1
    source       "": nothing was written, and only what learners asked for is fetched
    """

    follow: tuple[Follow, ...] = ()
    often_bytes: int = 0
    limit_bytes: int | None = None
    rate_share: float = 0.8
    concurrency: int = 2
    report_to: tuple[str, ...] = ()
    source: str = ""


class Territory(Frozen, frozen=True, kw_only=True):
    """A region, or a site within one, with everything resolved. site None: the region itself.

    language  "ru" or "en": the language of its pages unless the browser asks for the other one
    """

    region: str
    site: str | None
    title: Text
    zone: ZoneInfo
    language: str
    networks: tuple[IPNetwork, ...]
    listeners: frozenset[str]
    policy: Policy
    exceptions: tuple[PolicyException, ...]
    tariff: Tariff
    link: Link
    costly_hop: CostlyHop
    store: Store
    institute: Institute
    selectable: bool = False
    night: Night = Night()
    source: str = ""
