"""Which frames become pictures, and in how many runs."""

from pathlib import Path

from proxy.transforms.media.lecture.stills import Still, poster_still, readings, still_of, wanted
from proxy.transforms.media.lecture.values import Shot


def shot(at_s, until_s, *, still_from_s=None, picture=0):
    since = at_s if still_from_s is None else still_from_s
    return Shot(at_s=at_s, until_s=until_s, still_from_s=since, still_until_s=until_s, picture=picture)


def test_a_slide_is_taken_complete_and_before_it_goes():
    frames = still_of(shot(10, 40, still_from_s=33)).frames
    assert len(frames) == 5
    assert min(frames) / 2 >= 33.5
    assert max(frames) / 2 <= 39


def test_a_short_slide_still_gives_a_frame():
    assert still_of(shot(10, 12, still_from_s=11.5)).frames == (24,)


def test_of_two_showings_the_longer_one_is_drawn():
    chosen = wanted([shot(0, 5), shot(5, 9, picture=1), shot(9, 60)])
    assert [still.picture for still in chosen] == [1, 0]
    assert min(chosen[1].frames) / 2 > 50


def test_far_slides_are_sought_and_near_ones_read_in_one_run():
    stills = [Still(picture=n, frames=(at, at + 2)) for n, at in enumerate((10, 24, 400, 2000))]
    runs = readings(stills, Path("film.mp4"), (960, 540), Path("/work"))
    assert [len(one.stills) for one in runs] == [2, 1, 1]
    assert "-ss" in runs[1].run.args
    assert runs[1].run.args[runs[1].run.args.index("-ss") + 1] == "199.500"
    assert len({one.run.pipe for one in runs}) == 3


def test_a_run_names_each_frame_once():
    (only,) = readings([Still(picture=0, frames=(4, 6)), Still(picture=1, frames=(6, 8))], Path("f"), (2, 2), Path())
    chain = only.run.args[only.run.args.index("-vf") + 1]
    assert chain.count("eq(n") == 3


def test_a_poster_lies_within_a_short_film():
    assert max(poster_still(4.0).frames) / 2 <= 4.0
