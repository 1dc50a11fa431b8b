"""A suite's report as text and JSON, the regions files of the benches, what is counted of a visit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.page_visit import Seen
from bench.pages import without_media
from bench.regions import regions
from bench.suite import Report, Table, Target, as_text, keep
from policies.load import read_catalogue

REPORT = Report(
    suite="sample",
    method="method: none\nreally",
    tables=(Table(title="Things", head=("", "figure"), rows=(("first", 1234.5), ("second", None))),),
    targets=(Target("speed", 0.5, 0.7, at_least=True),),
    left_out=("squid is not installed",),
)


def test_the_text_has_figures_targets_method_and_what_is_left_out() -> None:
    text = as_text(REPORT)
    for part in ("first    1,234", "second       -", "≥ 0.700", "missed", "method: none", "left out: squid is not"):
        assert part in text


def test_the_json_that_is_kept_says_the_same(tmp_path: Path) -> None:
    kept = json.loads(keep(REPORT, tmp_path).read_text())
    assert kept["targets"] == [{"name": "speed", "value": 0.5, "limit": 0.7, "at_least": True, "verdict": "missed"}]
    assert kept["tables"][0]["rows"] == [["first", 1234.5], ["second", None]]


@pytest.mark.parametrize("metrics", [None, "127.0.0.1:9"])
def test_the_benches_regions_files_are_valid_and_know_no_hours(tmp_path: Path, metrics: str | None) -> None:
    file = tmp_path / "regions.yaml"
    places = {"metered": ("127.0.0.1:1", "satellite-metered"), "free": ("127.0.0.1:2", "open")}
    file.write_text(regions("http://127.0.0.1:8100", places, metrics_listen=metrics))
    catalogue = read_catalogue(file)
    assert {region for region, _ in catalogue.territories} == {"metered", "free"}
    metered = catalogue.territories["metered", None]
    assert not metered.tariff.free.windows and metered.tariff.allowances


def test_bodies_of_video_are_not_counted() -> None:
    pages = [Seen(path="/a", wire_bytes=1000, media_bytes=0), Seen(path="/b", wire_bytes=5000, media_bytes=4500)]
    assert without_media(pages) == 1500
