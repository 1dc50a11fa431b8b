"""Playlists and manifests with every tag, and what remains of them under a spec: one case file each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import m3u8
import pytest
import yaml
from lxml import etree

from proxy.exchange import Refused, Unchanged
from proxy.transforms.ladder import Capped, LadderOutcome, LadderSpec, NothingFits, cap_dash, cap_hls

CASES = Path(__file__).parents[4] / "cases" / "ladder"
NAMES = sorted(path for path in CASES.iterdir() if path.suffix in (".m3u8", ".mpd"))
LINE = re.compile(rb"[^\n]*\n|[^\n]+")


def told(path: Path) -> list[dict[str, Any]]:
    return yaml.safe_load(path.with_suffix(".yaml").read_text("utf-8"))


ALL = [pytest.param(path, case, id=f"{path.stem}: {case['case']}") for path in NAMES for case in told(path)]


def outcome_of(path: Path, case: dict[str, Any]) -> LadderOutcome:
    spec, source = LadderSpec(**case["spec"]), path.read_bytes()
    return cap_hls(source, spec, query=case.get("query", "")) if path.suffix == ".m3u8" else cap_dash(source, spec)


def expected_hls(path: Path, case: dict[str, Any]) -> bytes:
    lines = LINE.findall(path.read_bytes())
    gone, instead = set(case["gone_lines"]), case.get("instead", {})
    return b"".join(
        instead[number].encode() if number in instead else b"" if number in gone else line
        for number, line in enumerate(lines, 1)
    )


@pytest.mark.parametrize(("path", "case"), ALL)
def test_what_remains(path: Path, case: dict[str, Any]) -> None:
    outcome = outcome_of(path, case)
    if "unchanged" in case:
        assert outcome == Unchanged(why=case["unchanged"])
    elif "refused" in case:
        assert isinstance(outcome, Refused) and outcome.why.startswith(case["refused"])
    elif "nothing_fits" in case:
        assert isinstance(outcome, NothingFits) and case["nothing_fits"] in outcome.lowest.addresses
    else:
        assert isinstance(outcome, Capped)
        if path.suffix == ".m3u8":
            assert outcome.body.decode() == expected_hls(path, case).decode()
        else:
            same_but_for(path, case, outcome.body)
        for name in ("kept", "removed"):
            if name in case:
                found = {address for one in getattr(outcome, name) for address in one.addresses}
                assert found == set(case[name]), name


def same_but_for(path: Path, case: dict[str, Any], body: bytes) -> None:
    """The manifest is its own source without some elements, and with some attributes."""
    root = etree.fromstring(path.read_bytes())
    for wanted in case["gone"]:
        found = root.xpath(wanted, namespaces={"d": root.nsmap.get(None)})
        assert found, f"nothing is {wanted}"
        for element in found:
            element.getparent().remove(element)
    for place, attributes in case.get("attributes", {}).items():
        for element in root.xpath(place, namespaces={"d": root.nsmap.get(None)}):
            element.attrib.update(attributes)
    assert canonical(etree.fromstring(body)) == canonical(root)
    source_lines = set(path.read_text("utf-8").splitlines())
    new = [line for line in body.decode("utf-8").splitlines() if line not in source_lines]
    assert len(new) <= len(case.get("attributes", {})), new


def canonical(root: Any) -> str:
    return str(etree.canonicalize(etree.tostring(root, encoding="unicode"), strip_text=True))


@pytest.mark.parametrize(("path", "case"), ALL)
def test_capping_a_capped_manifest_changes_nothing(path: Path, case: dict[str, Any]) -> None:
    first = outcome_of(path, case)
    if isinstance(first, Capped):
        spec = LadderSpec(**case["spec"])
        query = case.get("query", "")
        again = cap_hls(first.body, spec, query=query) if path.suffix == ".m3u8" else cap_dash(first.body, spec)
        assert isinstance(again, Unchanged) or (isinstance(again, Capped) and again.body == first.body)


@pytest.mark.parametrize(("path", "case"), [param for param in ALL if param.values[0].suffix == ".m3u8"])
def test_another_reader_finds_the_same_rungs(path: Path, case: dict[str, Any]) -> None:
    outcome = outcome_of(path, case)
    if isinstance(outcome, Capped):
        before = {playlist.uri for playlist in m3u8.loads(readable(path.read_text("utf-8"))).playlists}
        after = m3u8.loads(readable(outcome.body.decode()))
        assert after.is_variant and after.playlists
        if not case["spec"].get("sound_only"):
            assert {playlist.uri for playlist in after.playlists} <= before
        groups = {media.group_id for media in after.media}
        assert all(playlist.stream_info.audio in groups for playlist in after.playlists if playlist.stream_info.audio)


def readable(text: str) -> str:
    """Without the one tag that m3u8 6.0 trips over: a session datum with its FORMAT."""
    return re.sub(r"#EXT-X-SESSION-DATA.*FORMAT.*", "", text)
