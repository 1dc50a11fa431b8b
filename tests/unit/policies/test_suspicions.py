"""What can be read but can hardly be meant is told as a warning, with its place and its cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies.load import read_catalogue_with_warnings

HEAD = """tropa:
  listeners: {front: {mode: reverse, listen: 127.0.0.1:8101}}
  trusted_proxies: [TRUSTED]
origins:
  lms: {upstream: "UPSTREAM"EXTRA}
regions:
  north:
    timezone: Asia/Kamchatka
    networks: [10.41.0.0/16]
    policy: satellite-metered
    tariff: {price: 0.40 RUB/MB, free: [FREE]}
"""
SOUND = {
    "TRUSTED": "127.0.0.1",
    "UPSTREAM": "https://lms.example.org",
    "EXTRA": "",
    "FREE": "{days: daily, from: 23:00, to: 07:00}",
}


def warnings(folder: Path, text: str) -> list[str]:
    path = folder / "regions.yaml"
    path.write_text(text, encoding="utf-8")
    return [str(fault).replace(f"{folder}/", "") for fault in read_catalogue_with_warnings(path)[1]]


def written(**changes: str) -> str:
    text = HEAD
    for key, value in {**SOUND, **changes}.items():
        text = text.replace(key, value)
    return text


def test_a_sound_file_is_passed_without_a_word(tmp_path: Path) -> None:
    assert warnings(tmp_path, written()) == []


@pytest.mark.parametrize(
    "upstream", ["http://127.0.0.1:8081", "http://localhost", "http://[::1]:80", "http://10.0.0.5"]
)
def test_a_private_upstream_that_tropa_would_not_connect_to(tmp_path: Path, upstream: str) -> None:
    found = warnings(tmp_path, written(UPSTREAM=upstream))
    assert len(found) == 1
    assert found[0].startswith("regions.yaml:5:19: origins.lms.upstream: ")
    assert found[0].endswith("if it is your own server, add allow_private: true")
    assert warnings(tmp_path, written(UPSTREAM=upstream, EXTRA=", allow_private: true")) == []


def test_an_upstream_that_another_proxy_looks_up_is_left_to_it(tmp_path: Path) -> None:
    text = written(UPSTREAM="http://10.0.0.5").replace("tropa:\n", "tropa:\n  upstream_proxy: http://192.0.2.1:3128\n")
    assert warnings(tmp_path, text) == []


@pytest.mark.parametrize(("trusted", "told"), [("10.0.0.0/8", True), ("0.0.0.0/0", True), ("10.41.0.1", False)])
def test_learners_among_those_who_are_believed(tmp_path: Path, trusted: str, told: bool) -> None:
    found = warnings(tmp_path, written(TRUSTED=trusted))
    assert [line.partition(": learners of north")[0] for line in found] == (
        ["regions.yaml:3:21: tropa.trusted_proxies[0]"] if told else []
    )


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ("{days: daily, from: 06:00, to: 08:00}", True),
        ("{days: daily, from: 07:00, to: 08:00}", False),
        ("{days: mon, from: 22:00, to: 23:01}", True),
        ("{days: mon, from: 22:00, to: 23:00}", False),
        ("{days: mon, from: 00:00, to: 24:00}", True),
        ("{days: daily, from: 06:00, to: 08:00, timezone: Asia/Tokyo}", False),
        ("{days: daily, from: 06:00, to: 08:00, dates: 2026-09-01..2026-09-30}", False),
    ],
)
def test_windows_that_overlap(tmp_path: Path, second: str, told: bool) -> None:
    found = warnings(tmp_path, written(FREE=f"{SOUND['FREE']}, {second}"))
    assert [line.partition(" of this list")[0] for line in found] == (
        ["regions.yaml:11:80: regions.north.tariff.free[1]: overlaps window 1"] if told else []
    )


def test_nothing_that_could_be_reached_and_nowhere_to_come_to(tmp_path: Path) -> None:
    text = "regions:\n  a: {timezone: Europe/Moscow, policy: open, networks: [10.41.0.0/16]}\n"
    assert [line.partition(",")[0] for line in warnings(tmp_path, text)] == [
        "regions.yaml:1:1: there is no origin",
        "regions.yaml:1:1: there is no listener",
    ]


def test_a_forward_proxy_needs_no_origin(tmp_path: Path) -> None:
    text = (
        "tropa: {listeners: {front: {mode: forward, listen: 127.0.0.1:3128, clients: [10.41.0.0/16]}}}\n"
        "regions:\n  a: {timezone: Europe/Moscow, policy: open, networks: [10.41.0.0/16]}\n"
    )
    assert warnings(tmp_path, text) == []
