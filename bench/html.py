"""Megabytes of page per CPU second: the rewriter on the sample course's own pages, by the shipped policies."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import aiohttp

from bench.processes import ROOT
from bench.regions import regions
from bench.suite import Report, Table, Target
from policies.decide import decide
from policies.decision import RewritePage
from policies.facts import RequestFacts, ResponseFacts, Usage
from policies.load import read_catalogue
from policies.model import Catalogue
from policies.plan import plan
from policies.values import Audience
from proxy.demo.course import PAGES, start_course
from proxy.stages.context import Exchange
from proxy.stages.page import Dressing, html_spec
from proxy.transforms.html import rewriter
from proxy.transforms.spec import HtmlSpec

METHOD = (
    "method: each HTML page of the sample course ({pages} pages, {megabytes:.2f} MB) through the rewriter in "
    "pieces of 16 kB, the first 64 kB known ahead, cards and page\n"
    "furniture ready-made; CPU time of this process, {rounds} rounds, medians. `long` is the longest page's "
    "body repeated to 2 MB."
)
_POLICIES = ("satellite-metered", "text-first", "school-adsl")
_PIECE_BYTES, _AHEAD_BYTES, _LONG_BYTES = 16384, 65536, 2_000_000
_NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_Pages = dict[str, bytes]


def run(*, quick: bool) -> Report:
    """Every policy over every page."""
    rounds = 2 if quick else 7
    pages = asyncio.run(_pages())
    longest = max(pages.values(), key=len)
    long_page = _repeated(longest, _LONG_BYTES)
    places = {name: (f"127.0.0.1:{8101 + i}", name) for i, name in enumerate(_POLICIES)}
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "regions.yaml"
        file.write_text(regions("http://127.0.0.1:8100", places))
        catalogue = read_catalogue(file)
    rows, reached = [], {}
    for policy in _POLICIES:
        speed = _speed(catalogue, policy, pages, rounds)
        long_speed = _speed(catalogue, policy, {"/mod/page/view.php?id=111": long_page}, rounds)
        rows.append((policy, speed, long_speed))
        reached[policy] = speed, long_speed
    megabytes = sum(map(len, pages.values())) / 1e6
    targets = [
        Target(f"{policy}, {what}, MB per CPU second", value, 50, at_least=True)
        for policy, both in reached.items()
        for what, value in zip(("course", "long page"), both, strict=True)
    ]
    head = ("MB per CPU second", "course pages", "long")
    return Report(
        suite="html",
        method=METHOD.format(pages=len(pages), megabytes=megabytes, rounds=rounds),
        tables=(Table(title="Page rewriting", head=head, rows=tuple(rows)),),
        targets=tuple(targets),
    )


async def _pages() -> _Pages:
    data = Path(os.environ.get("TROPA_COURSE_DIR", ROOT / "build" / "course"))
    course = await start_course(data_dir=data)
    found = {}
    try:
        async with aiohttp.ClientSession() as session:
            for page in PAGES:
                async with session.get(course.base_url + page.path) as answer:
                    if answer.content_type == "text/html":
                        found[page.path] = await answer.read()
    finally:
        await course.close()
    return found


def _repeated(page: bytes, nbytes: int) -> bytes:
    """The page with the inside of its body as often as it takes."""
    start = page.index(b">", page.index(b"<body")) + 1
    end = page.rindex(b"</body")
    inside = page[start:end]
    return page[:start] + inside * max(1, nbytes // len(inside)) + page[end:]


def _speed(catalogue: Catalogue, policy: str, pages: _Pages, rounds: int) -> float:
    specs = {path: spec for path in pages if (spec := _spec(catalogue, policy, path)) is not None}
    nbytes = sum(len(pages[path]) for path in specs)
    times = []
    for _ in range(rounds + 1):  # the first only warms up
        started_s = time.process_time()
        for path, spec in specs.items():
            _rewrite(spec, pages[path])
        times.append(time.process_time() - started_s)
    return nbytes / 1e6 / statistics.median(times[1:])


def _rewrite(spec: HtmlSpec, page: bytes) -> int:
    through = rewriter(spec, prefix=page[:_AHEAD_BYTES])
    written = sum(len(through.write(page[start : start + _PIECE_BYTES])) for start in range(0, len(page), _PIECE_BYTES))
    return written + len(through.end())


def _spec(catalogue: Catalogue, policy: str, target: str) -> HtmlSpec | None:
    """The spec that the page stage would give for this page there; None for a page that passes as it is (a quiz)."""
    path, _, query = target.partition("?")
    request = RequestFacts(
        region=policy, host="127.0.0.1", origin="course", path=path, query=query, audience=Audience.PAGE
    )
    decision = decide(catalogue, request, Usage(), _NOW)
    planned = plan(decision, ResponseFacts(status=200, content_type="text/html"))
    if not isinstance(planned, RewritePage):
        return None
    dressing = Dressing(
        head=b'<link rel="stylesheet" href="/.tropa/tropa.css">',
        foot=lambda: b"<p>Tropa</p>",
        render_card=lambda heavy: b"<aside>card</aside>",
        size_label=lambda nbytes: f"{nbytes} B",
    )
    inbound = SimpleNamespace(url="http://127.0.0.1:8100" + target, origin=catalogue.origins["course"])
    known = SimpleNamespace(inbound=inbound, granted=frozenset(), catalogue=catalogue, decision=decision)
    exchange = cast(Exchange, known)
    return html_spec(exchange, planned, dressing, lambda url: None, charset="utf-8")
