"""Documents as a course hands them out: PDF with pictures, a signed PDF, DOCX, PPTX, ZIP. Same bytes each time."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

from PIL import Image, ImageDraw

from proxy.demo.course.assets.drawing import font, grain, paragraph, seeded
from proxy.demo.course.assets.slides import SLIDES

_A4 = (1240, 1754)  # 150 dots an inch
_PROGRAMME = (
    (
        "Пояснительная записка",
        (
            "Программа рассчитана на 72 часа и обращена к учителям сельских школ, которые учатся без "
            "отрыва от работы. Занятия построены так, чтобы главное открывалось при медленной связи: "
            "текст, схемы, короткие задания. Видео и вебинары дополняют курс и не являются единственным "
            "источником ни одной темы."
        ),
    ),
    (
        "Планируемые результаты",
        (
            "Слушатель проектирует занятие для смешанного обучения, выбирает средства по возможностям "
            "школы, даёт обратную связь в письменной и звуковой форме, оценивает работы по критериям и "
            "ведёт обсуждение на форуме. Итогом становится план темы, проверенный на своих учениках."
        ),
    ),
    (
        "Порядок аттестации",
        (
            "Зачёт ставится за три практические работы, участие в двух обсуждениях и итоговый тест. Тест "
            "можно пройти трижды; засчитывается лучшая попытка. Если связь оборвалась, ответы, "
            "сохранённые системой, остаются в попытке."
        ),
    ),
)
_MEMO = (
    (
        "Памятка слушателя",
        (
            "Сохраните эту памятку на телефон. Здесь собрано то, что нужно, когда страница не "
            "открывается: телефон методического кабинета вашего района, часы консультаций, порядок сдачи "
            "работ без интернета."
        ),
    ),
    (
        "Если связь слабая",
        (
            "Читайте текст темы без картинок. Лекцию слушайте в звуке. Большие файлы ставьте на ночь. "
            "Фотографии работ уменьшайте до 1600 точек по длинной стороне: почерк останется читаемым."
        ),
    ),
)


def _page(number: int, heading: str, text: str, picture: Image.Image | None) -> Image.Image:
    image = Image.new("RGB", _A4, "white")
    draw = ImageDraw.Draw(image)
    draw.text(
        (120, 90), "Учебный портал · Дистанционные технологии в сельской школе", font=font(22), fill=(106, 115, 123)
    )
    draw.line((120, 130, 1120, 130), fill=(15, 108, 191), width=4)
    draw.text((120, 170), heading, font=font(44), fill=(29, 33, 37))
    y = paragraph(draw, (120, 260), text, size_px=27, width_px=1000, fill=(29, 33, 37))
    if picture is not None:
        copy = picture.convert("RGB")
        copy.thumbnail((1000, 1650 - y - 60))
        image.paste(copy, (120, y + 40))
    draw.text((1100, 1680), str(number), font=font(24), fill=(106, 115, 123))
    return grain(image, seeded("page", heading), 3)


def pdf(pages: list[Image.Image], *, signed: bool = False) -> bytes:
    """A PDF 1.6 with one JPEG a page; `signed` adds a form with a signature dictionary (ISO 32000-1, 12.8).

    The signature's value is arbitrary bytes: what matters here is that a changed file would no longer match it.
    """
    count = len(pages)
    kids = " ".join(f"{3 + 3 * i} 0 R" for i in range(count))
    form = f"/AcroForm<</SigFlags 3/Fields[{3 + 3 * count} 0 R]>>" if signed else ""
    bodies = [f"<</Type/Catalog/Pages 2 0 R{form}>>".encode(), f"<</Type/Pages/Count {count}/Kids[{kids}]>>".encode()]
    for i, page in enumerate(pages):
        packed = io.BytesIO()
        page.save(packed, "JPEG", quality=86)
        data, own = packed.getvalue(), 3 + 3 * i
        bodies.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {own + 1} 0 R"
            f"/Resources<</XObject<</I {own + 2} 0 R>>>>>>".encode()
        )
        bodies.append(_stream(b"", b"q 595 0 0 842 0 0 cm /I Do Q"))
        shape = f"/Type/XObject/Subtype/Image/Width {page.width}/Height {page.height}/ColorSpace/DeviceRGB"
        bodies.append(_stream(f"{shape}/BitsPerComponent 8/Filter/DCTDecode".encode(), data))
    if signed:
        mark = seeded("signature").randbytes(2048).hex()
        bodies.append(
            f"<</FT/Sig/T(signature)/V {4 + 3 * count} 0 R/Type/Annot/Subtype/Widget/Rect[0 0 0 0]>>".encode()
        )
        ranges = "/ByteRange[0 1000 5200 1000]"
        bodies.append(
            f"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached{ranges}/Contents<{mark}>>>".encode()
        )
    return _assemble(bodies)


def _stream(entries: bytes, data: bytes) -> bytes:
    return b"<<" + entries + b"/Length %d>>stream\n" % len(data) + data + b"\nendstream"


def _assemble(bodies: list[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.6\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table, key = len(out), hashlib.md5(bytes(out), usedforsecurity=False).hexdigest()
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += f"trailer<</Size {len(bodies) + 1}/Root 1 0 R/ID[<{key}><{key}>]>>\nstartxref\n{table}\n%%EOF\n".encode()
    return bytes(out)


def _zip(parts: dict[str, bytes | str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, (2024, 9, 1, 8, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return packed.getvalue()


_TYPES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/><Default Extension="jpeg" ContentType="image/jpeg"/>'
    "{}</Types>"
)
_RELATIONS = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"


def _relation(number: int, kind: str, target: str) -> str:
    return f'<Relationship Id="rId{number}" Type="{_OFFICE}/relationships/{kind}" Target="{target}"/>'


def docx(pictures: list[bytes]) -> bytes:
    """A Word document: the programme's text, with the pictures in its media folder."""
    lines = [t for part in (*_PROGRAMME, *_MEMO) for t in part]
    text = "".join(f"<w:p><w:r><w:t>{escape(line)}</w:t></w:r></w:p>" for line in lines)
    body = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:document '
        f'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{text}</w:body></w:document>'
    )
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    parts: dict[str, bytes | str] = {
        "[Content_Types].xml": _TYPES.format(f'<Override PartName="/word/document.xml" ContentType="{kind}"/>'),
        "_rels/.rels": _RELATIONS.format(_relation(1, "officeDocument", "word/document.xml")),
        "word/document.xml": body,
        "word/_rels/document.xml.rels": _RELATIONS.format(
            "".join(_relation(i, "image", f"media/image{i}.jpeg") for i in range(1, len(pictures) + 1))
        ),
    }
    return _zip(parts | {f"word/media/image{i}.jpeg": data for i, data in enumerate(pictures, 1)})


