"""Light copies of office documents: pictures and films smaller, text to the byte, names that fit, bombs refused."""

from __future__ import annotations

import io
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree
from PIL import Image, ImageChops, ImageStat

from proxy.exchange import Refused, Unchanged
from proxy.transforms.media.documents.office import film_args, make_office, sound_args
from proxy.transforms.media.documents.office_copy import lighten_office
from proxy.transforms.media.documents.office_pictures import smaller_picture
from proxy.transforms.media.documents.renames import relationships_renamed, resolved, types_renamed
from proxy.transforms.media.documents.values import Hostile, NoCopy
from proxy.transforms.media.spec import CappedSpec, MediaMade, MediaOutcome, OfficeSpec, SoundSpec
from proxy.transforms.media.tools import find_ffmpeg
from proxy.transforms.media.workbench import Bench
from tests.documents import RELS, big_photo, docx, docx_parts, odt, package, pptx, relationship, types, zip_of
from tests.media_samples import run
from tests.pictures import saved, screen

SPEC = OfficeSpec()


def lightened(source: Path, spec: OfficeSpec = SPEC) -> zipfile.ZipFile:
    told = lighten_office(source, source.parent, spec, made={})
    return zipfile.ZipFile(source.parent / told["made"]["main"])


def why_not(source: Path) -> tuple[type[Exception], str]:
    with pytest.raises((NoCopy, Hostile)) as raised:
        lighten_office(source, source.parent, SPEC, made=None)
    return raised.type, str(raised.value)


async def at_bench(source: Path, folder: Path) -> MediaOutcome:
    folder.mkdir()
    return await make_office(source, SPEC, Bench(folder, find_ffmpeg()))


def picture(copy: zipfile.ZipFile, name: str) -> Image.Image:
    image = Image.open(io.BytesIO(copy.read(name)))
    image.load()
    return image


def difference(one: Image.Image, other: Image.Image) -> float:
    mean = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB").resize(one.size))).mean
    return sum(mean) / 3


# -- what becomes smaller ----------------------------------------------------------------------------------------


async def test_a_light_copy_is_made_at_the_bench(tmp_path: Path) -> None:
    source = docx(tmp_path / "source.docx")
    outcome = await at_bench(source, tmp_path / "bench")
    assert isinstance(outcome, MediaMade), outcome
    assert outcome.main == "copy.docx" and outcome.content_type.endswith("wordprocessingml.document")
    assert outcome.length_bytes < source.stat().st_size / 3
    assert (outcome.facts["pictures"], outcome.facts["adapted"], outcome.facts["renamed"]) == (3, 3, 1)
    assert [path.name for path in (tmp_path / "bench").iterdir()] == ["copy.docx"]


def test_a_photograph_kept_as_png_becomes_a_jpeg_everywhere_it_is_named(tmp_path: Path) -> None:
    copy = lightened(docx(tmp_path / "a.docx"))
    assert "word/media/image1.jpeg" in copy.namelist() and "word/media/image1.png" not in copy.namelist()
    for name in ("word/_rels/document.xml.rels", "word/_rels/header1.xml.rels"):
        told = copy.read(name)
        assert b'Target="media/image1.jpeg"' in told and b'Target="media/image1.png"' not in told
    assert b"https://example.org/media/image1.png" in copy.read("word/_rels/document.xml.rels")
    root = etree.fromstring(copy.read("[Content_Types].xml"))
    defaults = {one.get("Extension"): one.get("ContentType") for one in root if one.get("Extension")}
    assert defaults["jpeg"] == defaults["jpg"] == "image/jpeg" and defaults["png"] == "image/png"
    image = picture(copy, "word/media/image1.jpeg")
    assert image.format == "JPEG" and image.width == SPEC.max_width_px and difference(image, big_photo()) < 6


def test_everything_else_is_the_same_to_the_byte(tmp_path: Path) -> None:
    parts = docx_parts()
    copy = lightened(docx(tmp_path / "a.docx"))
    edited = {"[Content_Types].xml", "word/_rels/document.xml.rels", "word/_rels/header1.xml.rels"}
    for name in parts.keys() - edited - {f"word/media/image{n}.{e}" for n, e in ((1, "png"), (2, "jpg"), (3, "png"))}:
        assert copy.read(name) == parts[name], name


