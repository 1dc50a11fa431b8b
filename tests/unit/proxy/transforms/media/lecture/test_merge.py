"""One picture from several frames."""

import numpy as np

from proxy.transforms.media.lecture.merge import merged, sharpness
from tests.lecture_pictures import LOOKS, Slide, speaker


def slide():
    return np.array(Slide(3, "text", LOOKS[0]).paint(480, 270))


def test_a_pointer_that_moves_is_gone():
    frames = [slide() for _ in range(5)]
    for number, frame in enumerate(frames):
        frame[100:110, 60 * number : 60 * number + 10] = (250, 20, 20)
    assert np.array_equal(merged(frames), slide())


def test_noise_gets_less():
    rng = np.random.default_rng(4)
    clean = slide().astype(np.int16)
    frames = [(clean + rng.normal(0, 5, clean.shape)).clip(0, 255).astype(np.uint8) for _ in range(5)]
    assert np.abs(merged(frames) - clean).mean() < 0.75 * np.abs(frames[-1] - clean).mean()


def test_a_speaker_is_whole():
    frames = [slide() for _ in range(5)]
    for number, frame in enumerate(frames):
        frame[150:260, 320:470] = speaker(1, number * 1.1, 150, 110)
    face = merged(frames)[170:240, 340:450]
    assert np.array_equal(face, frames[-1][170:240, 340:450])


def test_of_a_shaken_film_the_sharpest_frame_is_taken():
    sharp = slide()
    blurred = ((sharp.astype(int) + np.roll(sharp, 2, 1) + np.roll(sharp, 4, 1)) // 3).astype(np.uint8)
    assert sharpness(sharp) > sharpness(blurred)
    assert merged([blurred, sharp, blurred], shaken=True) is sharp


def test_one_frame_is_the_picture():
    only = slide()
    assert merged([only]) is only
