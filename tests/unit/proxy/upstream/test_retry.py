"""Retry-After in both of its forms."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from proxy.upstream.retry import retry_after_s

NOW = datetime(2026, 11, 23, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("90", 90.0),
        ("Mon, 23 Nov 2026 20:02:00 GMT", 120.0),
        ("Mon, 23 Nov 2026 19:00:00 GMT", 0.0),
        ("99999999", 86400.0),
        ("soon", None),
        ("-5", None),
        ("٣", None),
    ],
)
def test_what_is_asked_for_is_understood_or_left_out(told: str, seconds: float | None) -> None:
    assert retry_after_s({"Retry-After": told}, NOW) == seconds


def test_nothing_asked_for_is_nothing() -> None:
    assert retry_after_s({}, NOW) is None