def test_a_jpeg_keeps_its_name_and_a_screenshot_its_letters(tmp_path: Path) -> None:
    copy = lightened(docx(tmp_path / "a.docx"))
    assert picture(copy, "word/media/image2.jpg").width == SPEC.max_width_px
    shot = picture(copy, "word/media/image3.png")
    assert shot.format == "PNG" and shot.width == 1366 and difference(shot, screen(1366, 768)) < 1


def test_the_part_that_a_reader_needs_first_goes_first_and_equal_sources_give_equal_bytes(tmp_path: Path) -> None:
    source = docx(tmp_path / "a.docx")
    first = lightened(source)
    assert first.namelist()[:2] == ["[Content_Types].xml", "_rels/.rels"]
    before = (tmp_path / "copy.docx").read_bytes()
    lightened(source)
    assert (tmp_path / "copy.docx").read_bytes() == before


def test_a_new_name_never_takes_anothers_place(tmp_path: Path) -> None:
    def also_jpeg(parts: dict[str, bytes]) -> None:
        parts["word/media/IMAGE1.jpeg"] = saved(big_photo(seed=9), "JPEG", quality=92)

    copy = lightened(docx(tmp_path / "a.docx", also_jpeg))
    assert {"word/media/image1-1.jpeg", "word/media/IMAGE1.jpeg"} <= set(copy.namelist())
    assert b"media/image1-1.jpeg" in copy.read("word/_rels/document.xml.rels")


def test_an_odt_keeps_every_name_and_its_mimetype_first_and_stored(tmp_path: Path) -> None:
    source = odt(tmp_path / "a.odt")
    with zipfile.ZipFile(source) as before:
        copy = lightened(source)
        assert sorted(copy.namelist()) == sorted(before.namelist())
        first = copy.infolist()[0]
        assert (first.filename, first.compress_type, first.extra) == ("mimetype", zipfile.ZIP_STORED, b"")
        assert copy.read("content.xml") == before.read("content.xml")
        assert picture(copy, "Pictures/2000.jpg").width == SPEC.max_width_px


async def test_a_film_in_a_presentation_is_capped_and_one_that_is_none_stays(tmp_path: Path) -> None:
    pictures = ["-f", "lavfi", "-i", "testsrc2=s=854x480:r=25:d=3", "-f", "lavfi", "-i", "sine=440:d=3"]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "3M", "-c:a", "aac"]
    run([*pictures, *coding, str(tmp_path / "film.mov")])
    film = (tmp_path / "film.mov").read_bytes()
    broken = bytes(250_000)
    source = pptx(tmp_path / "a.pptx", {"media1.mov": film, "media2.mp4": broken})
    outcome = await at_bench(source, tmp_path / "bench")
    assert isinstance(outcome, MediaMade), outcome
    assert (outcome.main, outcome.facts["films"], outcome.facts["renamed"]) == ("copy.pptx", 1, 1)
    with zipfile.ZipFile(tmp_path / "bench" / "copy.pptx") as copy:
        made = copy.read("ppt/media/media1.mp4")
        assert copy.read("ppt/media/media2.mp4") == broken and len(made) < len(film) / 4
        assert b"../media/media1.mp4" in copy.read("ppt/slides/_rels/slide1.xml.rels")
    (tmp_path / "made.mp4").write_bytes(made)
    probe = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name,height", "-of", "csv=p=0"]
    told = subprocess.run([*probe, str(tmp_path / "made.mp4")], check=True, capture_output=True, text=True).stdout
    assert "h264,240" in told and "aac" in told
    assert [path.name for path in (tmp_path / "bench").iterdir()] == ["copy.pptx"]


async def test_a_wav_that_only_a_transition_plays_stays_a_wav(tmp_path: Path) -> None:
    run(["-f", "lavfi", "-i", "sine=440:d=5", str(tmp_path / "s.wav")])
    sound = (tmp_path / "s.wav").read_bytes()
    outcome = await at_bench(pptx(tmp_path / "a.pptx", {"media1.wav": sound}), tmp_path / "bench")
    assert isinstance(outcome, MediaMade) and outcome.facts["films"] == 0
    with zipfile.ZipFile(tmp_path / "bench" / "copy.pptx") as copy:
        assert copy.read("ppt/media/media1.wav") == sound


