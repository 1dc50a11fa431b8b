"""Documents for tests, built by hand from fixed seeds: PDFs with every kind of picture, office packages."""

from __future__ import annotations

import io
import random
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from tests.pictures import photo, saved, screen

A4 = (595, 842)
TEXT = b"BT /F1 12 Tf 72 780 Td (Lesson three: thin links) Tj ET\n"


def big_photo(width: int = 1800, height: int = 1200, seed: int = 1) -> Image.Image:
    """A photograph as cameras make them, cheap to draw."""
    return _big_photo(width, height, seed).copy()


@lru_cache(maxsize=8)
def _big_photo(width: int, height: int, seed: int) -> Image.Image:
    return photo(width // 2, height // 2, seed=seed).resize((width, height), Image.Resampling.BICUBIC)


def scan(width: int = 1240, height: int = 1754, seed: int = 1) -> Image.Image:
    """A page of print on slightly uneven paper, grey, 150 dpi on A4."""
    return _scan(width, height, seed).copy()


@lru_cache(maxsize=8)
def _scan(width: int, height: int, seed: int) -> Image.Image:
    rng = random.Random(seed)
    image = Image.new("L", (width, height), 246)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(26)
    for row in range(100, height - 100, 44):
        words = " ".join("".join(rng.choice("aeioutrnskl") for _ in range(rng.randrange(2, 9))) for _ in range(11))
        draw.text((110, row), words, font=font, fill=30)
    noise = Image.frombytes("L", (width, height), rng.randbytes(width * height))
    return Image.blend(image.filter(ImageFilter.GaussianBlur(0.6)), noise, 0.02)


class Pdf:
    """A PDF in the making; each page says a line of text and draws what it is given."""

    def __init__(self) -> None:
        self.pdf = pikepdf.new()
        self.font = self.pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))

    def picture(self, body: bytes, size: tuple[int, int], space: object, kind: str, **more: object) -> Stream:
        made = Stream(self.pdf, body)
        made.Type, made.Subtype = Name.XObject, Name.Image
        made.Width, made.Height, made.ColorSpace, made.BitsPerComponent = *size, space, 8
        if kind:
            made.Filter = Name("/" + kind)
        for name, value in more.items():
            made["/" + name] = value
        return made

    def jpeg(self, image: Image.Image, quality: int = 90, **more: object) -> Stream:
        space = {"L": Name.DeviceGray, "RGB": Name.DeviceRGB, "CMYK": Name.DeviceCMYK}[image.mode]
        return self.picture(saved(image, "JPEG", quality=quality), image.size, space, "DCTDecode", **more)

    def flate(self, image: Image.Image, **more: object) -> Stream:
        space = {"L": Name.DeviceGray, "RGB": Name.DeviceRGB, "CMYK": Name.DeviceCMYK}[image.mode]
        return self.picture(zlib.compress(image.tobytes()), image.size, space, "FlateDecode", **more)

    def page(self, pictures: Mapping[str, object], drawing: bytes, **more: object) -> pikepdf.Page:
        page = Dictionary(Type=Name.Page, MediaBox=Array([0, 0, *A4]))
        page.Resources = Dictionary(
            Font=Dictionary(F1=self.font), XObject=Dictionary({"/" + name: it for name, it in pictures.items()})
        )
        page.Contents = Stream(self.pdf, TEXT + drawing)
        for name, value in more.items():
            page["/" + name] = value
        self.pdf.pages.append(pikepdf.Page(page))
        return self.pdf.pages[-1]

    def save(self, path: Path, **options: object) -> Path:
        self.pdf.save(path, **options)  # type: ignore[arg-type]
        return path


def drawn_at(name: str, width_pt: float, height_pt: float) -> bytes:
    return f"q {width_pt} 0 0 {height_pt} 60 200 cm /{name} Do Q\n".encode()


