"""Light copies of documents: bytes before and after, and CPU, for each kind of document."""

from __future__ import annotations

import resource
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.image_corpus import corpus
from bench.suite import Report, Table
from proxy.transforms.media.documents.office_copy import lighten_office
from proxy.transforms.media.documents.pdf import PRINT_SPEC, READ_SPEC
from proxy.transforms.media.documents.pdf_copy import lighten_pdf
from proxy.transforms.media.documents.values import NoCopy
from proxy.transforms.media.spec import OfficeSpec
from tests.documents import Pdf, big_photo, docx, drawn_at, odt, pdf_form, pdf_of_line_art, pdf_of_scans, pptx, scan
from tests.pictures import saved

METHOD = (
    "method: documents built from fixed seeds, `real photographs` from those that scikit-image carries, 6.7 inches "
    "wide;\neach copied once in this process (no jail, embedded films left out); CPU of this process. read: 96 dpi, "
    "print: 150 dpi, office: 1280 px."
)
Build = Callable[[Path], Path]


def run(*, quick: bool) -> Report:
    """Every document as every copy that it can have."""
    with tempfile.TemporaryDirectory() as name:
        rows = tuple(_rows(Path(name), pages=2 if quick else 10))
    head = ("document", "copy", "before kB", "after kB", "left %", "pictures", "CPU s")
    return Report(suite="documents", method=METHOD, tables=(Table(title="Light copies", head=head, rows=rows),))


def _rows(folder: Path, *, pages: int) -> Iterator[tuple[object, ...]]:
    builds: dict[str, Build] = {
        f"PDF, {pages} pages of photographs": lambda path: _photos(path, pages),
        "PDF, real photographs": _real_photos,
        f"PDF, {pages} scanned pages": lambda path: pdf_of_scans(path, pages),
        "PDF, scan in black and white": _bitonal,
        "PDF, a screenshot": pdf_of_line_art,
        "PDF, a form": pdf_form,
    }
    for label, build in builds.items():
        source = build(folder / "source.pdf")
        for name, spec in (("read", READ_SPEC), ("print", PRINT_SPEC)):
            yield _row(label, name, source, folder, lambda source=source, spec=spec: _pdf(source, folder, spec))
    photos = {f"image{n}.png": saved(big_photo(seed=n), "PNG") for n in range(2, pages + 2)}
    offices: dict[str, Build] = {
        "DOCX, photographs and a screenshot": docx,
        f"PPTX, {pages} photographs kept as PNG": lambda path: pptx(path, photos),
        "ODT, a photograph and a screenshot": odt,
    }
    for label, build in offices.items():
        source = build(folder / "source.zip")
        yield _row(label, "office", source, folder, lambda source=source: _office(source, folder))


def _pdf(source: Path, folder: Path, spec: object) -> tuple[Path, int]:
    target = folder / "copy.pdf"
    return target, int(lighten_pdf(source, target, spec)["adapted"])  # type: ignore[arg-type]


def _office(source: Path, folder: Path) -> tuple[Path, int]:
    told = lighten_office(source, folder, OfficeSpec(), made={})["made"]
    return folder / told["main"], int(told["adapted"])


def _row(label: str, copy: str, source: Path, folder: Path, work: Callable[[], tuple[Path, int]]) -> tuple[object, ...]:
    before, started = source.stat().st_size, _cpu_s()
    try:
        target, adapted = work()
    except NoCopy as reason:
        return label, copy, before / 1e3, f"none: {reason}", "-", "-", _cpu_s() - started
    after = target.stat().st_size
    return label, copy, before / 1e3, after / 1e3, 100 * after / before, adapted, _cpu_s() - started


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _photos(path: Path, pages: int) -> Path:
    doc = Pdf()
    for number in range(pages):
        doc.page({"P": doc.jpeg(big_photo(seed=number))}, drawn_at("P", 480, 320))
    return doc.save(path)


def _real_photos(path: Path) -> Path:
    import io

    from PIL import Image

    doc = Pdf()
    for sample in corpus():
        if sample.kind == "photo":
            image = Image.open(io.BytesIO(sample.body)).convert("RGB")
            height = 480 * image.height / image.width
            doc.page({"P": doc.jpeg(image, 88)}, drawn_at("P", 480, height))
    return doc.save(path)


def _bitonal(path: Path) -> Path:
    doc = Pdf()
    image = scan(2480, 3508).point(lambda value: 255 * (value > 128), "1")
    picture = doc.flate(scan())
    picture.write(zlib.compress(image.tobytes()), filter=picture.Filter)
    picture.Width, picture.Height, picture.BitsPerComponent = 2480, 3508, 1
    doc.page({"S": picture}, drawn_at("S", 595, 842))
    return doc.save(path)
