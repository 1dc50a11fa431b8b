"""Every file of tests/cases/decide: a region as operators write it, a request, an hour, and what is decided.

`region` is a region of regions.yaml; `site` one within it, `also` further top-level keys; what regions extend
beside the shipped policies is in the folder's `policies/`. `responses` are response heads with the plan that follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies import words
from policies.decide import Decider, decide
from policies.decision import Decision, Plan
from policies.explain import request_for
from policies.facts import AllowanceUse, Hints, RequestFacts, ResponseFacts, Usage
from policies.load import read_catalogue
from policies.model import Catalogue
from policies.plan import plan
from policies.values import Audience, Direction, MediaKind, Mode, Scope

FOLDER = Path(__file__).parents[2] / "cases" / "decide"
CASES = sorted(FOLDER.glob("*.yaml"))
LMS = {"preset": "moodle", "hosts": ["lms.example.org"], "upstream": "http://127.0.0.1:8081", "allow_private": "true"}
FLAGS = {"save_data", "wants_original", "attachment", "no_transform", "private", "immutable", "partial", "mobile"}
TOLD_FLAGS = ("stored_only", "free_now", "exempt", "observe", "bypassed", "player_must_stay", "honour_no_transform")
NUMBERS = {"measured_bps", "downlink_bps", "rtt_ms", "status", "length_bytes", "upload_bytes"}
ENUMS: dict[str, Any] = {
    "audience": Audience,
    "kind": MediaKind,
    "request_kind": MediaKind,
    "sniffed": MediaKind,
    "direction": Direction,
}


def facts_from(written: Mapping[str, str]) -> dict[str, Any]:
    """Values of the types that the facts have; every scalar of a case is read as text."""
    found: dict[str, Any] = {}
    for name, value in written.items():
        if name in FLAGS:
            found[name] = {"true": True, "false": False}[value]
        elif name in NUMBERS:
            found[name] = int(value)
        elif name in ENUMS:
            found[name] = ENUMS[name](value)
        else:
            found[name] = value
    return found


def catalogue_of(case: Mapping[str, Any], folder: Path) -> Catalogue:
    region = dict(case["region"])
    if "site" in case:
        region["sites"] = {"school": case["site"]}
    written: dict[str, Any] = {"origins": {"lms": LMS}, "regions": {"here": region}} | case.get("also", {})
    path = folder / "regions.yaml"
    path.write_text(yaml.safe_dump(written, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return read_catalogue(path, policy_dirs=[FOLDER / "policies"], bypassed_origins=frozenset(case.get("bypassed", [])))


def request_of(case: Mapping[str, Any], catalogue: Catalogue) -> RequestFacts:
    written = dict(case["request"])
    seen = request_for(catalogue, written.pop("url"), mode=Mode(written.pop("mode", "reverse")))
    known = {name: getattr(seen, name) for name in seen.__dataclass_fields__}
    known |= {"region": "here", "site": "school" if "site" in case else None}
    known["hints"] = Hints(**facts_from(written.pop("hints", {})))
    known["groups"] = frozenset(written.pop("groups", []))
    return RequestFacts(**(known | facts_from(written)))


def usage_of(case: Mapping[str, Any]) -> Usage:
    return Usage(
        allowances=tuple(
            AllowanceUse(
                scope=Scope(use.get("scope", "learner")),
                used_bytes=int(use["used"]),
                amount_bytes=int(use["of"]),
                renews_at=datetime.fromisoformat(use["renews_at"]),
            )
            for use in case.get("usage", [])
        )
    )


def told(decision: Decision) -> dict[str, Any]:
    """What a case may expect, as text."""

    def instant(moment: datetime | None) -> str:
        return "none" if moment is None else moment.isoformat()

    return {
        "verdict": decision.verdict.value,
        "class": decision.traffic_class.value,
        "opens_at": instant(decision.opens_at),
        "closes_at": instant(decision.closes_at),
        "valid_until": instant(decision.valid_until),
        "rate_bps": str(decision.rate_bps).lower(),
        "price": str(decision.price.amount),
        "down_bps": str(decision.link.down_bps).lower(),
        "original_max_bytes": str(decision.original_max_bytes).lower(),
        "alternatives": {alternative.what: alternative.href for alternative in decision.alternatives},
    } | {name: str(getattr(decision, name)).lower() for name in TOLD_FLAGS}


def same_instant(expected: Any, got: Any) -> bool:
    try:
        return datetime.fromisoformat(expected) == datetime.fromisoformat(got)
    except (TypeError, ValueError):
        return bool(expected == got)


def check_decision(expect: dict[str, Any], decision: Decision) -> None:
    expect = dict(expect)
    rules = [reason.rule for reason in decision.reasons]
    assert [code for code in expect.pop("reasons", []) if code not in rules] == [], rules
    assert [code for code in expect.pop("no_reasons", []) if code in rules] == [], rules
    short, full = words.actions(decision.treatments), words.plain(decision.treatments)
    for kind, wanted in expect.pop("treatments", {}).items():
        assert wanted in (short[kind], full[kind]), kind
    got = told(decision)
    for name, wanted in expect.items():
        assert same_instant(wanted, got[name]), f"{name}: expected {wanted}, got {got[name]}"


def check_plan(written: Mapping[str, Any], decision: Decision, path: str) -> None:
    facts: dict[str, Any] = {"path": path} | dict(written)
    wanted, wanted_kind, why = facts.pop("plan"), facts.pop("of", None), facts.pop("why", None)
    headers = facts.pop("headers", {})
    response = ResponseFacts(**({"status": 200} | facts_from(facts)), headers=headers)
    got: Plan = plan(decision, response)
    assert type(got).__name__ == wanted, f"{written}: {got}"
    if wanted_kind is not None:
        told_of = asdict(got)
        assert wanted_kind in (told_of.get("kind"), told_of.get("manifest"))
    if why is not None:
        reason = getattr(got, "reason", None) or getattr(got, "why", None)
        assert reason is not None and reason.rule == why


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_case_is_decided_as_its_file_says(path: Path, tmp_path: Path) -> None:
    case = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    catalogue = catalogue_of(case, tmp_path)
    request, usage, now = request_of(case, catalogue), usage_of(case), datetime.fromisoformat(case["at"])
    decision = decide(catalogue, request, usage, now)
    check_decision(case["expect"], decision)
    for response in case.get("responses", []):
        check_plan(response, decision, request.path)
    assert Decider(catalogue).decide(request, usage, now) == decision


def test_there_are_cases() -> None:
    assert len(CASES) >= 30
