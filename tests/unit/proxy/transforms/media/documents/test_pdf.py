"""Light copies of PDFs: what becomes smaller, what stays to the byte, and which files have no copy."""

from __future__ import annotations

import io
import random
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Stream
from PIL import Image, ImageChops, ImageCms, ImageStat

from proxy.exchange import Refused, Unchanged
from proxy.transforms.media.documents.pdf import PRINT_SPEC, READ_SPEC, make_pdf
from proxy.transforms.media.documents.pdf_copy import lighten_pdf
from proxy.transforms.media.documents.values import Hostile, NoCopy
from proxy.transforms.media.spec import MediaMade, PdfSpec
from proxy.transforms.media.workbench import Bench
from tests.documents import (
    Pdf,
    big_photo,
    drawn_at,
    pdf_form,
    pdf_of_line_art,
    pdf_of_photos,
    pdf_of_scans,
    pdf_signed,
    scan,
)
from tests.pictures import photo, saved, screen

OPEN: list[pikepdf.Pdf] = []  # whose pictures a test still looks at


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def lightened(source: Path, spec: PdfSpec = READ_SPEC) -> Path:
    target = source.with_name(f"copy-{spec.dpi}.pdf")
    lighten_pdf(source, target, spec)
    return target


def why_not(source: Path, spec: PdfSpec = READ_SPEC) -> str:
    with pytest.raises((NoCopy, Hostile)) as raised:
        lightened(source, spec)
    return str(raised.value)


def pictures(path: Path, page: int = 0) -> dict[str, Stream]:
    pdf = pikepdf.open(path)
    OPEN.append(pdf)
    return {str(name): it for name, it in pdf.pages[page].obj.Resources.XObject.items() if it.Subtype == Name.Image}


def shown(picture: Stream) -> Image.Image:
    """By pikepdf's own decoder, which is not the recipe's."""
    image = pikepdf.PdfImage(picture).as_pil_image()
    if image.mode == "CMYK" and picture.Filter == Name.DCTDecode:  # Pillow turns these, PDFs don't
        return Image.merge("CMYK", [ImageChops.invert(band) for band in image.split()])
    return image if image.mode != "I;16" else Image.frombytes("L", image.size, image.tobytes()[1::2])


def difference(one: Image.Image, other: Image.Image) -> float:
    same = other.convert("RGB").resize(one.size)
    mean = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), same)).mean
    return sum(mean) / 3


# -- what becomes smaller ----------------------------------------------------------------------------------------


async def test_a_read_copy_is_made_at_the_bench(tmp_path: Path) -> None:
    source, folder = pdf_of_photos(tmp_path / "source.pdf"), tmp_path / "bench"
    folder.mkdir()
    outcome = await make_pdf(source, READ_SPEC, Bench(folder, None))
    assert isinstance(outcome, MediaMade), outcome
    assert (outcome.main, outcome.content_type, outcome.files) == ("copy.pdf", "application/pdf", ("copy.pdf",))
    assert outcome.length_bytes == (folder / "copy.pdf").stat().st_size < source.stat().st_size / 10
    assert (outcome.facts["pages"], outcome.facts["adapted"], outcome.facts["dpi"]) == (3, 3, 96)
    assert [path.name for path in folder.iterdir()] == ["copy.pdf"]


async def test_a_signed_file_is_unchanged_at_the_bench(tmp_path: Path) -> None:
    outcome = await make_pdf(pdf_signed(tmp_path / "signed.pdf"), READ_SPEC, Bench(tmp_path, None))
    assert outcome == Unchanged(why="signed")


async def test_what_the_worker_cannot_even_open_is_refused(tmp_path: Path) -> None:
    assert await make_pdf(tmp_path / "missing.pdf", READ_SPEC, Bench(tmp_path, None)) == Refused(why="exit")


def test_pictures_come_down_to_what_the_page_shows_and_no_further(tmp_path: Path) -> None:
    source = pdf_of_photos(tmp_path / "a.pdf", 1)
    read, printed = lightened(source), lightened(source, PRINT_SPEC)
    (small,), (large,) = pictures(read).values(), pictures(printed).values()
    assert (int(small.Width), int(small.Height)) == (640, 427)  # 480 by 320 points at 96 dpi
    assert (int(large.Width), int(large.Height)) == (1000, 667)  # at 150
    assert read.stat().st_size < printed.stat().st_size < source.stat().st_size
    assert difference(shown(small), big_photo(seed=0)) < 6 and difference(shown(large), big_photo(seed=0)) < 6


