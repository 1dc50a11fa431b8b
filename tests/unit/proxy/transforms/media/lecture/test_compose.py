"""Whole films into slidecasts, by the real tools in their jail."""

import json
import shutil
import subprocess

import pytest

from proxy.exchange import Refused
from proxy.transforms.media.check import checked_files
from proxy.transforms.media.jail import Limits
from proxy.transforms.media.lecture.compose import make_slidecast
from proxy.transforms.media.lecture.model import lecture_from
from proxy.transforms.media.lecture.parts import SideText
from proxy.transforms.media.spec import MediaMade, SlidecastSpec, SoundSpec
from proxy.transforms.media.workbench import Bench
from tests.lecture_films import film
from tests.lecture_marks import marked
from tests.lecture_samples import talking_head, with_speaker
from tests.media_samples import FFMPEG, kept, sound
from tests.unit.proxy.transforms.media.benches import TOOL, bench, needs_ffmpeg

pytestmark = needs_ffmpeg
SPEC = SlidecastSpec(slide_width_px=480)
LECTURE = with_speaker(2, 40.0)
SRT = "1\n00:00:02,000 --> 00:00:05,000\nДобрый день\n"
CHAPTERS = (
    ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=20000\ntitle=Начало\n"
    "[CHAPTER]\nTIMEBASE=1/1000\nSTART=20000\nEND=40000\ntitle=Дальше\n"
)


def lecture_film():
    return kept("lecture-speaker-2.mp4", lambda path: film(LECTURE, path, height_px=360, fps=6))


def with_texts(path):
    """The same film with a text track in Russian and two chapters."""
    (path.parent / "s.srt").write_text(SRT)
    (path.parent / "c.txt").write_text(CHAPTERS)
    inputs = ["-i", str(lecture_film()), "-i", str(path.parent / "s.srt"), "-i", str(path.parent / "c.txt")]
    maps = ["-map", "0:v", "-map", "0:a", "-map", "1", "-map_metadata", "2", "-c:v", "copy", "-c:a", "copy"]
    texts = ["-c:s", "mov_text", "-metadata:s:s:0", "language=rus", str(path)]
    subprocess.run([FFMPEG, "-v", "error", "-y", *inputs, *maps, *texts], check=True, timeout=60)


async def test_a_lecture_becomes_its_slides_sound_captions_and_chapters(tmp_path):
    source = kept("lecture-speaker-2-texts.mp4", with_texts)
    done = []
    work = bench(tmp_path, on_progress=done.append)
    made = await make_slidecast(source, SPEC, work)
    assert isinstance(made, MediaMade)
    assert checked_files(made, work.folder, source.stat().st_size) is made
    assert {path.name for path in work.folder.rglob("*") if path.is_file()} == {
        name.split("/")[-1] for name in made.files
    }
    lecture = lecture_from((work.folder / made.main).read_bytes())
    mark = marked(LECTURE, [slide.at_s for slide in lecture.slides])
    assert (mark.hits, mark.extra) == (mark.labelled, 0)
    assert lecture.duration_s == pytest.approx(40, abs=1)
    assert [one.type.partition(";")[0] for one in lecture.sound] == ["audio/webm", "audio/mp4"]
    assert [(text.file, text.lang) for text in lecture.captions] == [("captions-1.vtt", "ru")]
    assert "Добрый день" in (work.folder / "captions-1.vtt").read_text()
    assert [(chapter.at_s, chapter.title) for chapter in lecture.chapters] == [(0, "Начало"), (20, "Дальше")]
    assert made.facts["slides"][0]["file"] == "slides/001.webp"
    json.dumps(made.facts)
    assert done == sorted(done)


async def test_a_talking_head_becomes_sound_and_one_picture(tmp_path):
    source = kept("lecture-head-2.mp4", lambda path: film(talking_head(2, 30.0), path, height_px=360, fps=6))
    made = await make_slidecast(source, SPEC, bench(tmp_path))
    assert isinstance(made, MediaMade)
    assert (made.facts["form"], made.facts["verdict"]) == ("sound-poster", "talking-head")
    assert len(made.facts["slides"]) == 1
    assert "sound.webm" in made.files


async def test_captions_that_lay_beside_the_film_come_along(tmp_path):
    beside = tmp_path / "lecture.vtt"
    beside.write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nСлово\n")
    side = [SideText(path=beside, lang="ru", label="Субтитры")]
    made = await make_slidecast(lecture_film(), SPEC, bench(tmp_path), beside=side)
    assert isinstance(made, MediaMade)
    assert made.facts["captions"] == ({"file": "captions-1.vtt", "lang": "ru", "label": "Субтитры"},)


async def test_without_a_fallback_there_is_one_sound(tmp_path):
    spec = SlidecastSpec(slide_width_px=320, fallback_sound=False, sound=SoundSpec(bitrate_bps=12_000))
    made = await make_slidecast(lecture_film(), spec, bench(tmp_path))
    assert isinstance(made, MediaMade)
    assert [one["file"] for one in made.facts["sound"]] == ["sound.webm"]


async def test_what_reads_a_whole_film_has_time_by_its_length(tmp_path):
    source, allowed_s, told_s = lecture_film(), [], []

    class Noting(Bench):
        async def ffmpeg(self, args, *, reads, media_s=None, deadline_s=None, **more):
            whole = source in reads and "-t" not in args and "ffmetadata" not in args
            allowed_s.extend([deadline_s or self.limits.deadline_s(media_s)] if whole else [])
            told_s.append(media_s)
            return await super().ffmpeg(args, reads=reads, media_s=media_s, deadline_s=deadline_s, **more)

    (tmp_path / "noting").mkdir()
    made = await make_slidecast(
        source, SPEC, Noting(tmp_path / "noting", TOOL, limits=Limits(base_s=60, per_media_s=2))
    )
    assert isinstance(made, MediaMade) and len(allowed_s) >= 3  # the watching, the sound, its copy for old devices
    assert min(allowed_s) > 60 + LECTURE.duration_s / 2
    assert told_s[0] == pytest.approx(LECTURE.duration_s, abs=1)  # so that its watching is told as progress


async def test_a_sound_file_is_no_lecture(tmp_path):
    assert await make_slidecast(sound("mp3"), SPEC, bench(tmp_path)) == Refused(why="no-video")


async def test_a_film_that_breaks_off_leaves_no_pipe_behind(tmp_path):
    broken = tmp_path / "broken.mp4"
    shutil.copy(lecture_film(), broken)
    with broken.open("r+b") as file:
        file.truncate(broken.stat().st_size // 2)
    work = bench(tmp_path)
    made = await make_slidecast(broken, SPEC, work)
    assert not [path for path in work.folder.iterdir() if path.is_fifo()]
    assert isinstance(made, MediaMade | Refused)
