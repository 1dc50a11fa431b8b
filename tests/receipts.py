"""Receipts for tests of accounting."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from policies.values import MediaKind, Mode, Reason, TrafficClass
from proxy.exchange import Receipt

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def a_receipt(**fields: Any) -> Receipt:
    known: dict[str, Any] = {
        "at": AT,
        "duration_s": 0.25,
        "region": "koryak",
        "site": "tigil",
        "learner": "0123456789abcdef0123",
        "origin": "lms",
        "host": "lms.example.org",
        "url": "https://lms.example.org/course/view.php?id=7",
        "method": "GET",
        "mode": Mode.REVERSE,
        "status": 200,
        "traffic_class": TrafficClass.LESSON,
        "kind": MediaKind.PAGE,
        "verdict": "allow",
        "treatment": "page",
        "reasons": (Reason(rule="video-withheld", source="regions.yaml:14"),),
    }
    return Receipt(**(known | fields))
