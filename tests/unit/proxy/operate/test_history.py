"""Publishing, going back, and what is switched for a while."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proxy.operate.files import write_whole
from proxy.operate.history import KEPT, HistoryError, current_dir, history, publish, rollback
from proxy.operate.switches import (
    Bypass,
    Override,
    active_bypass,
    active_overrides,
    change_stamp,
    clear_bypass,
    clear_override,
    set_bypass,
    set_override,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def files(text: str = "a") -> dict[str, bytes]:
    return {"regions.yaml": text.encode(), "policies/own.yaml": b"x"}


def an_override(region: str = "koryak", site: str | None = None, *, hours: int | None = 48) -> Override:
    until = None if hours is None else NOW + hours * HOUR
    return Override(region=region, site=site, policy="text-first", until=until, by="olga", note="буря")


# -- versions --------------------------------------------------------------------------------------------------


def test_nothing_is_published_at_first(tmp_path: Path) -> None:
    assert current_dir(tmp_path) is None
    assert history(tmp_path / "nowhere") == ()


def test_the_published_copy_runs_whatever_becomes_of_the_files(tmp_path: Path) -> None:
    assert publish(tmp_path, files(), now=NOW, note="первая") == 1
    folder = current_dir(tmp_path)
    assert folder is not None
    assert (folder / "regions.yaml").read_bytes() == b"a"
    assert (folder / "policies" / "own.yaml").read_bytes() == b"x"
    (version,) = history(tmp_path)
    assert (version.number, version.at, version.note, version.current) == (1, NOW, "первая", True)


def test_publishing_what_runs_already_changes_nothing(tmp_path: Path) -> None:
    assert [publish(tmp_path, files(), now=NOW) for _ in range(2)] == [1, 1]
    assert publish(tmp_path, files("b"), now=NOW) == 2
    assert publish(tmp_path, files("a"), now=NOW) == 3


def test_going_back_runs_the_version_before_and_keeps_the_later_ones(tmp_path: Path) -> None:
    for text in "abc":
        publish(tmp_path, files(text), now=NOW)
    assert rollback(tmp_path) == 2
    assert rollback(tmp_path) == 1
    assert rollback(tmp_path, 3) == 3
    assert [version.current for version in history(tmp_path)] == [False, False, True]
    rollback(tmp_path, 1)
    assert publish(tmp_path, files("d"), now=NOW) == 4


def test_going_back_to_what_is_not_there_says_what_is(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="no earlier version"):
        rollback(tmp_path)
    publish(tmp_path, files(), now=NOW)
    with pytest.raises(HistoryError, match="no earlier version"):
        rollback(tmp_path)
    with pytest.raises(HistoryError, match="no version 9; known: 1"):
        rollback(tmp_path, 9)
    assert history(tmp_path)[0].current


@pytest.mark.parametrize("name", ["../x", "/etc/x", "", "a/../../b", ".", "a\0b"])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(HistoryError):
        publish(tmp_path, {name: b""}, now=NOW)
    assert history(tmp_path) == ()


def test_nothing_can_not_be_published(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="nothing"):
        publish(tmp_path, {}, now=NOW)


def test_only_the_last_versions_are_kept(tmp_path: Path) -> None:
    for number in range(KEPT + 2):
        publish(tmp_path, files(str(number)), now=NOW)
    numbers = [version.number for version in history(tmp_path)]
    assert numbers == list(range(3, KEPT + 3))
    published = tmp_path / "published"
    assert len(list(published.glob("*.json"))) == len(list(published.glob("0*/regions.yaml"))) == KEPT


def test_publishers_at_the_same_time_each_get_their_number(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda n: publish(tmp_path, files(str(n)), now=NOW), range(24)))
    assert sorted(numbers) == list(range(1, 25))
    assert sum(version.current for version in history(tmp_path)) == 1


PUBLISHER = """
import sys, itertools
from pathlib import Path
from datetime import datetime, UTC
from proxy.operate.history import publish
for n in itertools.count():
    publish(Path(sys.argv[1]), {f"{i}.yaml": b"%d" % n for i in range(30)}, now=datetime(2026, 3, 2, tzinfo=UTC))
    print(n, flush=True)
