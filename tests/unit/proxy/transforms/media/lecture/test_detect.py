"""Slides in labelled lectures, drawn frame by frame: what must be found, and what must not be."""

import tracemalloc

import pytest

from proxy.transforms.media.lecture.detect import Detector
from proxy.transforms.media.lecture.verdict import Why
from tests.lecture_marks import marked
from tests.lecture_samples import every_sample
from tests.unit.proxy.transforms.media.lecture.frames import detected, flat, page

SAMPLES = every_sample(31, 52.0)
SLIDES = [sample for sample in SAMPLES if sample.verdict == "slides"]
OTHERS = [sample for sample in SAMPLES if sample.verdict != "slides"]
TITLE = (10, 6, 120, 8)


def by_name(sample):
    return sample.name


@pytest.mark.parametrize("sample", SLIDES, ids=by_name)
def test_every_slide_is_found_and_none_is_made_up(sample):
    found = detected(sample)
    assert found.why is None
    mark = marked(sample, [shot.at_s for shot in found.shots])
    assert mark.labelled >= 2
    assert mark.recall >= 0.98
    assert mark.extra_share <= 0.05


@pytest.mark.parametrize("sample", OTHERS, ids=by_name)
def test_what_is_no_lecture_of_slides_is_told_by_its_kind(sample):
    assert detected(sample).why == sample.verdict


def run(*parts):
    """Frames for so many seconds each."""
    detector = Detector()
    for frame, seconds in parts:
        for _ in range(int(seconds * 2)):
            detector.feed(frame)
    return detector.finish()


def test_a_list_that_grows_is_one_slide_with_its_steps():
    one, two, three = (page(TITLE, *[(20, 30 + 20 * n, 160, 8) for n in range(count)]) for count in (1, 2, 3))
    other = page((10, 60, 200, 60))
    found = run((one, 6), (two, 6), (three, 6), (other, 8))
    assert [round(shot.at_s) for shot in found.shots] == [0, 18]
    assert [round(step) for step in found.shots[0].steps_s] == [6, 12]
    assert found.shots[0].still_from_s >= 12


def test_a_slide_that_returns_is_the_same_picture():
    one, two = page(TITLE, (20, 40, 160, 40)), page((40, 20, 90, 90))
    found = run((one, 6), (two, 6), (one, 6))
    assert [shot.picture for shot in found.shots] == [0, 1, 0]


def test_a_page_that_loses_its_text_under_the_same_title_is_a_new_slide():
    full, empty = page(TITLE, (20, 40, 160, 40)), page(TITLE)
    assert len(run((full, 8), (empty, 8)).shots) == 2


def test_black_between_two_slides_is_no_slide():
    one, two = page(TITLE, (20, 40, 160, 40)), page((40, 20, 90, 90))
    assert len(run((one, 8), (flat(0), 1.5), (two, 8)).shots) == 2


def test_something_that_comes_and_goes_leaves_no_trace():
    bare, covered = page(TITLE, (20, 40, 160, 40)), page(TITLE, (20, 40, 160, 40), (200, 100, 30, 30))
    found = run((bare, 8), (covered, 1.5), (bare, 8))
    assert len(found.shots) == 1
    assert found.shots[0].steps_s == []


def test_a_film_without_frames_has_no_changes():
    assert Detector().finish().why is Why.NO_CHANGES


def test_too_many_distinct_slides_end_the_search():
    pages = [page((5 + 12 * n, 10, 100, 90)) for n in range(12)]
    detector = Detector(max_slides=5)
    for frame in pages:
        for _ in range(16):
            detector.feed(frame)
    found = detector.finish()
    assert found.why is Why.TOO_MANY_CHANGES
    assert len(found.shots) <= 6


def test_memory_does_not_grow_with_the_films_length():
    frames = [page(TITLE, (20, 40, 160, 40)), page((40, 20, 90, 90))]
    detector = Detector()
    for number in range(60):
        detector.feed(frames[number // 30])
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(240):
        detector.feed(frames[number // 30 % 2])
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 300_000


def test_the_same_frames_give_the_same_answer():
    sample = SLIDES[2]
    first, second = detected(sample, 192, 108), detected(sample, 192, 108)
    assert first.shots == second.shots
