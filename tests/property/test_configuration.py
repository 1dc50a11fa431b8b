"""What is written comes back as it was meant, and whatever is written gives a catalogue or faults, nothing else."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.faults import PolicyFaults
from policies.load import read_catalogue
from policies.model import Catalogue, Period, Window
from policies.schema.policy import KINDS
from policies.treatments import Action
from policies.values import TrafficClass
from policies.zones import known_zones

SHIPPED = (Path(__file__).parents[2] / "regions.yaml").read_text(encoding="utf-8")
RELAXED = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
zones = st.sampled_from(sorted(known_zones()))
minutes = st.integers(0, 1439)


def clock(value: int) -> str:
    return f"{value // 60:02d}:{value % 60:02d}"


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any]:
    start = draw(minutes)
    end = draw(st.integers(1, 1440).filter(lambda value: value % 1440 != start or value == 1440))
    first = draw(st.dates(date(2020, 1, 1), date(2030, 1, 1)))
    written: dict[str, Any] = {
        "days": sorted(draw(st.sets(st.sampled_from(DAYS), min_size=1))),
        "from": clock(start),
        "to": "24:00" if end == 1440 else clock(end),
    }
    if draw(st.booleans()):
        written["dates"] = f"{first}..{first + timedelta(days=draw(st.integers(0, 400)))}"
    if draw(st.booleans()):
        written["link"] = {"down": f"{draw(st.integers(1, 10_000))} kbit/s"}
    if draw(st.booleans()):
        written["timezone"] = draw(zones)
    return written


@st.composite
def tariffs(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "timezone": draw(zones),
        "price": f"{draw(st.decimals(Decimal('0.01'), Decimal(100), places=2))} RUB/MB",
        "allowance": [
            {
                "amount": f"{draw(st.integers(1, 5000))} MB",
                "per": draw(st.sampled_from(list(Period))).value,
                "then": draw(st.sampled_from(["stop", "pay", "64 kbit/s"])),
                "renews_at": clock(draw(minutes)),
            }
            for _ in range(draw(st.integers(0, 2)))
        ],
        "free": draw(st.lists(windows(), max_size=3)),
    }


def read(document: object) -> Catalogue:
    return read_text(yaml.safe_dump(document, allow_unicode=True))


def read_text(text: str) -> Catalogue:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "regions.yaml"
        path.write_text(text, encoding="utf-8")
        return read_catalogue(path)


def as_written(window: Window, tariff_zone: str) -> dict[str, Any]:
    written: dict[str, Any] = {
        "days": sorted(DAYS[day] for day in window.weekdays),
        "from": window.start.strftime("%H:%M"),
        "to": window.end.strftime("%H:%M") if window.end is not None else "24:00",
    }
    if window.dates is not None:
        written["dates"] = f"{window.dates[0]}..{window.dates[1]}"
    if window.down_bps is not None:
        written["link"] = {"down": f"{window.down_bps // 1000} kbit/s"}
    written["timezone"] = window.zone.key
    return written


@RELAXED
@given(place=st.sampled_from(["Asia/Kamchatka", "Europe/Moscow"]), tariff=tariffs())
def test_a_tariff_comes_back_as_it_was_written(place: str, tariff: dict[str, Any]) -> None:
    territory = read(
        {"regions": {"a": {"timezone": place, "networks": ["10.0.0.0/8"], "policy": "open", "tariff": tariff}}}
    ).territories["a", None]
    found = territory.tariff
    assert f"{found.price_per_mb} {found.currency}/MB" == tariff["price"]
    assert [as_written(window, tariff["timezone"]) for window in found.free.windows] == [
        {"timezone": tariff["timezone"], **window} for window in tariff["free"]
    ]
    for allowance, written in zip(found.allowances, tariff["allowance"], strict=True):
        assert f"{allowance.amount_bytes // 10**6} MB" == written["amount"]
        assert allowance.period.value == written["per"]
        assert allowance.renew_time.strftime("%H:%M") == written["renews_at"]
        then = f"{allowance.throttle_bps // 1000} kbit/s" if allowance.throttle_bps else allowance.after.value
        assert then == written["then"]


bodies = st.sampled_from(["keep", "card", "drop"])
kinds = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("video", "streams", "embeds", "audio", "documents", "archives"), bodies),
        **{kind: st.sampled_from(["keep", "drop"]) for kind in ("fonts", "scripts", "styles")},
        "images": st.sampled_from(["keep", "adapt", "card", "drop"]),
    },
)
classes = st.dictionaries(st.sampled_from([name for name in TrafficClass if name != "assessment"]), kinds, max_size=3)


@RELAXED
@given(base=kinds, child=kinds, refined=classes)
def test_each_kind_has_the_nearest_word_that_was_written(
    base: dict[str, str], child: dict[str, str], refined: dict[TrafficClass, dict[str, str]]
) -> None:
    per_class = {name.value: words for name, words in refined.items()}
    policies = {"base": base, "child": {"extends": "base", **child}}
    region = {"timezone": "Europe/Moscow", "networks": ["10.0.0.0/8"], "policy": "child", "classes": per_class}
    policy = read({"policies": policies, "regions": {"a": region}}).territories["a", None].policy
    for name in TrafficClass:
        if name is TrafficClass.ASSESSMENT:
            continue
        for kind, field in KINDS.items():
            if kind in ("pages", "uploads"):
                continue
            wanted = {**base, **child, **refined.get(name, {})}.get(kind, "keep")
            found = getattr(policy.classes[name].treatments, field)
            assert Action(wanted) is getattr(found, "action", found)


@settings(max_examples=60)
@given(data=st.data())
def test_whatever_is_written_gives_a_catalogue_or_faults_with_places(data: st.DataObject) -> None:
    lines = SHIPPED.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        row = data.draw(st.integers(0, len(lines) - 1))
        line = lines[row]
        column = data.draw(st.integers(0, len(line)))
        lines[row] = data.draw(
            st.one_of(
                st.just(""),
                st.just(line[:column]),
                st.just(line[:column] + line[column + 1 :]),
                st.just("  " + line),
                st.builds(lambda extra: line[:column] + extra + line[column:], st.text(max_size=3)),  # noqa: B023
                st.sampled_from([one for one in SHIPPED.splitlines() if one.strip()]),
            )
        )
    try:
        catalogue = read_text("\n".join(lines))
    except PolicyFaults as faults:
        assert faults.faults
        assert all(fault.problem and str(fault).count("\n") == 0 for fault in faults.faults)
    else:
        assert catalogue.territories


KEYS = [
    "regions",
    "tropa",
    "origins",
    "policies",
    "tests",
    "calendars",
    "a",
    "policy",
    "tariff",
    "free",
    "from",
    "classes",
    "listeners",
    "sites",
    "exceptions",
    "when",
    "consultations",
    "networks",
    "timezone",
]


@settings(max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(KEYS),
                inner,
                max_size=4,
            )
        ),
        max_leaves=25,
    )
)
def test_any_shape_at_all_gives_a_catalogue_or_faults(document: object) -> None:
    try:
        read(document)
    except PolicyFaults as faults:
        assert faults.faults