def pdf_of_photos(path: Path, count: int = 3) -> Path:
    """Photographs of about 270 dpi, an outline, a link, metadata, private data and a thumbnail."""
    doc = Pdf()
    for number in range(count):
        doc.page({"P": doc.jpeg(big_photo(seed=number))}, drawn_at("P", 480, 320))
    with doc.pdf.open_outline() as outline:
        outline.root.append(pikepdf.OutlineItem("First", 0))
    first = doc.pdf.pages[0].obj
    link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([60, 700, 200, 720]))
    link.A = Dictionary(S=Name.URI, URI=pikepdf.String("https://example.org/"))
    first.Annots = Array([doc.pdf.make_indirect(link)])
    first.PieceInfo = Dictionary(Maker=Dictionary(Private=Stream(doc.pdf, bytes(9000))))
    first.Thumb = doc.flate(photo(90, 60))
    doc.pdf.docinfo["/Title"] = "Лекция 3"
    return doc.save(path)


def pdf_of_scans(path: Path, count: int = 2) -> Path:
    doc = Pdf()
    for number in range(count):
        doc.page({"S": doc.jpeg(scan(seed=number))}, drawn_at("S", 595, 842))
    return doc.save(path)


def pdf_of_line_art(path: Path) -> Path:
    doc = Pdf()
    doc.page({"A": doc.flate(screen(1366, 768))}, drawn_at("A", 480, 270))
    return doc.save(path)


def pdf_form(path: Path) -> Path:
    """A form with a text field beside a photograph."""
    doc = Pdf()
    doc.page({"P": doc.jpeg(big_photo())}, drawn_at("P", 480, 320))
    field = Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, Rect=Array([72, 90, 300, 110]))
    field.T, field.V = pikepdf.String("Имя"), pikepdf.String("Анна")
    made = doc.pdf.make_indirect(field)
    doc.pdf.pages[0].obj.Annots = Array([made])
    doc.pdf.Root.AcroForm = Dictionary(Fields=Array([made]), NeedAppearances=True)
    return doc.save(path)


def pdf_signed(path: Path, *, flags: bool = True, byte_range: bool = True) -> Path:
    doc = Pdf()
    doc.page({"P": doc.jpeg(big_photo())}, drawn_at("P", 480, 320))
    value = Dictionary(Type=Name.Sig, Filter=Name("/Adobe.PPKLite"), Contents=pikepdf.String(bytes(64)))
    if byte_range:
        value.ByteRange = Array([0, 10, 20, 30])
    field = Dictionary(FT=Name.Sig, T=pikepdf.String("s"), V=doc.pdf.make_indirect(value))
    doc.pdf.Root.AcroForm = Dictionary(Fields=Array([doc.pdf.make_indirect(field)]), SigFlags=3 if flags else 0)
    return doc.save(path)


# -- office ----------------------------------------------------------------------------------------------------

TYPES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>{more}'
    '<Override PartName="/{main}" ContentType="{type}"/></Types>'
)
RELS = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{rows}</Relationships>'
)
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "application/vnd.openxmlformats-officedocument.{}.main+xml"
EXTENSIONS = {"jpeg": "image/jpeg", "png": "image/png", "emf": "image/x-emf", "mp4": "video/mp4", "wav": "audio/wav"}


def relationship(number: int, kind: str, target: str, *, external: bool = False) -> str:
    mode = ' TargetMode="External"' if external else ""
    return f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"{mode}/>'


def package(path: Path, parts: Mapping[str, bytes], *, stored: tuple[str, ...] = ()) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        for name, body in parts.items():
            made.writestr(name, body, zipfile.ZIP_STORED if name in stored else None)
    return path


def types(main: str, kind: str, *, macros: bool = False) -> bytes:
    more = "".join(
        f'<Default Extension="{ext}" ContentType="{it}"/>' for ext, it in EXTENSIONS.items() if ext != "jpeg"
    )
    told = MAIN.format(kind) if not macros else "application/vnd.ms-word.document.macroEnabled.main+xml"
    return TYPES.format(more=more, main=main, type=told).encode()


