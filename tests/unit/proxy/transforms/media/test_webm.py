"""What was made here is looked at without starting a tool; of anything else a tool tells."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.transforms.media.probe import probe
from proxy.transforms.media.sound import make_sound
from proxy.transforms.media.spec import MediaMade, SoundSpec
from proxy.transforms.media.webm import sound_in
from tests import media_samples
from tests.unit.proxy.transforms.media.benches import bench, needs_ffmpeg


@needs_ffmpeg
async def test_it_tells_what_a_tool_tells(tmp_path: Path) -> None:
    at = bench(tmp_path)
    made = await make_sound(media_samples.film(chapters=True), SoundSpec(), at)
    assert isinstance(made, MediaMade)
    path = at.folder / made.main
    told, asked = sound_in(path), await probe(path, at)
    assert told is not None and told.sound is not None and asked.sound is not None
    assert told.duration_s == pytest.approx(asked.duration_s, abs=0.002)
    assert (told.sound.codec, told.sound.channels) == (asked.sound.codec, asked.sound.channels) == ("opus", 1)
    assert [(one.start_s, one.end_s) for one in told.chapters] == [(one.start_s, one.end_s) for one in asked.chapters]
    assert told.length_bytes == path.stat().st_size and len(told.chapters) > 1


@needs_ffmpeg
async def test_of_a_film_and_of_what_holds_no_sound_yet_it_says_nothing(tmp_path: Path) -> None:
    at = bench(tmp_path)
    assert sound_in(media_samples.film()) is None and sound_in(tmp_path / "nothing") is None
    made = await make_sound(media_samples.sound("wav"), SoundSpec(), at)
    assert isinstance(made, MediaMade)
    whole = (at.folder / made.main).read_bytes()
    cut = tmp_path / "cut.webm"
    cut.write_bytes(whole[: whole.index(bytes.fromhex("1f43b675"))])
    assert sound_in(cut) is None


@given(st.binary(max_size=400), st.integers(0, 400))
def test_whatever_it_is_given_it_ends(tmp_path_factory: pytest.TempPathFactory, body: bytes, at: int) -> None:
    path = tmp_path_factory.getbasetemp() / "any.webm"
    head = bytes.fromhex("1a45dfa3 80 18538067 01ffffffffffffff 1549a966 84 2ad7b181 01".replace(" ", ""))
    path.write_bytes(head[:at] + body)
    assert sound_in(path) is None or body
