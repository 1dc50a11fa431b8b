"""What a policy does: a rule for each class of traffic, steps before an allowance ends, exceptions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from msgspec import field

from policies.decision import Alternative
from policies.frozen import Frozen
from policies.model.tariff import Windows
from policies.treatments import Treatments
from policies.values import Text, TrafficClass


class When(StrEnum):
    """When a traffic class is open."""

    ALWAYS = "always"
    FREE = "free"  # in the tariff's free windows
    WINDOWS = "windows"
    NEVER = "never"


class ClassRule(Frozen, frozen=True, kw_only=True):
    """What the policy says of one traffic class. close_grace_s: how long a live one may outlast its window."""

    when: When = When.ALWAYS
    windows: Windows = Windows(always=True)
    treatments: Treatments = Treatments()
    alternatives: tuple[Alternative, ...] = ()
    close_grace_s: int = 60
    source: str = ""


class Step(Frozen, frozen=True, kw_only=True):
    """Narrower treatments from `percent` of an allowance on.

    treatments  what this step and those before it narrow together
    live        the same for consultations and webinars, whose pages are programs: these stay whole
    """

    percent: int
    treatments: Treatments
    live: Treatments
    source: str = ""


class Policy(Frozen, frozen=True, kw_only=True):
    """A complete policy: every class has its rule, each with its complete treatments.

    original_max_bytes  0: the original is not offered; None: without limit
    narrow_below_bps    measured or hinted links below this get `narrowed` treatments
    sources             dotted key ("video", "classes.webinar.video", "page.diet") -> `file:line` that set it,
                        so that a Reason can name its place
    """

    name: str
    title: Text
    classes: Mapping[TrafficClass, ClassRule]
    original_max_bytes: int | None = 0
    save_data_treatments: Treatments | None = None
    narrow_below_bps: int | None = None
    narrowed: Treatments | None = None
    steps: tuple[Step, ...] = ()  # by rising percent
    observe: bool = False
    sources: Mapping[str, str] = field(default_factory=dict)


class PolicyException(Frozen, frozen=True, kw_only=True):
    """A narrower place with a policy of its own: origin, host, path, learner group, dates. None matches all."""

    policy: Policy
    origin: str | None = None
    host: str | None = None  # exact, or "*.example.org"
    path: re.Pattern[str] | None = None
    group: str | None = None
    dates: tuple[date, date] | None = None
    source: str = ""
