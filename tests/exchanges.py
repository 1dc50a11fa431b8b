"""Exchanges up to their decision, for tests of what comes after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from multidict import CIMultiDict

from policies.decision import Decision, Verdict
from policies.model import Catalogue, Settings
from policies.treatments import PASS_ALL
from policies.values import Audience, Mode, TrafficClass
from proxy.deliver.answer import Answer, Tally
from proxy.exchange import Inbound, Who
from proxy.facts import request_facts
from proxy.stages.context import Exchange
from tests.builders import a_catalogue, a_territory
from tests.inbounds import an_inbound

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def a_decision(**fields: Any) -> Decision:
    known: dict[str, Any] = {
        "verdict": Verdict.ALLOW,
        "region": "koryak",
        "site": None,
        "origin": "lms",
        "mode": Mode.REVERSE,
        "traffic_class": TrafficClass.LESSON,
        "treatments": PASS_ALL,
        "reasons": (),
        "valid_until": None,
    }
    return Decision(**(known | fields))


def a_who(**fields: Any) -> Who:
    known: dict[str, Any] = {
        "territory": a_territory(),
        "learner": "0123456789abcdef0123",
        "learner_by": "cookie",
        "known_by": "network",
        "language": "ru",
    }
    return Who(**(known | fields))


def an_exchange(
    inbound: Inbound | None = None,
    *,
    decision: Decision | None = None,
    who: Who | None = None,
    audience: Audience | None = None,
    catalogue: Catalogue | None = None,
    settings: Settings | None = None,
    granted: frozenset[str] = frozenset(),
    now: datetime = NOON,
) -> Exchange:
    """audience None: as the request's head says."""
    inbound, who = inbound or an_inbound(), who or a_who()
    facts = request_facts(inbound, who, measured_bps=None)
    return Exchange(
        inbound=inbound,
        who=who,
        facts=facts if audience is None else replace(facts, audience=audience),
        decision=decision or a_decision(),
        now=now,
        catalogue=catalogue or a_catalogue(settings=settings),
        tally=Tally(),
        granted=granted,
    )


def an_answer(status: int = 200, body: bytes | None = None, **headers: str) -> Answer:
    """Header names are written with underscores."""
    head = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return Answer(status=status, headers=head, body=body)
