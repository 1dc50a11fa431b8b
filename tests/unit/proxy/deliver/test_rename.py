import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from proxy.deliver.rename import name_map

MAP = name_map("http://lms.inside:8081", "https", "kurs.example.org")

TEXTS = [
    (b'<a href="http://lms.inside:8081/x">', b'<a href="https://kurs.example.org/x">'),
    (b'{"u":"http:\\/\\/lms.inside:8081\\/x"}', b'{"u":"https:\\/\\/kurs.example.org\\/x"}'),
    (b"go=http%3A%2F%2Flms.inside%3A8081%2Fx", b"go=https%3A%2F%2Fkurs.example.org%2Fx"),
    (b'src="//lms.inside:8081/a.png"', b'src="//kurs.example.org/a.png"'),
    (b"new WebSocket('ws://lms.inside:8081/chat')", b"new WebSocket('wss://kurs.example.org/chat')"),
    (b"http://lms.inside:80819/", b"http://lms.inside:80819/"),
    (b"http://lms.inside/", b"http://lms.inside/"),
    (b"http://other.lms.inside:8081/", b"http://other.lms.inside:8081/"),
    (b"plain text lms.inside:8081", b"plain text lms.inside:8081"),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_addresses_are_mapped_in_every_spelling_and_nothing_else_is(text: bytes, expected: bytes) -> None:
    assert MAP.text(text) == expected


def test_a_name_is_not_mapped_inside_a_longer_one() -> None:
    names = name_map("https://lms.example", "https", "kurs.example.org")
    for text in (b"https://lms.example.org/", b"https://lms.example-2/", b"https://xlms.example/"):
        assert names.text(text) == text
    assert names.text(b"https://lms.example. The end") == b"https://kurs.example.org. The end"


@given(cuts=st.lists(st.integers(0, 600), max_size=8), order=st.permutations(range(len(TEXTS))))
def test_the_mapping_does_not_depend_on_where_a_stream_is_cut(cuts: list[int], order: list[int]) -> None:
    text = b" ".join(TEXTS[i][0] for i in order) + b"x" * 80 + TEXTS[0][0]
    places = sorted({min(cut, len(text)) for cut in cuts})
    stream = MAP.stream()
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    assert b"".join(stream.feed(piece) for piece in pieces) + stream.finish() == MAP.text(text)


def test_every_single_cut_gives_the_same() -> None:
    text = b"http://lms.inside:8081/" * 12 + b"y" * 70 + b"//lms.inside:8081"
    for cut in range(len(text)):
        stream = MAP.stream()
        assert stream.feed(text[:cut]) + stream.feed(text[cut:]) + stream.finish() == MAP.text(text), cut


def test_heads_are_mapped_both_ways() -> None:
    request = CIMultiDict({"Origin": "https://kurs.example.org", "Referer": "https://kurs.example.org/a?b"})
    MAP.request(request)
    assert dict(request) == {"Origin": "http://lms.inside:8081", "Referer": "http://lms.inside:8081/a?b"}
    response = CIMultiDict(
        [
            ("Location", "http://lms.inside:8081/login"),
            ("Refresh", "5; url=http://lms.inside:8081/x"),
            ("Link", '<http://lms.inside:8081/style.css>; rel="preload"'),
            ("Access-Control-Allow-Origin", "http://lms.inside:8081"),
            ("Content-Security-Policy", "default-src 'self' lms.inside:8081 http://lms.inside:8081"),
            ("Set-Cookie", "MoodleSession=x; Domain=lms.inside; Path=/; Secure; HttpOnly"),
        ]
    )
    MAP.response(response)
    assert list(response.values()) == [
        "https://kurs.example.org/login",
        "5; url=https://kurs.example.org/x",
        '<https://kurs.example.org/style.css>; rel="preload"',
        "https://kurs.example.org",
        "default-src 'self' kurs.example.org https://kurs.example.org",
        "MoodleSession=x; Path=/; Secure; HttpOnly",
    ]


def test_a_foreign_referer_stays_foreign() -> None:
    request = CIMultiDict({"Referer": "https://kurs.example.org.evil.test/"})
    MAP.request(request)
    assert request["Referer"] == "https://kurs.example.org.evil.test/"
