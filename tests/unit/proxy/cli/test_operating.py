"""publish, rollback, history, override and bypass on a real state folder."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.proxy.cli.commands import NOON, REGIONS, regions_file, tropa

CHAT = "https://lms.example.org/mod/chat/view.php?id=1"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with version 1 published."""
    folder = tmp_path / "state"
    assert tropa("publish", regions_file(tmp_path), "--state", folder, "--note", "first").code == 0
    return folder


def running(state: Path, *, at_h: float = 0, region: str = "koryak") -> dict[str, object]:
    """What explain says of the running version, so many hours after noon."""
    ran = tropa("explain", CHAT, "--region", region, "--json", "--state", state, at=NOON + timedelta(hours=at_h))
    found: dict[str, object] = json.loads(ran.out)
    return found


# -- versions --------------------------------------------------------------------------------------------------


def test_what_is_published_runs_and_rollback_takes_it_back(state: Path, tmp_path: Path) -> None:
    assert running(state)["verdict"] == "defer"
    changed = REGIONS.replace("consultations: {when: free}", "consultations: {when: always}").replace("defer", "allow")
    assert "Version 2" in tropa("publish", regions_file(tmp_path, changed), "--state", state).out
    assert running(state)["verdict"] == "allow"
    assert "Version 1 runs again" in tropa("rollback", "--state", state).out
    assert running(state)["verdict"] == "defer"
    assert tropa("rollback", "2", "--state", state).code == 0
    assert running(state)["verdict"] == "allow"


def test_history_marks_what_runs(state: Path, tmp_path: Path) -> None:
    tropa("publish", regions_file(tmp_path, REGIONS + "# two\n"), "--state", state)
    lines = tropa("history", "--state", state).out.splitlines()
    assert [line.startswith("*") for line in lines] == [False, True]
    assert lines[0].endswith("first")


def test_publishing_what_runs_changes_nothing(state: Path, tmp_path: Path) -> None:
    assert "runs already" in tropa("publish", regions_file(tmp_path), "--state", state).out
    assert len(tropa("history", "--state", state).out.splitlines()) == 1


def test_a_faulty_file_is_not_published(state: Path, tmp_path: Path) -> None:
    ran = tropa("publish", regions_file(tmp_path, REGIONS.replace("07:00", "27:00")), "--state", state)
    assert ran.code == 2
    assert "got 27:00" in ran.err
    assert len(tropa("history", "--state", state).out.splitlines()) == 1


def test_a_file_whose_own_tests_fail_is_published_only_on_demand(state: Path, tmp_path: Path) -> None:
    path = regions_file(tmp_path, REGIONS.replace("verdict: defer", "verdict: refuse"))
    refused = tropa("publish", path, "--state", state)
    assert refused.code == 2
    assert "expected refuse, got defer" in refused.out
    assert tropa("publish", path, "--state", state, "--no-tests").code == 0


@pytest.mark.parametrize(("words", "told"), [(["rollback"], "no earlier version"), (["rollback", "9"], "no version 9")])
def test_a_version_that_is_not_there_is_a_line(words: list[str], told: str, state: Path) -> None:
    ran = tropa(*words, "--state", state)
    assert ran.code == 2
    assert told in ran.err


# -- override --------------------------------------------------------------------------------------------------


def test_an_override_holds_for_its_time_and_ends_by_itself(state: Path) -> None:
    before = running(state)["treatments"]
    set_ = tropa(
        "override", "--region", "koryak", "--policy", "open", "--for", "2h", "--note", "test", "--state", state
    )
    assert set_.code == 0
    assert "2h left" in set_.out
    during = running(state, at_h=1)["treatments"]
    assert isinstance(during, dict)
    assert during["video"] == "keep"
    assert running(state, at_h=2)["treatments"] == before
    assert "koryak: open" in tropa("override", "--list", "--state", state).out
    assert "No override" in tropa("override", "--list", "--state", state, at=NOON + timedelta(hours=2)).out


def test_an_override_can_be_ended_before_its_time(state: Path) -> None:
    tropa("override", "--region", "koryak", "--site", "tigil", "--policy", "open", "--for", "2h", "--state", state)
    assert tropa("override", "--region", "koryak", "--clear", "--state", state).code == 2
    assert tropa("override", "--region", "koryak/tigil", "--clear", "--state", state).code == 0
    assert "No override" in tropa("override", "--list", "--state", state).out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--policy", "open", "--for", "1h"], "say which region"),
        (["--region", "koryak", "--for", "1h"], "say which policy"),
        (["--region", "koryak", "--policy", "open"], "say for how long"),
        (["--region", "koryak", "--policy", "opne", "--for", "1h"], "did you mean open?"),
        (["--region", "kamchatka", "--policy", "open", "--for", "1h"], "no region 'kamchatka'"),
        (["--region", "koryak", "--clear"], "no override is in force"),
    ],
)
def test_an_override_that_can_not_be_meant_is_a_line(words: list[str], told: str, state: Path) -> None:
    ran = tropa("override", *words, "--state", state)
    assert ran.code == 2
    assert told in ran.err
    assert "No override" in tropa("override", "--list", "--state", state).out


# -- bypass ----------------------------------------------------------------------------------------------------


def test_a_bypass_lets_everything_of_an_origin_pass_until_its_end(state: Path) -> None:
    assert tropa("bypass", "on", "lms", "--for", "2h", "--state", state).code == 0
    assert running(state, at_h=1)["bypassed"] is True
    assert running(state, at_h=2)["bypassed"] is False
    assert "lms: bypassed, 2h" in tropa("bypass", "list", "--state", state).out


@pytest.mark.parametrize("origin", ["lms", "*"])
def test_a_bypass_without_a_time_lasts_until_it_is_switched_off(origin: str, state: Path) -> None:
    assert tropa("bypass", "on", origin, "--state", state).code == 0
    assert running(state, at_h=100)["bypassed"] is True
    assert tropa("bypass", "off", origin, "--state", state).code == 0
    assert running(state)["bypassed"] is False
    assert "No origin is bypassed" in tropa("bypass", "list", "--state", state).out


@pytest.mark.parametrize(
    ("words", "told"),
    [(["on", "lsm"], "did you mean lms?"), (["off", "lms"], "is not bypassed"), (["on"], "say which origin")],
)
def test_a_bypass_that_can_not_be_meant_is_a_line(words: list[str], told: str, state: Path) -> None:
    ran = tropa("bypass", *words, "--state", state)
    assert ran.code == 2
    assert told in ran.err


def test_what_needs_a_published_version_says_so(tmp_path: Path) -> None:
    ran = tropa("bypass", "on", "lms", "--state", tmp_path / "empty")
    assert ran.code == 1
    assert "run tropa publish" in ran.err