def pptx(pictures: list[bytes]) -> bytes:
    """The lecture's slides packed as a presentation (a package with its media; its slide masters are left out)."""
    kind = "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
    space = "http://schemas.openxmlformats.org/presentationml/2006/main"
    parts: dict[str, bytes | str] = {
        "[Content_Types].xml": _TYPES.format(f'<Override PartName="/ppt/presentation.xml" ContentType="{kind}"/>'),
        "_rels/.rels": _RELATIONS.format(_relation(1, "officeDocument", "ppt/presentation.xml")),
        "ppt/presentation.xml": f'<?xml version="1.0" encoding="UTF-8"?><p:presentation xmlns:p="{space}"/>',
    }
    return _zip(parts | {f"ppt/media/image{i}.jpeg": data for i, data in enumerate(pictures, 1)})


def _jpeg(image: Image.Image, quality: int) -> bytes:
    packed = io.BytesIO()
    image.convert("RGB").save(packed, "JPEG", quality=quality)
    return packed.getvalue()


def build(frames: Path, photos: Path, folder: Path) -> None:
    """Write all documents, with pictures taken from the slides and the photographs."""
    slides = [Image.open(frames / f"slide{n:02d}.png") for n in range(1, len(SLIDES) + 1)]
    shots = [Image.open(path) for path in sorted(photos.glob("*-1600.jpg"))]
    sheets = [_page(n, *part, (shots + slides)[n - 1]) for n, part in enumerate(_PROGRAMME, 1)]
    sheets += [_page(n, s.title, "; ".join(s.points) + ".", slides[n - 4]) for n, s in enumerate(SLIDES[:4], 4)]
    (folder / "programma-kursa.pdf").write_bytes(pdf(sheets))
    memo = [_page(n, *part, None) for n, part in enumerate(_MEMO, 1)]
    (folder / "pamyatka-podpisana.pdf").write_bytes(pdf(memo, signed=True))
    pictures = [_jpeg(shot, 92) for shot in shots] + [_jpeg(page, 92) for page in slides[:3]]
    (folder / "plan-uroka.docx").write_bytes(docx(pictures))
    (folder / "lekciya-6.pptx").write_bytes(pptx([_jpeg(page, 95) for page in slides] + pictures[:3]))
    bundle: dict[str, bytes | str] = {
        name: (folder / name).read_bytes() for name in ("plan-uroka.docx", "pamyatka-podpisana.pdf")
    }
    (folder / "razdatochnye-materialy.zip").write_bytes(_zip(bundle | {"photo.jpeg": pictures[0]}))