def test_a_copy_is_linearised_and_the_same_each_time(tmp_path: Path) -> None:
    source = pdf_of_photos(tmp_path / "a.pdf", 1)
    first = lightened(source).read_bytes()
    assert lightened(source).read_bytes() == first
    with pikepdf.open(io.BytesIO(first)) as copy:
        assert copy.is_linearized and copy.check_pdf_syntax() == []


def test_text_outline_links_and_title_stay_and_private_data_goes(tmp_path: Path) -> None:
    source = pdf_of_photos(tmp_path / "a.pdf", 1)
    with pikepdf.open(source) as before, pikepdf.open(lightened(source)) as after:
        first = after.pages[0].obj
        assert first.Contents.read_bytes() == before.pages[0].obj.Contents.read_bytes()
        assert str(first.Annots[0].A.URI) == "https://example.org/" and str(after.docinfo["/Title"]) == "Лекция 3"
        with after.open_outline() as outline:
            assert [item.title for item in outline.root] == ["First"]
        assert "/PieceInfo" not in first and "/Thumb" not in first


def test_a_form_keeps_its_fields(tmp_path: Path) -> None:
    with pikepdf.open(lightened(pdf_form(tmp_path / "a.pdf"))) as after:
        (field,) = after.Root.AcroForm.Fields
        assert (str(field.T), str(field.V), field.objgen) == ("Имя", "Анна", after.pages[0].obj.Annots[0].objgen)


def test_print_keeps_more_pixels_than_photographs_and_its_letters_stay_sharp(tmp_path: Path) -> None:
    source = pdf_of_scans(tmp_path / "a.pdf", 1)
    (small,) = pictures(lightened(source)).values()
    assert int(small.Width) > 96 * 595 / 72 * 1.2
    assert difference(shown(small), scan(seed=0)) < 7


def test_a_drawing_of_few_colours_stays_exact(tmp_path: Path) -> None:
    source = pdf_of_line_art(tmp_path / "a.pdf")
    (small,) = pictures(lightened(source)).values()
    assert small.Filter == Name.FlateDecode and difference(shown(small), screen(1366, 768)) < 1


def test_of_several_uses_the_largest_counts(tmp_path: Path) -> None:
    doc = Pdf()
    picture = doc.jpeg(big_photo())
    doc.page({"P": picture}, drawn_at("P", 48, 32))
    doc.page({"P": picture}, drawn_at("P", 480, 320))
    (small,) = pictures(lightened(doc.save(tmp_path / "a.pdf"))).values()
    assert int(small.Width) == 640


def test_a_picture_drawn_through_nested_forms_is_measured_where_it_ends_up(tmp_path: Path) -> None:
    doc = Pdf()
    picture = doc.jpeg(big_photo())

    def form(inside: Stream, drawing: bytes, **more: object) -> Stream:
        made = Stream(doc.pdf, drawing)
        made.Type, made.Subtype, made.BBox = Name.XObject, Name.Form, Array([0, 0, 1, 1])
        made.Resources = Dictionary(XObject=Dictionary(X=inside))
        for name, value in more.items():
            made["/" + name] = value
        return made

    inner = form(picture, b"q 1 0 0 1 0 0 cm /X Do Q", Matrix=Array([2, 0, 0, 2, 0, 0]))
    outer = form(inner, b"q 0 12 -8 0 0 0 cm /X Do Q")  # turned by a right angle
    doc.page({"F": outer}, b"q 10 0 0 10 60 200 cm /F Do Q")
    source = doc.save(tmp_path / "a.pdf")
    with pikepdf.open(lightened(source)) as after:
        small = after.pages[0].obj.Resources.XObject.F.Resources.XObject.X.Resources.XObject.X
        assert (int(small.Width), int(small.Height)) == (320, 213)  # 240 by 160 points, whichever way it lies


# -- every kind of picture ---------------------------------------------------------------------------------------