def test_the_arguments_for_films_and_sounds() -> None:
    film = " ".join(film_args("in.mov", "out.mp4", CappedSpec(max_height_px=180)))
    assert "scale=-2:trunc(min(180\\,ih)/2)*2" in film and "-map 0:a?" in film and film.endswith("out.mp4")
    assert "-c:v libx264" in film and "-fpsmax 15" in film and "-map_metadata -1" in film
    sound = " ".join(sound_args("in.wav", "out.m4a", SoundSpec()))
    assert "-c:a aac" in sound and "-b:a 16000" in sound and "-ac 1" in sound


# -- one picture -------------------------------------------------------------------------------------------------


def test_a_turned_camera_picture_stays_turned_and_tells_no_place() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "where it was taken"
    body = saved(big_photo(), "JPEG", quality=92, exif=exif.tobytes())
    made = smaller_picture(body, "jpg", SPEC, may_rename=True)
    assert made is not None
    image = Image.open(io.BytesIO(made.body))
    assert image.width > image.height and dict(image.getexif()) == {0x0112: 6}


def test_fewer_pixels_to_the_inch_keep_the_inches() -> None:
    made = smaller_picture(saved(big_photo(), "JPEG", quality=92, dpi=(180, 180)), "jpg", SPEC, may_rename=False)
    assert made is not None
    image = Image.open(io.BytesIO(made.body))
    assert image.width / image.info["dpi"][0] == pytest.approx(1800 / 180, rel=0.01)


def test_transparency_stays() -> None:
    image = big_photo(600, 400).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    made = smaller_picture(saved(image, "PNG"), "png", OfficeSpec(max_width_px=300), may_rename=True)
    assert made is not None and made.extension == "png"
    assert Image.open(io.BytesIO(made.body)).getchannel("A").getextrema()[0] < 10


@pytest.mark.parametrize(
    ("body", "extension"),
    [
        (saved(screen(200, 100), "PNG"), "png"),
        (saved(big_photo(1000, 700), "JPEG", quality=50), "jpg"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20_000), "png"),
        (saved(big_photo(), "JPEG", quality=90)[:30_000], "jpg"),
        (saved(big_photo(), "JPEG", quality=90), "emf"),
        (saved(big_photo(), "PNG"), "jpg"),
        (saved(big_photo().convert("CMYK"), "JPEG", quality=90), "jpg"),
    ],
)
def test_what_is_small_broken_mislabelled_or_not_understood_stays(body: bytes, extension: str) -> None:
    assert smaller_picture(body, extension, SPEC, may_rename=True) is None


# -- names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("media/image1.png", "word/media/image1.png"),
        ("/word/media/image1.png", "word/media/image1.png"),
        ("../ppt/media/a%20b.png", "ppt/media/a b.png"),
        ("../../../etc/passwd", "etc/passwd"),
    ],
)
def test_a_target_is_found_relative_to_its_part(target: str, expected: str) -> None:
    assert resolved("word/_rels/document.xml.rels", target) == expected


def test_relationships_that_name_nothing_renamed_stay_to_the_byte() -> None:
    body = RELS.format(rows=relationship(1, "image", "media/image2.png")).encode() + b"\n"
    assert relationships_renamed("word/_rels/a.rels", body, {"word/media/image1.png": "word/media/image1.jpeg"}) is body


def test_an_override_follows_its_part() -> None:
    told = types("word/media/image1.png", "x")
    assert b'PartName="/word/media/image1.jpeg" ContentType="image/jpeg"' in types_renamed(
        told, {"word/media/image1.png": "word/media/image1.jpeg"}
    )


def test_an_entity_in_relationships_is_never_resolved() -> None:
    body = b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><Relationships>&x;</Relationships>'
    with pytest.raises(NoCopy, match="damaged"):
        relationships_renamed("word/_rels/a.rels", body, {"a": "b"})


# -- which files have no copy ------------------------------------------------------------------------------------


def signature(parts: dict[str, bytes]) -> None:
    parts["_xmlsignatures/origin.sigs"] = b""


def macro(parts: dict[str, bytes]) -> None:
    parts["word/vbaProject.bin"] = b"x"


def entity(parts: dict[str, bytes]) -> None:
    parts["word/_rels/document.xml.rels"] = b'<!DOCTYPE r [<!ENTITY x "y">]><Relationships/>'


