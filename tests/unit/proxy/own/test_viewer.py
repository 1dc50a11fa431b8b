"""Light copies of documents: named as what they are, beside the original, never of what is signed."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from urllib.parse import unquote

import pikepdf
import pytest

from tests.documents import docx, pdf_of_photos, pdf_signed, pptx
from tests.media_course import PAGE, Learner, MediaCourse, button, buttons
from tests.serving import Reply, served

PHOTOS = 4


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return pdf_of_photos(tmp_path_factory.mktemp("pdf") / "p.pdf", PHOTOS).read_bytes()


def a_course(name: str, body: bytes) -> tuple[MediaCourse, str]:
    course = MediaCourse()
    path = course.put(name, body)
    return course.with_page(f'<a href="{path}">Документ</a>'), path


async def copy_of(learner: Learner, version: str) -> tuple[Reply, str]:
    """The copy that is asked for by the button at a document's link; and where it was."""
    page = await learner.until(PAGE, lambda page: bool(buttons(page, r"make/\w+")))
    made = await learner.post(f"/.tropa/make/{version}", button(page, r"make/\w+"))
    viewer = str(made.headers["Location"])
    await learner.until_ready_file(viewer)
    return await learner.open(viewer), viewer


def file_name(reply: Reply) -> str:
    told = str(reply.headers["Content-Disposition"])
    found = re.search(r"filename\*=UTF-8''(\S+)", told)
    assert told.startswith("attachment") and found is not None, told
    return unquote(found[1])


async def test_a_pdf_has_copies_to_read_and_to_print_and_keeps_its_cyrillic_name(
    tmp_path: Path, program: bytes
) -> None:
    course, path = a_course("Программа курса.pdf", program)
    async with served(tmp_path, course) as there:
        anna = Learner(there, "anna")
        read, _ = await copy_of(anna, "read")
        printed, _ = await copy_of(anna, "print")
        original = await anna.open(path)
    assert read.status == 200 and read.headers["Content-Type"] == "application/pdf"
    assert file_name(read) == "Программа курса-light.pdf"
    assert file_name(printed) != file_name(read) and "print" in file_name(printed)
    assert len(read.body) < len(printed.body) < len(program)
    for copy in (read, printed):
        with pikepdf.open(io.BytesIO(copy.body)) as pdf:
            assert len(pdf.pages) == PHOTOS
    assert original.body == program  # beside it, never in its place


@pytest.mark.parametrize(("suffix", "part"), [("docx", "word/document.xml"), ("pptx", "ppt/slides/slide1.xml")])
async def test_an_office_document_has_a_light_copy_that_opens_and_leads_to_all_copies(
    tmp_path: Path, suffix: str, part: str
) -> None:
    path = tmp_path / f"d.{suffix}"
    body = (docx(path) if suffix == "docx" else pptx(path, {})).read_bytes().ljust(400_000, b"\0")
    course, _ = a_course(f"Конспект.{suffix}", body)
    async with served(tmp_path, course) as there:
        anna = Learner(there, "anna")
        copy, viewer = await copy_of(anna, "read")
        every = f"{viewer.rpartition('/')[0]}/"
        assert re.search(r'href="/\.tropa/media/[^"]+/">все копии</a>', await anna.read())
        assert buttons(await anna.read(every), "make/print")
    assert file_name(copy) == f"Конспект-light.{suffix}" and len(copy.body) < len(body)
    assert part in zipfile.ZipFile(io.BytesIO(copy.body)).namelist()


async def test_a_signed_document_says_that_there_is_no_copy(tmp_path: Path) -> None:
    body = pdf_signed(tmp_path / "s.pdf").read_bytes().ljust(400_000, b"\n")
    course, path = a_course("Приказ.pdf", body)
    async with served(tmp_path, course) as there:
        anna = Learner(there, "anna")
        await anna.until(PAGE, lambda page: bool(buttons(page, "make/read")))
        viewer = await anna.choose("read")
        page = await anna.until_ready(viewer)
        assert not buttons(page, "make/read") and "Content-Disposition" not in page
        assert (await anna.open(path)).body == body
    assert "%PDF" not in page


async def test_a_copy_belongs_to_whom_the_origin_lets_have_the_document(tmp_path: Path, program: bytes) -> None:
    course, _ = a_course("p.pdf", program)
    async with served(tmp_path, course) as there:
        _, viewer = await copy_of(Learner(there, "anna"), "read")
        boris = Learner(there, "boris")
        assert (await boris.open(viewer)).status == 409
        course.refused["boris"] = 403
        await boris.read()
        page = await boris.read()
        if buttons(page, "make/read"):
            refused = await boris.open(f"/.tropa/media/{button(page, 'make/read')}/read")
            assert refused.status == 303 and refused.body == b""
