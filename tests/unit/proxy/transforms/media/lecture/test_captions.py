"""Captions from foreign files come out clean."""

import pytest

from proxy.transforms.media.lecture.captions import Cue, cues_in, language_tag, plain, vtt

VTT = b"""WEBVTT - something

STYLE
::cue { background: url(http://tracker.example/) }

NOTE a comment --> not a cue

1
00:01.000 --> 00:03.500 line:0 position:20%
<v Anna><b>Hello</b> <c.red>all</c>

00:00:04.000 --> 00:00:02.000
backwards

01:00:00.000 --> 01:00:01.000
<script>alert(1)</script> 5 < 6 & 7
"""


def test_times_and_plain_marks_come_through_and_nothing_else():
    cues = cues_in(VTT)
    assert [(cue.start_s, cue.end_s) for cue in cues] == [(1.0, 3.5), (3600.0, 3601.0)]
    assert cues[0].text == "<b>Hello</b> all"
    assert cues[1].text == "alert(1) 5 &lt; 6 &amp; 7"


def test_what_is_written_reads_back_the_same():
    cues = cues_in(VTT)
    assert cues_in(vtt(cues)) == cues


def test_subrip_is_read_too():
    (cue,) = cues_in("1\r\n00:00:01,200 --> 00:00:02,000\r\n{\\an8}Привет\r\n".encode())
    assert cue == Cue(start_s=1.2, end_s=2.0, text="Привет")


@pytest.mark.parametrize("junk", [b"", b"\xff\xfe\x00", b"WEBVTT\n\n00:99:99.000 --> x\nno", b"-->" * 10_000])
def test_junk_has_no_cues(junk):
    assert cues_in(junk) == []


def test_a_cue_can_not_smuggle_another_one_in():
    (cue,) = cues_in(b"00:01.000 --> 00:02.000\ntext 00:05.000 --> 00:06.000\n")
    assert "-->" not in cue.text


def test_a_transcript_has_no_marks():
    assert plain(Cue(start_s=0, end_s=1, text="<i>a</i> &lt;b&gt;\nc &amp; d")) == "a <b> c & d"


@pytest.mark.parametrize(("code", "tag"), [("rus", "ru"), ("und", ""), ("pt-br", "pt-br"), ('"><', ""), ("ru", "ru")])
def test_languages_become_tags(code, tag):
    assert language_tag(code) == tag