def only_a_metafile(parts: dict[str, bytes]) -> None:
    for name in [name for name in parts if "/media/" in name and not name.endswith(".emf")]:
        del parts[name]


SHEET = {"[Content_Types].xml": types("xl/a.xml", "sheet")}
NOT_OURS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "signed docx": (lambda path: docx(path, signature), "signed"),
    "signed odt": (lambda path: odt(path, signed=True), "signed"),
    "macros by type": (lambda path: docx(path, macros=True), "macros"),
    "macros by part": (lambda path: docx(path, macro), "macros"),
    "encrypted odt": (lambda path: odt(path, encrypted=True), "encrypted"),
    "a spreadsheet": (lambda path: package(path, SHEET), "not-a-known-kind"),
    "a plain archive": (lambda path: package(path, {"a.txt": b"a" * 99}), "not-a-known-kind"),
    "entities": (lambda path: docx(path, entity), "damaged"),
    "nothing to gain": (lambda path: docx(path, only_a_metafile), "not-smaller"),
}


@pytest.mark.parametrize("name", NOT_OURS)
def test_a_document_that_is_not_ours_to_touch_has_no_copy(name: str, tmp_path: Path) -> None:
    build, why = NOT_OURS[name]
    assert why_not(build(tmp_path / "source")) == (NoCopy, why)


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0" + bytes(9000), b"%PDF-1.7"])
def test_what_is_no_package_has_no_copy(body: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(body)
    assert why_not(tmp_path / "a.docx") == (NoCopy, "not-a-package")


def test_a_damaged_part_has_no_copy(tmp_path: Path) -> None:
    body = bytearray(docx(tmp_path / "a.docx").read_bytes())
    place = body.index(b"word/media/image2.jpg") + 5000
    body[place : place + 200] = bytes(200)
    (tmp_path / "b.docx").write_bytes(body)
    assert why_not(tmp_path / "b.docx") == (NoCopy, "damaged")


# -- hostile packages --------------------------------------------------------------------------------------------


def overlapping() -> bytes:
    """Fifty names for the same bytes."""
    body = zip_of([("a" + str(n).zfill(3), bytes(100_000)) for n in range(50)])
    directory = body.index(b"PK\x01\x02")
    parts, place = bytearray(body[directory:]), 0
    while parts[place : place + 4] == b"PK\x01\x02":
        lengths = struct.unpack_from("<HHH", parts, place + 28)
        struct.pack_into("<I", parts, place + 42, 0)
        place += 46 + sum(lengths)
    cut = body.index(b"PK\x03\x04", 4)
    end = parts.index(b"PK\x05\x06")
    struct.pack_into("<I", parts, end + 16, cut)
    return body[:cut] + bytes(parts)


def encrypted_flag() -> bytes:
    body = bytearray(zip_of([("word/a.xml", b"x" * 99)]))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(mark) + offset] |= 1
    return bytes(body)


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "a name that leaves": (lambda: zip_of([("../../etc/cron.d/x", b"x")]), "name-that-leaves"),
    "an absolute name": (lambda: zip_of([("/etc/passwd", b"x")]), "name-that-leaves"),
    "a drive": (lambda: zip_of([("C:/x", b"x")]), "name-that-leaves"),
    "one name twice": (lambda: zip_of([("word/a.xml", b"x"), ("Word/A.xml", b"y")]), "name-twice"),
    "encrypted parts": (encrypted_flag, "encrypted-parts"),
    "many parts": (lambda: zip_of([(f"p{n}", b"") for n in range(10_001)]), "too-many-parts"),
    "a bomb": (lambda: zip_of([("word/a.xml", bytes(120 << 20))]), "unpacks-to-too-much"),
    "overlapping parts": (overlapping, "parts-overlap"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_package_is_refused_before_a_part_is_unpacked(name: str, tmp_path: Path) -> None:
    build, why = HOSTILE[name]
    (tmp_path / "a.docx").write_bytes(build())
    assert why_not(tmp_path / "a.docx") == (Hostile, why)


async def test_what_the_worker_says_becomes_an_outcome(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(HOSTILE["one name twice"][0]())
    assert await at_bench(tmp_path / "a.docx", tmp_path / "one") == Refused(why="name-twice")
    assert await at_bench(docx(tmp_path / "b.docx", signature), tmp_path / "two") == Unchanged(why="signed")