def icc(doc: Pdf) -> Array:
    profile = Stream(doc.pdf, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile.N = 3
    return Array([Name.ICCBased, doc.pdf.make_indirect(profile)])


def indexed(doc: Pdf) -> Stream:
    image = big_photo().quantize(256)
    table = bytes(image.getpalette() or b"").ljust(768, b"\0")
    space = Array([Name.Indexed, Name.DeviceRGB, 255, pikepdf.String(table)])
    return doc.picture(zlib.compress(image.tobytes()), image.size, space, "FlateDecode")


def sixteen_bits(doc: Pdf) -> Stream:
    grey = big_photo().convert("L")
    wide = b"".join(bytes((value, 0)) for value in grey.tobytes())
    made = doc.picture(zlib.compress(wide), grey.size, Name.DeviceGray, "FlateDecode")
    made.BitsPerComponent = 16
    return made


def wrapped(doc: Pdf) -> Stream:
    image = big_photo()
    made = doc.picture(zlib.compress(saved(image, "JPEG", quality=90)), image.size, Name.DeviceRGB, "")
    made.Filter = Array([Name.FlateDecode, Name.DCTDecode])
    return made


KINDS: dict[str, Callable[[Pdf], Stream]] = {
    "grey": lambda doc: doc.flate(big_photo().convert("L")),
    "rgb": lambda doc: doc.flate(big_photo()),
    "icc": lambda doc: doc.picture(zlib.compress(big_photo().tobytes()), (1800, 1200), icc(doc), "FlateDecode"),
    "indexed": indexed,
    "sixteen bits": sixteen_bits,
    "wrapped twice": wrapped,
    "jpeg 2000": lambda doc: doc.picture(
        saved(big_photo(), "JPEG2000", quality_layers=[12]), (1800, 1200), Name.DeviceRGB, "JPXDecode"
    ),
    "cmyk": lambda doc: doc.flate(big_photo().convert("CMYK")),
    "turned": lambda doc: doc.jpeg(ImageChops.invert(big_photo()), Decode=Array([1, 0, 1, 0, 1, 0])),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_photograph_keeps_its_look_and_its_colour_space(kind: str, tmp_path: Path) -> None:
    doc = Pdf()
    doc.page({"P": KINDS[kind](doc)}, drawn_at("P", 480, 320))
    source = doc.save(tmp_path / "a.pdf")
    (before,), (after,) = pictures(source).values(), pictures(lightened(source)).values()
    assert int(after.Width) == 640 and int(after.Length) < int(before.Length) / 3
    told = "/DeviceRGB" if kind == "indexed" else repr(before.get("/ColorSpace"))
    assert told.split()[0] in repr(after.get("/ColorSpace"))
    assert repr(after.get("/Decode")) == repr(before.get("/Decode"))
    # both by the same decoder, raw: what a colour space or Decode does to them it does to both
    assert difference(shown(after), shown(before)) < 6


def test_a_cmyk_jpeg_keeps_its_channels_as_they_are_stored(tmp_path: Path) -> None:
    doc = Pdf()
    doc.page({"P": doc.jpeg(big_photo().convert("CMYK"))}, drawn_at("P", 480, 320))
    source = doc.save(tmp_path / "a.pdf")
    (before,), (after,) = pictures(source).values(), pictures(lightened(source)).values()
    one, two = (Image.open(io.BytesIO(it.read_raw_bytes())) for it in (before, after))
    assert two.mode == "CMYK" and difference(two, one) < 6


def test_transparency_shrinks_with_its_picture_and_keeps_its_shades(tmp_path: Path) -> None:
    doc = Pdf()
    ramp = ImageChops.multiply(Image.linear_gradient("L").resize((1800, 1200)), big_photo(seed=3).convert("L"))
    mask = doc.flate(ramp)
    doc.page({"P": doc.jpeg(big_photo(), SMask=doc.pdf.make_indirect(mask))}, drawn_at("P", 480, 320))
    source = doc.save(tmp_path / "a.pdf")
    (after,) = pictures(lightened(source)).values()
    assert int(after.SMask.Width) < 1800 and after.SMask.Filter == Name.FlateDecode
    assert difference(shown(after.SMask), ramp) < 2


# -- what stays --------------------------------------------------------------------------------------------------


def bitonal(doc: Pdf) -> Stream:
    made = doc.picture(
        zlib.compress(random.Random(1).randbytes(225 * 1200)), (1800, 1200), Name.DeviceGray, "FlateDecode"
    )
    made.BitsPerComponent = 1
    return made


STAYS: dict[str, Callable[[Pdf], Stream]] = {
    "black and white": bitonal,
    "colour key": lambda doc: doc.jpeg(big_photo(seed=4), Mask=Array([0, 5, 0, 5, 0, 5])),
    "matte": lambda doc: doc.jpeg(
        big_photo(seed=4), SMask=doc.pdf.make_indirect(doc.flate(photo(900, 600).convert("L"), Matte=Array([0, 0, 0])))
    ),
    "odd colour space": lambda doc: doc.picture(
        zlib.compress(big_photo(seed=4).tobytes()),
        (1800, 1200),
        Array([Name.Lab, Dictionary(WhitePoint=Array([1, 1, 1]))]),
        "FlateDecode",
    ),
    "not what it says": lambda doc: doc.picture(
        b"\xff\xd8\xff" + bytes(9000), (1800, 1200), Name.DeviceRGB, "DCTDecode"
    ),
    "other size than told": lambda doc: doc.picture(
        saved(big_photo(seed=4), "JPEG", quality=90), (1700, 1100), Name.DeviceRGB, "DCTDecode"
    ),
    "small already": lambda doc: doc.jpeg(photo(640, 427, seed=4), quality=40),
}


@pytest.mark.parametrize("kind", STAYS)
def test_what_is_not_understood_stays_beside_what_is(kind: str, tmp_path: Path) -> None:
    doc = Pdf()
    kept = STAYS[kind](doc)
    doc.page({"K": kept, "P": doc.jpeg(big_photo(2700, 1800), 95)}, drawn_at("K", 480, 320) + drawn_at("P", 480, 320))
    source = doc.save(tmp_path / "a.pdf")
    before, after = pictures(source), pictures(lightened(source))
    assert int(after["/P"].Width) == 640
    assert (int(after["/K"].Width), int(after["/K"].Height)) == (int(before["/K"].Width), int(before["/K"].Height))
    if before["/K"].Filter == Name.DCTDecode:
        assert after["/K"].read_raw_bytes() == before["/K"].read_raw_bytes()
    else:
        assert after["/K"].read_bytes() == before["/K"].read_bytes()


def test_a_picture_that_a_pattern_also_draws_stays(tmp_path: Path) -> None:
    doc = Pdf()
    picture = doc.pdf.make_indirect(doc.jpeg(big_photo()))
    tile = Stream(doc.pdf, b"q 900 0 0 600 0 0 cm /X Do Q")
    tile.Type, tile.PatternType, tile.PaintType, tile.TilingType = Name.Pattern, 1, 1, 1
    tile.BBox, tile.XStep, tile.YStep = Array([0, 0, 900, 600]), 900, 600
    tile.Resources = Dictionary(XObject=Dictionary(X=picture))
    page = doc.page(
        {"P": picture, "Q": doc.jpeg(big_photo(2700, 1800), 95)}, drawn_at("P", 48, 32) + drawn_at("Q", 480, 320)
    )
    page.obj.Resources.Pattern = Dictionary(T=doc.pdf.make_indirect(tile))
    after = pictures(lightened(doc.save(tmp_path / "a.pdf")))
    assert int(after["/P"].Width) == 1800 and int(after["/Q"].Width) == 640


# -- which files have no copy ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("flags", "byte_range"), [(True, False), (False, True), (False, False)])
def test_a_signed_file_has_no_copy_by_whichever_mark_it_shows(flags: bool, byte_range: bool, tmp_path: Path) -> None:
    assert why_not(pdf_signed(tmp_path / "a.pdf", flags=flags, byte_range=byte_range)) == "signed"


def test_a_file_whose_permissions_are_signed_has_no_copy(tmp_path: Path) -> None:
    doc = Pdf()
    doc.page({"P": doc.jpeg(big_photo())}, drawn_at("P", 480, 320))
    doc.pdf.Root.Perms = Dictionary(DocMDP=Dictionary(Type=Name.Sig))
    assert why_not(doc.save(tmp_path / "a.pdf")) == "signed"


@pytest.mark.parametrize("user", ["", "secret"])
def test_an_encrypted_file_has_no_copy_whether_it_opens_or_not(user: str, tmp_path: Path) -> None:
    doc = Pdf()
    doc.page({"P": doc.jpeg(big_photo())}, drawn_at("P", 480, 320))
    doc.save(tmp_path / "a.pdf", encryption=pikepdf.Encryption(owner="owner", user=user))
    assert why_not(tmp_path / "a.pdf") == "encrypted"


def test_a_file_that_gains_less_than_a_tenth_has_no_copy(tmp_path: Path) -> None:
    again = lightened(pdf_of_photos(tmp_path / "a.pdf", 1)).rename(tmp_path / "b.pdf")
    assert why_not(again) == "not-smaller"


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_cut_off_file_is_damaged_and_nothing_is_mended(share: float, tmp_path: Path) -> None:
    whole = pdf_of_photos(tmp_path / "a.pdf", 2).read_bytes()
    (tmp_path / "cut.pdf").write_bytes(whole[: int(len(whole) * share)])
    assert why_not(tmp_path / "cut.pdf") == "damaged"


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04" + bytes(99), b"%PDF-1.7\n" + bytes(5000), bytes(5000)])
def test_what_is_no_pdf_has_no_copy(body: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(body)
    assert why_not(tmp_path / "a.pdf") in ("not-a-pdf", "damaged")


# -- hostile files -----------------------------------------------------------------------------------------------


def test_a_stream_that_unpacks_to_gigabytes_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(bytes(1 << 20)) for _ in range(400)) + packer.flush()
    doc = Pdf()
    doc.page({"P": doc.picture(body, (1800, 1200), Name.DeviceRGB, "FlateDecode")}, drawn_at("P", 480, 320))
    assert why_not(doc.save(tmp_path / "a.pdf", compress_streams=False)) == "stream-too-large"


def test_a_stream_packed_twice_is_refused(tmp_path: Path) -> None:
    doc = Pdf()
    made = doc.picture(zlib.compress(zlib.compress(bytes(9000))), (100, 30), Name.DeviceRGB, "")
    made.Filter = Array([Name.FlateDecode, Name.FlateDecode])
    doc.page({"P": made}, drawn_at("P", 480, 320))
    assert why_not(doc.save(tmp_path / "a.pdf", compress_streams=False)) == "packed-twice"


def test_forms_that_draw_each_other_a_million_times_end_soon(tmp_path: Path) -> None:
    doc = Pdf()
    inside: Stream = doc.jpeg(photo(90, 60))
    for _ in range(9):
        form = Stream(doc.pdf, b"/X Do " * 12)
        form.Type, form.Subtype, form.BBox = Name.XObject, Name.Form, Array([0, 0, 1, 1])
        form.Resources = Dictionary(XObject=Dictionary(X=doc.pdf.make_indirect(inside)))
        inside = form
    doc.page({"F": inside}, b"/F Do\n")
    assert why_not(doc.save(tmp_path / "a.pdf")) == "too-complex"


def test_a_form_that_draws_itself_ends(tmp_path: Path) -> None:
    doc = Pdf()
    form = doc.pdf.make_indirect(Stream(doc.pdf, b"/X Do"))
    form.Type, form.Subtype, form.BBox = Name.XObject, Name.Form, Array([0, 0, 1, 1])
    form.Resources = Dictionary(XObject=Dictionary(X=form))
    doc.page({"F": form}, b"/F Do\n")
    assert why_not(doc.save(tmp_path / "a.pdf")) == "too-complex"


def test_a_picture_that_announces_too_many_pixels_stays_and_is_never_decoded(tmp_path: Path) -> None:
    doc = Pdf()
    huge = doc.picture(saved(big_photo(seed=4), "JPEG"), (60_000, 60_000), Name.DeviceRGB, "DCTDecode")
    doc.page({"K": huge, "P": doc.jpeg(big_photo(2700, 1800), 95)}, drawn_at("K", 480, 320) + drawn_at("P", 480, 320))
    after = pictures(lightened(doc.save(tmp_path / "a.pdf")))
    assert int(after["/K"].Width) == 60_000 and int(after["/P"].Width) == 640
