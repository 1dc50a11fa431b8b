"""Every case of tests/cases/http_cache: what RFC 9111 and its neighbours let a shared cache do, section by section.

A file is a list of cases. A case names its `section` and what it shows (`name`), and has `steps`, each one of
- `after: 30 s` (or `-1 h`: the clock jumps back);
- a request: `get: /path` (or `head:`, `post:`, `put:`), with `headers`, and what the origin would answer if it were
  asked (`origin: {status, headers, body}`); in header values `{now-1h}` is an HTTP date by the clock. What must come
  of it is in `expect`: `asked` (the origin was asked at all), `told` (fields that it was told, null: that it wasn't),
  `status`, `body`, `age`, `headers` (null: absent), `cache` (the start of Cache-Status after our name), `error`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from multidict import CIMultiDict

from proxy.errors import ExchangeError
from tests.caching import Cached, Got, Says, cached, http_date

FOLDER = Path(__file__).parents[3] / "cases" / "http_cache"
METHODS = ("get", "head", "post", "put", "delete")
UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
DATE = re.compile(r"\{now(?:([+-]\d+)(s|min|h|d))?\}")


def cases() -> Iterator[Any]:
    for path in sorted(FOLDER.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text("utf-8")):
            yield pytest.param(case, id=f"{path.stem}: {case['name']}")


@pytest.mark.parametrize("case", list(cases()))
async def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    assert case["section"].startswith(("RFC ", "Ours"))
    next_answer: list[Says] = []
    async with cached(tmp_path, lambda told: next_answer[0]) as there:
        for step in case["steps"]:
            if "after" in step:
                there.clock.moves(seconds(step["after"]))
            else:
                next_answer[:] = [answer_of(step.get("origin"), there)]
                await check(step, there)


async def check(step: dict[str, Any], there: Cached) -> None:
    method = next(name for name in METHODS if name in step)
    expect, asked_before = step["expect"], len(there.told)
    headers = {name: dated(value, there) for name, value in step.get("headers", {}).items()}
    more = {"document": True} if step.get("document") else {}
    try:
        got = await there.get(step[method], method.upper(), headers, **more)
    except ExchangeError as error:
        assert error.code == expect["error"]
        return
    assert "error" not in expect
    asked = there.told[asked_before:]
    if "asked" in expect:
        assert bool(asked) is expect["asked"], got.way
    for name, value in expect.get("told", {}).items():
        assert asked[-1].headers.get(name) == (None if value is None else dated(value, there)), name
    compare(expect, got, there)


def compare(expect: dict[str, Any], got: Got, there: Cached) -> None:
    if "status" in expect:
        assert got.status == expect["status"]
    if "body" in expect:
        assert got.body == expect["body"].encode()
    if "age" in expect:
        assert got.headers.get("Age") == (None if expect["age"] is None else str(expect["age"]))
    for name, value in expect.get("headers", {}).items():
        assert got.headers.get(name) == (None if value is None else dated(value, there)), name
    if "cache" in expect:
        assert got.way.cache_status.startswith(f"tropa; {expect['cache']}"), got.way.cache_status


def answer_of(told: dict[str, Any] | None, there: Cached) -> Says:
    if told is None:
        return Says(500, {}, b"nobody should have asked")
    headers = CIMultiDict((name, dated(value, there)) for name, value in told.get("headers", {}).items())
    return Says(told.get("status", 200), headers, told.get("body", "").encode())


def dated(value: Any, there: Cached) -> str:
    def date(match: re.Match[str]) -> str:
        return http_date(there.clock, int(match[1]) * UNITS[match[2]] if match[1] else 0)

    return DATE.sub(date, str(value))


def seconds(text: str) -> float:
    amount, unit = text.split()
    return float(amount) * UNITS[unit]
