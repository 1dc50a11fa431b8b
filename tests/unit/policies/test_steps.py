"""The steps of a policy: what is written, what is inherited, what a step never does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policies.facts import AllowanceUse
from policies.faults import PolicyFaults
from policies.load import read_catalogue
from policies.model import Policy, Step
from policies.rules.nearly_spent import step_of
from policies.treatments import PASS_ALL, Action, Form
from policies.values import Scope

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
STEPS = tuple(Step(percent=percent, treatments=PASS_ALL, live=PASS_ALL) for percent in (80, 95))


def a_policy(folder: Path, steps: str, *, extends: str = "open") -> Policy:
    file = folder / "regions.yaml"
    policy = f"policy: {{extends: {extends}, {steps}}}"
    text = f"regions:\n  r: {{timezone: Europe/Moscow, networks: [10.0.0.0/8], {policy}}}\n"
    file.write_text(text, "utf-8")
    return read_catalogue(file).territories["r", None].policy


@pytest.mark.parametrize(
    ("used", "percent"), [(0, None), (79, None), (80, 80), (94, 80), (95, 95), (100, 95), (250, 95)]
)
def test_a_use_reaches_the_highest_step_at_or_below_it(used: int, percent: int | None) -> None:
    use = AllowanceUse(scope=Scope.LEARNER, used_bytes=used, amount_bytes=100, renews_at=NOW + timedelta(hours=1))
    reached = step_of(STEPS, use, NOW)
    assert (None if reached is None else reached.percent) == percent
    assert step_of(STEPS, use, NOW + timedelta(hours=1)) is None
    assert step_of((), use, NOW) is None


def test_a_step_narrows_only_what_it_names_and_keeps_what_came_before(tmp_path: Path) -> None:
    written = "nearly_spent: {95 %: {images: card}, 80 %: {images: {max: 40 kB}, documents: {max: 1 MB}}}"
    first, second = a_policy(tmp_path, written).steps
    assert (first.percent, second.percent) == (80, 95)
    assert first.treatments.image.max_bytes == 40_000
    assert first.treatments.video.action is Action.KEEP
    assert second.treatments.image.action is Action.CARD
    assert second.treatments.document.max_bytes == 1_000_000
    assert first.source.endswith("regions.yaml:2")


def test_a_later_step_is_never_wider(tmp_path: Path) -> None:
    written = "nearly_spent: {80 %: {images: {max: 20 kB}}, 90 %: {images: {max: 60 kB}}}"
    assert [step.treatments.image.max_bytes for step in a_policy(tmp_path, written).steps] == [20_000, 20_000]


def test_a_place_changes_one_step_of_the_policy_that_it_extends(tmp_path: Path) -> None:
    written = "nearly_spent: {80 %: {video: {as: slides}}}"
    first, second = a_policy(tmp_path, written, extends="satellite-metered").steps
    assert first.treatments.video.form is Form.SLIDES
    assert first.treatments.audio.bitrate_bps == 12_000
    assert second.treatments.page.text_first and not second.live.page.text_first


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("nearly_spent: {80: {images: card}}", "expected a part like 80 %, got '80'"),
        ("nearly_spent: {100 %: {images: card}}", "expected a part like 80 %, got '100 %'"),
        ("nearly_spent: {80 %: {image: card}}", "unknown key image; did you mean images?"),
        ("nearly_spent: {80 %: {pages: {diet: [font]}}}", "no preset knows a diet item font"),
    ],
)
def test_a_faulty_step_is_told_with_its_cure(tmp_path: Path, written: str, told: str) -> None:
    with pytest.raises(PolicyFaults) as faults:
        a_policy(tmp_path, written)
    assert told in str(faults.value)
    assert "regions.yaml:2:" in str(faults.value)


@pytest.mark.parametrize("name", ["satellite-metered", "night-sync", "mobile-2g", "mobile-3g", "text-first"])
def test_each_ready_made_policy_for_a_counted_link_has_its_two_steps(tmp_path: Path, name: str) -> None:
    assert [step.percent for step in a_policy(tmp_path, "observe: false", extends=name).steps] == [80, 95]
