"""The parts by themselves: where elements end, candidates of a srcset, selectors, tags, kinds, addresses."""

from __future__ import annotations

import pytest

from policies.treatments import Action
from policies.values import MediaKind
from proxy.transforms.html.grammar import TAG, one_of, skipping
from proxy.transforms.html.images import choose, parse_srcset
from proxy.transforms.html.kinds import kind_of
from proxy.transforms.html.page import Page
from proxy.transforms.html.scan import LOOKAHEAD, MORE, Lookahead, ScriptEnd
from proxy.transforms.html.selectors import parse_selector
from proxy.transforms.html.tag import Tag
from proxy.transforms.html.textfirst import cleaner
from tests.unit.proxy.transforms.html.html_pages import rewrite, spec


def tag_of(html: bytes) -> Tag:
    match = TAG.match(html)
    assert match is not None
    return Tag(match, match[2].lower(), bytes.decode)


@pytest.mark.parametrize(
    ("name", "html", "expected"),
    [
        (b"video", b"x</video>y", b"x"),
        (b"video", b"<video></video></video>y", b"<video></video>"),
        (b"video", b"<p>a<p>b</VIDEO >y", b"<p>a<p>b"),
        (b"video", b"<!-- </video> -->a</video>", b"<!-- </video> -->a"),
        (b"video", b"<script>'</video>'</script>a</video>", b"<script>'</video>'</script>a"),
        (b"video", b"<a title='</video>'>a</a></video>", b"<a title='</video>'>a</a>"),
        (b"video", b"a</b>c</video>", b"a</b>c"),
        (b"video", b"a</div>c</video>", None),
        (b"video", b"a < b </> <? > <!x> </video>", b"a < b </> <? > <!x> "),
        (b"iframe", b"<div></div></iframe>", b"<div></div>"),
        (b"iframe", b"no end", None),
        (b"a", b"x<img>y<br/></a>", b"x<img>y<br/>"),
        (b"video", b"a" * LOOKAHEAD + b"</video>", None),
    ],
)
def test_where_an_element_ends(name: bytes, html: bytes, expected: bytes | None) -> None:
    end = Lookahead(html, 0, final=True).element(name, 0)
    assert (html[: end[0]] if isinstance(end, tuple) else end) == expected


def test_an_element_waits_only_while_its_end_may_come_in_time() -> None:
    assert Lookahead(b"<b>text", 0, final=False).element(b"video", 0) is MORE
    assert Lookahead(b"x" * LOOKAHEAD, 0, final=False).element(b"video", 0) is None
    assert Lookahead(b"</div>", 0, final=False).element(b"video", 0) is None


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (b"a</script>", 1),
        (b"a</scriptx></SCRIPT >", 11),
        (b"<!-- <script> </script> --></script>", 27),
        (b"<!-- <script> </script> </script>", 24),
        (b"<!-- </script>", 5),
        (b"<!--><script></script>", 13),
        (b"<script></script>", 8),
    ],
)
def test_where_a_script_ends(text: bytes, end: int) -> None:
    assert ScriptEnd().find(text, 0) == (True, end)
    for cut in range(len(text)):
        scan = ScriptEnd()
        found, at = scan.find(text[:cut], 0)
        assert (found, at) == (True, end) or scan.find(text, at) == (True, end)


@pytest.mark.parametrize(
    ("srcset", "limit_px", "expected"),
    [
        ("a 400w, b 900w, c 1600w", 800, "b"),
        ("a 400w, b 700w", 800, "b"),
        ("c 1600w, a 900w", 800, "a"),
        ("a 1x, b 2x", 800, "a"),
        ("a 2x, b", 800, "b"),
        ("data:image/png;base64,AA== 300w, b 900w", 800, "b"),
        ("a,b 900w , c 300w", 200, "c"),
        ("a.jpg?x=1,2 900w, c 300w", 800, "a.jpg?x=1,2"),
        ("a 300w 200h, c 900w 600h", 800, "c"),
        ("a broken, b 900w", 800, "b"),
    ],
)
def test_the_candidate_that_fills_the_width(srcset: str, limit_px: int, expected: str) -> None:
    assert choose(parse_srcset(srcset), limit_px)[0] == expected


@pytest.mark.parametrize(
    ("selector", "html", "matches"),
    [
        (".a", b"<p class='b a'>", True),
        (".a", b"<p class='ab'>", False),
        ("div.a", b"<p class=a>", False),
        ("DIV.a", b"<div class=a>", True),
        ("lite-youtube", b"<lite-youtube>", True),
        ("#x", b"<p id=x>", True),
        ("[data-setup]", b"<p DATA-SETUP>", True),
        ("a[href*='watch']", b"<a href=/watch?v=1>", True),
        ("[data-a='b c']", b"<p data-a='b c'>", True),
        ("[href^=http]", b"<p href=x>", False),
        ("[href$='.m3u8']", b"<p href=x.m3u8>", True),
        (".a.b", b"<p class='a'>", False),
        (".a[data-x]", b"<p data-x class=a>", True),
    ],
)
def test_simple_selectors(selector: str, html: bytes, matches: bool) -> None:
    compiled = parse_selector(selector)
    assert compiled is not None
    assert compiled.matches(tag_of(html)) is matches