def docx_parts(*, macros: bool = False) -> dict[str, bytes]:
    """A text with a photograph as PNG, one as JPEG, a screenshot, a metafile, a link away, a picture in a header."""
    rows = [
        relationship(1, "image", "media/image1.png"),
        relationship(2, "image", "/word/media/image2.jpg"),
        relationship(3, "image", "media/image3.png"),
        relationship(4, "image", "media/image4.emf"),
        relationship(5, "hyperlink", "https://example.org/media/image1.png", external=True),
        relationship(6, "header", "header1.xml"),
    ]
    pictures = "".join(f'<w:p><w:r><w:t>Рисунок {n}</w:t></w:r><a:blip r:embed="rId{n}"/></w:p>' for n in (1, 2, 3, 4))
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<w:document xmlns:w="urn:w" xmlns:a="urn:a" '
        f'xmlns:r="{OFFICE}"><w:body>{pictures}</w:body></w:document>'
    ).encode()
    jpg = b'<Default Extension="jpg" ContentType="image/jpeg"/><Override'
    return {
        "_rels/.rels": RELS.format(rows=relationship(1, "officeDocument", "word/document.xml")).encode(),
        "word/document.xml": body,
        "word/_rels/document.xml.rels": RELS.format(rows="".join(rows)).encode(),
        "word/header1.xml": b'<w:hdr xmlns:w="urn:w"/>',
        "word/_rels/header1.xml.rels": RELS.format(rows=relationship(1, "image", "media/image1.png")).encode(),
        "word/media/image1.png": saved(big_photo(), "PNG"),
        "word/media/image2.jpg": saved(big_photo(seed=2), "JPEG", quality=92),
        "word/media/image3.png": saved(screen(1366, 768), "PNG"),
        "word/media/image4.emf": random.Random(4).randbytes(40_000),
        "[Content_Types].xml": types("word/document.xml", "wordprocessingml.document", macros=macros).replace(
            b"<Override", jpg, 1
        ),
    }


def docx(path: Path, change: Callable[[dict[str, bytes]], object] | None = None, *, macros: bool = False) -> Path:
    """`change` edits the parts before they are packed."""
    parts = docx_parts(macros=macros)
    if change is not None:
        change(parts)
    return package(path, parts)


def pptx(path: Path, media: Mapping[str, bytes]) -> Path:
    """One slide with a photograph and whatever `media` names, by relationships like PowerPoint's own."""
    names = list(media)
    rows = [relationship(1, "image", "../media/image1.jpeg")]
    rows += [relationship(2 + at, "video", f"../media/{name}") for at, name in enumerate(names)]
    parts = {
        "[Content_Types].xml": types("ppt/presentation.xml", "presentationml.presentation").replace(
            b"<Override", b'<Default Extension="jpeg" ContentType="image/jpeg"/><Override', 1
        ),
        "_rels/.rels": RELS.format(rows=relationship(1, "officeDocument", "ppt/presentation.xml")).encode(),
        "ppt/presentation.xml": b'<p:presentation xmlns:p="urn:p"/>',
        "ppt/slides/slide1.xml": "<p:sld xmlns:p='urn:p'>Занятие</p:sld>".encode(),
        "ppt/slides/_rels/slide1.xml.rels": RELS.format(rows="".join(rows)).encode(),
        "ppt/media/image1.jpeg": saved(big_photo(), "JPEG", quality=92),
    }
    return package(path, parts | {f"ppt/media/{name}": body for name, body in media.items()})


def odt(path: Path, *, signed: bool = False, encrypted: bool = False) -> Path:
    told = b"<manifest:encryption-data/>" if encrypted else b""
    parts = {
        "mimetype": b"application/vnd.oasis.opendocument.text",
        "content.xml": "<office:document-content xmlns:office='urn:o'>Занятие</office:document-content>".encode(),
        "Pictures/1000.png": saved(screen(1366, 768), "PNG"),
        "Pictures/2000.jpg": saved(big_photo(), "JPEG", quality=92),
        "META-INF/manifest.xml": b"<manifest:manifest xmlns:manifest='urn:m'>" + told + b"</manifest:manifest>",
    }
    if signed:
        parts["META-INF/documentsignatures.xml"] = b"<document-signatures/>"
    return package(path, parts, stored=("mimetype",))


def zip_of(members: list[tuple[str, bytes]]) -> bytes:
    """A package whose names zipfile wouldn't write twice without a warning."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, body in members:
            made.writestr(zipfile.ZipInfo(name), body, zipfile.ZIP_DEFLATED)
    return target.getvalue()
