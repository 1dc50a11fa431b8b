"""Recordings of BigBlueButton: what they say, what was drawn on them, and the slidecast that they become."""

import pytest
from PIL import Image

from proxy.exchange import Refused
from proxy.transforms.media.lecture.bbb import make_bbb_slidecast
from proxy.transforms.media.lecture.bbb_plan import NotARecording, recording, safe_path, style_of, visible
from proxy.transforms.media.lecture.bbb_shapes import drawn
from proxy.transforms.media.lecture.model import lecture_from
from proxy.transforms.media.spec import MediaMade, SlidecastSpec
from tests.bbb_recordings import DECK, FILES, write_recording
from tests.unit.proxy.transforms.media.benches import bench, needs_ffmpeg

PLAN = recording({name: text.encode() for name, text in FILES.items()})


def test_a_slide_that_was_shown_twice_has_two_showings():
    shown = [(showing.at_s, showing.until_s, showing.page.files[0].rpartition("/")[2]) for showing in PLAN.showings]
    assert shown == [
        (0.0, 10.0, "slide-1.png"),
        (10.0, 20.0, "slide-2.png"),
        (20.0, 24.0, "slide-1.png"),
        (36.0, 40.0, "slide-3.png"),
    ]


def test_title_length_text_chat_and_captions_are_read():
    assert (PLAN.title, PLAN.duration_s) == ("Методика, занятие 3", 40.0)
    assert PLAN.showings[0].page.text == "Введение План занятия"
    assert [(said.at_s, said.name, said.text) for said in PLAN.chat] == [
        (4.0, "Илья", "5 < 7"),
        (15.0, "Анна", "Где файл? Не вижу"),
    ]
    assert PLAN.captions == (("ru", "Русский"),)
    assert PLAN.shares_s == ((24.0, 36.0),)


def test_of_a_line_that_grew_the_last_state_stands():
    page = PLAN.showings[0].page
    assert [shape.element.get("id") for shape in visible(page, 2.2)] == ["draw0"]
    assert [shape.element.get("id") for shape in visible(page, 4.0)] == ["draw1", "draw2"]
    assert [shape.element.get("id") for shape in visible(page, 9.9)] == ["draw1"]


def painted(page_number, at_s):
    page = PLAN.showings[page_number].page
    return drawn(Image.new("RGB", (800, 600), "white"), visible(page, at_s), page.width, page.height)


def test_lines_curves_ellipses_and_text_are_drawn_where_they_were():
    assert painted(0, 9).getpixel((400, 300)) == (255, 0, 0)
    board = painted(1, 15.9)
    assert board.getpixel((150, 125)) == (255, 0, 0)  # the path's straight part
    assert board.getpixel((200, 350)) == (255, 0, 0)  # the ellipse's top
    assert board.getpixel((200, 400)) == (255, 255, 255)  # and nothing within it
    blue = sum(pixel[2] > 150 and pixel[0] < 100 for pixel in board.crop((400, 400, 700, 500)).get_flattened_data())
    assert blue > 100
    assert painted(1, 18).getpixel((600, 200)) == (0, 0xAA, 0)


def test_the_drawing_scales_with_the_slide():
    page = PLAN.showings[0].page
    small = drawn(Image.new("RGB", (400, 300), "white"), visible(page, 9), page.width, page.height)
    assert small.getpixel((200, 150)) == (255, 0, 0)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../b", "http://x/y.png", "a//b", ""])
def test_a_name_that_leads_out_of_the_recording_is_none(name):
    assert safe_path(name) is None


def test_foreign_entities_are_not_opened():
    bomb = (
        '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/hostname"><!ENTITY b "&a;&a;">]>'
        "<recording><meta><meetingName>x&b;y</meetingName></meta></recording>"
    )
    assert recording({"metadata.xml": bomb.encode()}).title in ("x", "xy")


@pytest.mark.parametrize("name", sorted(FILES))
def test_one_damaged_file_costs_no_more_than_itself(name):
    files = {other: text.encode() for other, text in FILES.items()}
    files[name] = b"<broken \xff"
    plan = recording(files)
    assert plan.showings or name == "shapes.svg"


def test_a_folder_of_anything_else_is_no_recording():
    with pytest.raises(NotARecording):
        recording({"metadata.xml": b"", "shapes.svg": b"not xml"})


def test_hostile_numbers_draw_nothing_far_away():
    svg = (
        '<svg><image id="i" class="slide" in="0" out="9" href="presentation/d/slide-1.png" width="1e9" height="nan"/>'
        '<g class="canvas" image="i"><g class="shape" timestamp="1e999" undo="-1" shape="a" style="stroke:#ff0000">'
        '<path d="M 1e308 1e308 L -1e308 zz 5 A 0 0 0 1 1 9 9 C"/></g></g></svg>'
    )
    (showing,) = recording({"shapes.svg": svg.encode()}).showings
    page = showing.page
    drawn(Image.new("RGB", (80, 60)), page.shapes, page.width, page.height)


def test_styles_are_read_like_a_browser_does():
    assert style_of("stroke:#ff0000; fill : none;;x") == {"stroke": "#ff0000", "fill": "none"}


@needs_ffmpeg
async def test_a_recording_becomes_a_slidecast_of_its_own_deck(tmp_path):
    folder = tmp_path / "recording"
    folder.mkdir()
    write_recording(folder, share=True)
    work = bench(tmp_path)
    made = await make_bbb_slidecast(folder, SlidecastSpec(), work)
    assert isinstance(made, MediaMade)
    lecture = lecture_from((work.folder / made.main).read_bytes())
    # The board of the second slide was wiped at 16 s: what stood there before is kept.
    assert [round(slide.at_s) for slide in lecture.slides] == [0, 10, 16, 20, 24, 30, 36]
    assert lecture.slides[3].file == lecture.slides[0].file
    assert lecture.title == "Методика, занятие 3"
    assert [line.name for line in lecture.chat] == ["Илья", "Анна"]
    assert lecture.captions[0].lang == "ru"
    assert lecture.slides[0].text == "Введение План занятия"
    with Image.open(work.folder / lecture.slides[0].file) as slide:
        red, green, blue = slide.convert("RGB").getpixel((480, 360))
        assert red > 200 and green < 80 and blue < 80  # the line that was drawn on it
    assert {path.name for path in work.folder.rglob("*") if path.is_file()} == {
        name.split("/")[-1] for name in made.files
    }


@needs_ffmpeg
async def test_a_folder_without_a_recording_is_refused(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert await make_bbb_slidecast(empty, SlidecastSpec(), bench(tmp_path)) == Refused(why="not-a-recording")


@needs_ffmpeg
async def test_without_film_and_sound_the_deck_remains(tmp_path):
    folder = tmp_path / "recording"
    folder.mkdir()
    write_recording(folder)
    (folder / "video" / "webcams.webm").unlink()
    deck = folder / "presentation" / DECK
    (deck / "slide-2.png").write_bytes(b"no picture")
    (deck / "notes.bin").write_bytes(bytes(500_000))  # a recording is never smaller than its slidecast
    made = await make_bbb_slidecast(folder, SlidecastSpec(), bench(tmp_path))
    assert isinstance(made, MediaMade)
    # The second slide's picture is broken, so it is left out, and the first one stays on.
    assert [round(slide["at_s"]) for slide in made.facts["slides"]] == [0, 36]
    assert made.facts["sound"] == ()
