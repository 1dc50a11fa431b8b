import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import ExchangeError
from proxy.uploads.form import SentForm, Span, assembled
from tests.uploads import BOUNDARY, field_part, file_part, form, mark

TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def whole(sent: SentForm, upload: bytes) -> bytes:
    return b"".join(part if isinstance(part, bytes) else upload[part.start : part.end] for part in sent.parts)


def test_the_form_is_the_browsers_own_with_the_files_bytes_in_their_place() -> None:
    files = [b"\xff\xd8" + bytes(300), b"%PDF-1.7" + bytes(50)]
    upload = b"".join(files)

    def made(first: bytes, second: bytes) -> bytes:
        return form(
            field_part("sesskey", "k1"),
            file_part("files", "Фото с урока.jpg", first),
            field_part("message", "Две\r\n\r\nстроки"),
            file_part("files", 'План %22"темы.pdf', second, "application/pdf"),
            file_part("none", "", b"", "application/octet-stream"),
        )

    sent = assembled(made(mark(0, 302), mark(302, 360)), TYPE, length_bytes=len(upload))
    assert whole(sent, upload) == made(*files)
    assert sent.length_bytes == len(made(*files))


def test_a_mark_typed_into_a_field_is_text() -> None:
    body = form(field_part("message", "tropa-piece:0-5"), file_part("f", "a.jpg", mark(0, 5)))
    sent = assembled(body, TYPE, length_bytes=5)
    assert [part for part in sent.parts if isinstance(part, Span)] == [Span(start=0, end=5)]
    assert b"tropa-piece:0-5" in whole(sent, b"12345")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        form(field_part("a", "b")),
        form(file_part("f", "a", mark(0, 4))),
        form(file_part("f", "a", mark(1, 5))),
        form(file_part("f", "a", mark(0, 6))),
        form(file_part("f", "a", mark(0, 5)), file_part("f", "b", mark(0, 5))),
        form(file_part("f", "a", mark(3, 1)), file_part("f", "b", mark(1, 5))),
        form(file_part("f", "a", mark(0, 5)))[:-20],
    ],
)
def test_what_does_not_cover_the_upload_exactly_is_refused(body: bytes) -> None:
    with pytest.raises(ExchangeError) as caught:
        assembled(body, TYPE, length_bytes=5)
    assert caught.value.status == 400


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data", "multipart/mixed; boundary=x"])
def test_what_is_no_form_of_a_browsers_is_refused(kind: str) -> None:
    with pytest.raises(ExchangeError):
        assembled(form(file_part("f", "a", mark(0, 5))), kind, length_bytes=5)


plain_bytes = st.binary(max_size=60).filter(lambda data: BOUNDARY.encode() not in data)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("field"), st.text(st.characters(codec="utf-8"), max_size=30)),
            st.tuples(st.just("small"), plain_bytes.filter(lambda data: not data.startswith(b"tropa-piece"))),
            st.tuples(st.just("heavy"), plain_bytes),
        ),
        max_size=8,
    )
)
def test_whatever_the_form_holds_it_comes_out_as_the_browser_would_have_sent_it(
    parts: list[tuple[str, str | bytes]],
) -> None:
    upload = b"".join(content for kind, content in parts if kind == "heavy" and isinstance(content, bytes))
    plain, marked, at = [], [], 0
    for kind, content in parts:
        if isinstance(content, str):
            plain.append(field_part("поле", content))
            marked.append(plain[-1])
            continue
        plain.append(file_part("файл", "имя файла.bin", content))
        end = at + len(content) if kind == "heavy" else at
        marked.append(file_part("файл", "имя файла.bin", mark(at, end)) if kind == "heavy" else plain[-1])
        at = end
    if not parts:
        return
    sent = assembled(form(*marked), TYPE, length_bytes=len(upload))
    assert whole(sent, upload) == form(*plain)