@pytest.mark.parametrize("selector", ["", "a b", "a > b", "a, b", "a:hover", "[", ".a div"])
def test_what_is_no_simple_selector_is_left_out(selector: str) -> None:
    assert parse_selector(selector) is None


def test_a_change_touches_nothing_else_of_a_tag() -> None:
    tag = tag_of(b"<VIDEO  SRC = 'a' autoplay  x=\"1\" AutoPlay=yes /x >")
    tag.remove(b"autoplay")
    tag.set(b"preload", b"none")
    assert tag.spliced() == b'<VIDEO preload="none"  SRC = \'a\'  x="1" /x >'
    assert tag.value(b"src") == "a"


def test_the_first_of_two_attributes_counts_and_references_are_decoded() -> None:
    tag = tag_of(b'<a href="x?a=1&amp;b=&#x41;" HREF=y = z>')
    assert tag.value(b"href") == "x?a=1&b=A"
    assert tag.has(b"=") and tag.has(b"z")


@pytest.mark.parametrize(
    ("url", "declared", "kind"),
    [
        ("https://h/a.MP4", "", MediaKind.VIDEO),
        ("https://h/a.mp4?x#t", "", MediaKind.VIDEO),
        ("https://h/file.php?file=/a.m3u8&x", "", MediaKind.STREAM),
        ("https://h/x", "application/dash+xml", MediaKind.STREAM),
        ("https://h/a.mp3", "", MediaKind.AUDIO),
        ("https://h/a.tar.gz", "", MediaKind.ARCHIVE),
        ("https://h/a.pdf.html", "", None),
        ("https://site.zip/page", "", None),
        ("https://h/x", "video/mp4", MediaKind.VIDEO),
        ("", "", None),
    ],
)
def test_what_an_address_says_of_its_kind(url: str, declared: str, kind: MediaKind | None) -> None:
    assert kind_of(url, declared) is kind


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("a.mp4", "https://lms.test/course/a.mp4"),
        ("/a.mp4", "https://lms.test/a.mp4"),
        (" //cdn.test/a\n.mp4 ", "https://cdn.test/a.mp4"),
        ("https://x.test/ж?q=ы", "https://x.test/%D0%B6?q=%D1%8B"),
        ("https://x.test/a/../b", "https://x.test/b"),
        ("https://x.test/%D0%B6", "https://x.test/%D0%B6"),
        ("javascript:x()", ""),
        ("mailto:a@b", ""),
        ("data:text/html,x", ""),
        ("http://[", ""),
        ("", ""),
    ],
)
def test_addresses_are_made_absolute_as_browsers_do(value: str, url: str) -> None:
    assert Page(spec(), b"").url(value) == url


def test_the_cleaner_loses_nothing_but_its_attributes() -> None:
    clean = cleaner(False, False)
    assert clean is not None
    html = b"a < b <p class=\"x\"title='t' ONCLICK=go() data-a data-b='>' id=i/>t<br/>"
    assert clean.clean(html) == b"a < b <ptitle='t' id=i/>t<br/>"
    html = b"<a href = 'javascript:x'>y</a ><i =\">z"
    assert clean.clean(html) == b'<a>y</a ><i =">z'


def test_skipping_stops_at_names_and_at_what_is_not_complete() -> None:
    skip = skipping(["video", "a", "audio"], ["a"])
    for html, stop in (
        (b"x<b>y</b><video>", b"<video>"),
        (b"<abbr><A ", b"<A "),
        (b"<b x='>", b"<b x='>"),
        (b"</b></a>", b"</a>"),
    ):
        match = skip.match(html)
        assert match is not None
        assert html[match.end() :] == stop
    assert one_of(["a"]) == b"[aA]"


def test_a_film_that_was_taken_is_the_same_file_as_a_download() -> None:
    page = Page(spec(granted=frozenset({"https://lms.test/f/film.mp4", "https://lms.test/file.php?id=1"})), b"")
    assert page.is_granted("https://lms.test/f/film.mp4?forcedownload=1")
    assert page.is_granted("https://lms.test/f/film.mp4#t=5")
    assert not page.is_granted("https://lms.test/file.php?id=2")
    assert not page.is_granted("https://lms.test/f/other.mp4?forcedownload=1")


def test_cards_lead_home_under_a_foreign_base() -> None:
    button = b'<button formaction="/.tropa/original">'
    here = spec(video=Action.CARD, render_card=lambda heavy: button)
    film = '<video src="https://lms.test/f.mp4"></video>'
    foreign, _ = rewrite(f'<head><base href="https://cdn.test/x/"></head>{film}', here)
    assert b'formaction="https://lms.test/.tropa/original"' in foreign
    for head in ('<base href="/elsewhere/">', ""):
        assert button in rewrite(f"<head>{head}</head>{film}", here)[0]
