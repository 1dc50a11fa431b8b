"""A recording's own deck keeps to the budget of any lecture's slides, and loses nothing else by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from proxy.transforms.media.lecture.bbb_draw import deck_bytes, main
from proxy.transforms.media.lecture.bbb_plan import recording
from tests.bbb_recordings import DECK, FILES
from tests.unit.proxy.transforms.media.lecture.test_budget import a_full_slide

PLENTY = 1_000_000
SLIDES, SLIDE_S = 5, 20
PLAN = recording({name: text.encode() for name, text in FILES.items()})
_IMAGE = (
    '<image id="image{n}" class="slide" in="{at}" out="{until}" height="540" width="960" x="0" '
    'xlink:href="presentation/{deck}/slide-{n}.png"/>'
)


@pytest.fixture(scope="module")
def full_deck(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five very full slides, the first of which is shown once more at the end."""
    folder = tmp_path_factory.mktemp("recording")
    deck = folder / "presentation" / DECK
    deck.mkdir(parents=True)
    for number in range(1, SLIDES + 1):
        a_full_slide(number).save(deck / f"slide-{number}.png")
    times = [[SLIDE_S * n] for n in range(SLIDES)]
    times[0].append(SLIDE_S * SLIDES)
    images = (
        _IMAGE.format(
            n=n,
            at=" ".join(str(at_s) for at_s in shown),
            until=" ".join(str(at_s + SLIDE_S) for at_s in shown),
            deck=DECK,
        )
        for n, shown in enumerate(times, 1)
    )
    namespaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    (folder / "shapes.svg").write_text(f"<svg {namespaces}>{''.join(images)}</svg>")
    return folder


def drawn(source: Path, folder: Path, bytes_per_minute: int, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    folder.mkdir()
    assert main([str(source), str(folder), "960", "35", "100", str(bytes_per_minute), "0"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


@pytest.mark.parametrize("share", [0.0, 0.4, 0.75, 0.9])
def test_a_full_deck_keeps_to_its_budget_as_far_as_it_stays_legible(
    full_deck: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], share: float
) -> None:
    usual = drawn(full_deck, tmp_path / "usual", PLENTY, capsys)["slides"]
    sizes = {slide["file"]: slide["bytes"] for slide in usual}
    budget = round(share * sum(sizes.values()))
    told = drawn(full_deck, tmp_path / "spared", budget // 10, capsys)  # a short lecture has ten minutes' bytes
    slides = told["slides"]
    assert [(s["n"], s["at_s"], s["until_s"], s["file"]) for s in slides] == [
        (s["n"], s["at_s"], s["until_s"], s["file"]) for s in usual
    ]
    assert slides[-1]["file"] == slides[0]["file"] and told["files"] == SLIDES
    written = {slide["file"]: slide["bytes"] for slide in slides}
    assert all(written[file] <= sizes[file] for file in sizes)
    for slide in slides:
        path = tmp_path / "spared" / slide["file"]
        with Image.open(path) as there:
            assert there.size == (slide["width"], slide["height"]) and path.stat().st_size == slide["bytes"]
    widths = {slide["width"] for slide in slides}
    assert sum(written.values()) <= budget or widths == {768}  # the coarsest that is read with ease


def test_slides_that_fit_are_as_they_ever_were(
    full_deck: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn(full_deck, tmp_path / "one", PLENTY, capsys)
    drawn(full_deck, tmp_path / "other", 40_000, capsys)  # 400 kB for five slides of 30
    assert {path.name: path.read_bytes() for path in (tmp_path / "one").rglob("*.webp")} == {
        path.name: path.read_bytes() for path in (tmp_path / "other").rglob("*.webp")
    }


def test_the_deck_leaves_shared_screens_the_part_of_their_time() -> None:
    assert deck_bytes(PLAN, 40_000, shared=False) == 400_000
    assert deck_bytes(PLAN, 40_000, shared=True) == 280_000  # 12 seconds of 40 are a shared screen