"""


def test_a_killed_publisher_leaves_a_whole_version_running(tmp_path: Path) -> None:
    for turn in range(4):
        publisher = subprocess.Popen([sys.executable, "-c", PUBLISHER, str(tmp_path)], stdout=subprocess.PIPE)
        assert publisher.stdout is not None
        publisher.stdout.readline()
        time.sleep(0.01 + turn * 0.013)
        os.kill(publisher.pid, signal.SIGKILL)
        publisher.communicate()
        folder = current_dir(tmp_path)
        assert folder is not None
        contents = {path.read_bytes() for path in folder.iterdir()}
        assert len(list(folder.iterdir())) == 30
        assert len(contents) == 1
    publish(tmp_path, files("after"), now=NOW)
    assert history(tmp_path)[-1].current


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "there", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


# -- overrides and bypasses ------------------------------------------------------------------------------------


def test_an_override_holds_until_its_end_and_not_a_moment_longer(tmp_path: Path) -> None:
    override = an_override()
    set_override(tmp_path, override, NOW)
    assert active_overrides(tmp_path, NOW) == (override,)
    assert active_overrides(tmp_path, NOW + 48 * HOUR - timedelta(microseconds=1)) == (override,)
    assert active_overrides(tmp_path, NOW + 48 * HOUR) == ()


def test_a_second_override_for_one_place_replaces_the_first_and_no_other(tmp_path: Path) -> None:
    site, other, again = an_override(site="tigil"), an_override("city"), an_override(hours=1)
    for override in (an_override(), site, other, again):
        set_override(tmp_path, override, NOW)
    assert active_overrides(tmp_path, NOW) == (site, other, again)
    assert clear_override(tmp_path, "koryak", None, NOW)
    assert not clear_override(tmp_path, "koryak", None, NOW)
    assert active_overrides(tmp_path, NOW) == (site, other)


def test_a_bypass_ends_by_itself_or_by_hand(tmp_path: Path) -> None:
    brief, lasting = Bypass(origin="lms", until=NOW + 2 * HOUR), Bypass(origin="*", until=None)
    set_bypass(tmp_path, brief, NOW)
    set_bypass(tmp_path, lasting, NOW)
    assert active_bypass(tmp_path, NOW) == (brief, lasting)
    assert active_bypass(tmp_path, NOW + 2 * HOUR) == (lasting,)
    assert clear_bypass(tmp_path, "*", NOW)
    assert not clear_bypass(tmp_path, "*", NOW)
    assert active_bypass(tmp_path, NOW) == (brief,)


@pytest.mark.parametrize("content", ["", "{", "[1]", '[{"region": "a"}]', '[{"origin": "a", "until": "soon"}]'])
def test_a_damaged_file_switches_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "overrides.json").write_text(content)
    (tmp_path / "bypass.json").write_text(content)
    assert active_overrides(tmp_path, NOW) == ()
    assert active_bypass(tmp_path, NOW) == ()


def test_the_stamp_changes_with_everything_that_should_be_read_anew_and_with_nothing_else(tmp_path: Path) -> None:
    stamps = [change_stamp(tmp_path, NOW)]

    def is_new() -> bool:
        stamps.append(change_stamp(tmp_path, NOW))
        return stamps[-1] != stamps[-2]

    assert not is_new()
    publish(tmp_path, files(), now=NOW)
    assert is_new()
    publish(tmp_path, files("b"), now=NOW)
    assert is_new()
    rollback(tmp_path)
    assert is_new()
    set_override(tmp_path, an_override(hours=1), NOW)
    assert is_new()
    set_bypass(tmp_path, Bypass(origin="lms", until=None), NOW)
    assert is_new()
    assert not is_new()
    assert change_stamp(tmp_path, NOW + HOUR) != stamps[-1]
    clear_bypass(tmp_path, "lms", NOW)
    assert is_new()
