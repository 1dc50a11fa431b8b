"""Which catalogue is in force, and when another takes its place."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from policies.faults import PolicyFaults
from proxy.catalogues import Catalogues, operator_files, publish_file, read_published, was_published
from proxy.operate.history import current_dir, history, rollback
from proxy.operate.switches import Bypass, Override, set_bypass, set_override
from tests.exchanges import NOON

REGIONS = """
origins:
  course: {{title: {{ru: Курс, en: Course}}, hosts: [lms.example], upstream: "https://lms.example"}}
regions:
  koryak: {{title: {{ru: Корякский, en: Koryak}}, timezone: Asia/Kamchatka, networks: [10.41.0.0/16], policy: {policy}}}
"""
HOUR = timedelta(hours=1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    return write(tmp_path / "etc" / "regions.yaml")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def write(file: Path, policy: str = "satellite-metered") -> Path:
    file.write_text(REGIONS.format(policy=policy), "utf-8")
    return file


def policy_of(catalogues: Catalogues) -> str:
    return catalogues.current.territories[("koryak", None)].policy.name


def running(file: Path, state: Path) -> Catalogues:
    publish_file(file, state, now=NOON, note="")
    return Catalogues(state, read_published(state, NOON), NOON)


def test_before_anything_is_published_there_is_nothing_to_run(state: Path) -> None:
    with pytest.raises(FileNotFoundError, match="tropa publish"):
        read_published(state, NOON)


def test_a_faulty_file_is_not_published(file: Path, state: Path) -> None:
    publish_file(file, state, now=NOON, note="")
    write(file, "no-such-policy")
    with pytest.raises(PolicyFaults):
        publish_file(file, state, now=NOON, note="")
    assert len(history(state)) == 1


def test_an_edit_changes_nothing_until_it_is_published(file: Path, state: Path) -> None:
    catalogues = running(file, state)
    write(file, "text-first")
    assert not catalogues.poll(NOON) and policy_of(catalogues) == "satellite-metered"
    publish_file(file, state, now=NOON, note="")
    assert catalogues.poll(NOON) and policy_of(catalogues) == "text-first"
    assert not catalogues.poll(NOON)


def test_going_back_brings_the_old_one_back(file: Path, state: Path) -> None:
    catalogues = running(file, state)
    publish_file(write(file, "text-first"), state, now=NOON, note="")
    catalogues.poll(NOON)
    rollback(state)
    assert catalogues.poll(NOON) and policy_of(catalogues) == "satellite-metered"


def test_a_published_version_that_was_damaged_leaves_the_one_before_running_and_says_so_once(
    file: Path, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    catalogues = running(file, state)
    publish_file(write(file, "text-first"), state, now=NOON, note="")
    folder = current_dir(state)
    assert folder is not None
    (folder / "regions.yaml").write_text("regions: [", "utf-8")
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert not catalogues.poll(NOON)
    assert policy_of(catalogues) == "satellite-metered" and len(caplog.records) == 1


def test_an_override_begins_at_once_and_ends_by_itself(file: Path, state: Path) -> None:
    catalogues = running(file, state)
    set_override(state, Override(region="koryak", site=None, policy="text-first", until=NOON + HOUR), NOON)
    assert catalogues.poll(NOON) and policy_of(catalogues) == "text-first"
    assert not catalogues.poll(NOON + HOUR - timedelta(seconds=1))
    assert catalogues.poll(NOON + HOUR) and policy_of(catalogues) == "satellite-metered"


def test_a_bypass_begins_at_once_and_ends_by_itself(file: Path, state: Path) -> None:
    catalogues = running(file, state)
    set_bypass(state, Bypass(origin="course", until=NOON + HOUR), NOON)
    assert catalogues.poll(NOON) and catalogues.current.bypassed_origins == {"course"}
    assert catalogues.poll(NOON + HOUR) and not catalogues.current.bypassed_origins


def test_an_override_to_a_policy_that_is_gone_leaves_the_one_before_running(file: Path, state: Path) -> None:
    catalogues = running(file, state)
    set_override(state, Override(region="koryak", site=None, policy="nothing", until=None), NOON)
    catalogues.poll(NOON)
    assert policy_of(catalogues) == "satellite-metered"


def test_what_the_file_reads_beside_itself_is_published_with_it(file: Path, state: Path) -> None:
    (file.parent / "policies").mkdir()
    own = file.parent / "policies" / "own.yaml"
    own.write_text("title: {ru: Своя, en: Own}\nextends: text-first\n", "utf-8")
    write(file, "own")
    assert set(operator_files(file)) >= {"regions.yaml", "policies/own.yaml"}
    catalogues = running(file, state)
    own.unlink()
    assert policy_of(catalogues) == "own" and not catalogues.poll(NOON)


def test_a_file_of_another_name_is_published_as_regions_yaml(file: Path, state: Path) -> None:
    other = file.rename(file.parent / "kamchatka.yaml")
    publish_file(other, state, now=NOON, note="")
    assert read_published(state, NOON).territories


def test_a_restart_does_not_undo_a_rollback(file: Path, state: Path) -> None:
    publish_file(file, state, now=NOON, note="")
    publish_file(write(file, "text-first"), state, now=NOON, note="")
    rollback(state)
    assert was_published(file, state)
    write(file, "open")
    assert not was_published(file, state)
