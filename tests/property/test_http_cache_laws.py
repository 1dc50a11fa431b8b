"""Laws of freshness and of Vary, whatever the heads: arithmetic that must hold for every origin and every clock."""

from __future__ import annotations

from email.utils import formatdate

from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from proxy.cache.http.directives import MOST_SECONDS, response_directives
from proxy.cache.http.freshness import Moments, age_s, explicit_lifetime_s, heuristic_lifetime_s, initial_age_s
from proxy.cache.http.serving import Serve, ServeAndRevalidate, use_of
from proxy.cache.http.storing import StoreConfirmed, StoreNot, StoreShared, may_store
from proxy.cache.http.values import Asking, StoredHead
from proxy.cache.http.vary import accepted_codings, read_selecting, selecting

NOW = 1_800_000_000.0
SECONDS = st.integers(0, 10**7)
WORDS = st.sampled_from(["public", "private", "no-store", "no-cache", "must-revalidate", "immutable", "no-transform"])
NUMBERS = st.sampled_from(["max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"])
CONTROL = st.lists(WORDS | st.tuples(NUMBERS, SECONDS).map(lambda pair: f"{pair[0]}={pair[1]}"), max_size=6).map(
    ", ".join
)
ANY_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
TOKENS = st.sampled_from(["gzip", "br", "zstd", "deflate", "identity", "*"])
ENCODINGS = st.lists(st.tuples(TOKENS, st.sampled_from(["", ";q=0", ";q=0.5"])).map("".join), max_size=4).map(", ".join)
LANGUAGES = st.lists(st.sampled_from(["ru", "en", "ev", "*;q=0.1"]), max_size=3)


@st.composite
def heads(draw: st.DrawFn) -> CIMultiDict[str]:
    made: CIMultiDict[str] = CIMultiDict({"Cache-Control": draw(CONTROL)})
    made["Date"] = formatdate(NOW + draw(st.integers(-(10**6), 10**6)), usegmt=True)
    if draw(st.booleans()):
        made["Age"] = str(draw(SECONDS))
    if draw(st.booleans()):
        made["Expires"] = draw(st.one_of(SECONDS.map(lambda s: formatdate(NOW + s, usegmt=True)), ANY_TEXT))
    if draw(st.booleans()):
        made["Last-Modified"] = formatdate(NOW - draw(SECONDS), usegmt=True)
    if draw(st.booleans()):
        made["ETag"] = draw(st.sampled_from(['"1"', 'W/"1"', '"da39a3ee5e6b4b0d3255bfef95601890afd80709"']))
    if draw(st.booleans()):
        made["Content-Type"] = draw(st.sampled_from(["text/html", "text/css", "image/png", "application/json"]))
    return made


def stored(headers: CIMultiDict[str], lifetime_s: float, initial_s: float = 0.0) -> StoredHead:
    return StoredHead(
        status=200,
        headers=headers,
        directives=response_directives(headers),
        lifetime_s=lifetime_s,
        initial_age_s=initial_s,
        came_s=NOW,
    )


def asking(headers: dict[str, str] | None = None) -> Asking:
    return Asking(method="GET", headers=CIMultiDict(headers or {}))


@given(heads(), SECONDS, SECONDS, SECONDS)
def test_an_age_is_never_negative_and_grows_with_the_clock(
    head: CIMultiDict[str], delay_s: int, first_s: int, more_s: int
) -> None:
    initial = initial_age_s(head, Moments(asked_s=NOW - delay_s, came_s=NOW))
    early, late = age_s(initial, NOW, NOW + first_s), age_s(initial, NOW, NOW + first_s + more_s)
    assert early is not None and late is not None
    assert 0 <= initial <= early <= late and late - early == more_s


@given(SECONDS, st.integers(3, 10**8))
def test_a_clock_that_went_back_makes_nothing_fresh(lifetime_s: int, back_s: int) -> None:
    assert age_s(0.0, NOW, NOW - back_s) is None
    use = use_of(stored(CIMultiDict(), lifetime_s), asking(), NOW - back_s)
    assert not isinstance(use, Serve | ServeAndRevalidate)


@given(heads())
def test_a_lifetime_is_a_number_of_seconds_that_can_be_counted(head: CIMultiDict[str]) -> None:
    explicit, guessed = explicit_lifetime_s(head, NOW), heuristic_lifetime_s(200, head, NOW)
    assert explicit is None or 0 <= explicit <= max(MOST_SECONDS, 10**9)
    assert guessed is None or 0 <= guessed <= 86_400


@given(heads(), SECONDS, SECONDS)
def test_what_is_served_without_a_word_of_the_client_is_fresh_or_within_what_the_origin_allowed(
    head: CIMultiDict[str], lifetime_s: int, later_s: int
) -> None:
    one = stored(head, lifetime_s)
    use = use_of(one, asking(), NOW + later_s)
    if isinstance(use, Serve):
        assert later_s < lifetime_s and not one.directives.no_cache
    if isinstance(use, ServeAndRevalidate):
        window_s = one.directives.stale_while_revalidate_s
        assert window_s is not None and later_s - lifetime_s <= window_s and not one.directives.forbids_stale


@given(heads(), SECONDS, SECONDS, SECONDS)
def test_a_client_that_asks_for_younger_is_never_served_more(
    head: CIMultiDict[str], lifetime_s: int, later_s: int, max_age_s: int
) -> None:
    one = stored(head, lifetime_s)
    strict = use_of(one, asking({"Cache-Control": f"max-age={max_age_s}"}), NOW + later_s)
    if isinstance(strict, Serve):
        assert later_s <= max_age_s
        assert isinstance(use_of(one, asking(), NOW + later_s), Serve)


@given(heads(), st.sampled_from([{}, {"Cookie": "s=1"}, {"Authorization": "Basic x"}]))
def test_what_is_anybodys_was_never_forbidden_to_be(head: CIMultiDict[str], request: dict[str, str]) -> None:
    directives = response_directives(head)
    match may_store(asking(request), 200, head, NOW):
        case StoreShared(lifetime_s=lifetime_s):
            assert lifetime_s >= 0 and not directives.private and not directives.no_store
            if "Authorization" in request:
                assert directives.shown_to_all or directives.must_revalidate
            if request and head.get("Content-Type") in ("text/html", "application/json", None):
                assert directives.shown_to_all
        case StoreConfirmed(etag=etag):
            assert etag.startswith('"') and not directives.no_store
        case StoreNot(why=why):
            assert why


@given(ANY_TEXT)
def test_any_cache_control_is_read(text: str) -> None:
    found = response_directives(CIMultiDict({"Cache-Control": text}))
    for seconds in (found.max_age_s, found.s_maxage_s, found.stale_if_error_s, found.stale_while_revalidate_s):
        assert seconds is None or 0 <= seconds <= MOST_SECONDS


@given(ENCODINGS, ENCODINGS, st.sampled_from(["", "gzip", "br"]))
def test_a_body_is_given_to_nobody_who_doesnt_take_its_coding(first: str, second: str, coding: str) -> None:
    response = CIMultiDict({"Vary": "Accept-Encoding", "Content-Encoding": coding})
    one, other = CIMultiDict({"Accept-Encoding": first}), CIMultiDict({"Accept-Encoding": second})
    found = selecting(response, one)
    if found.fits(found.digest(one), other):
        assert not coding or coding in accepted_codings(other)


@given(LANGUAGES, LANGUAGES, ENCODINGS)
def test_a_response_fits_the_request_that_it_was_made_for_and_those_that_say_the_same(
    first: list[str], second: list[str], codings: str
) -> None:
    response = CIMultiDict({"Vary": "Accept-Language, Accept-Encoding"})
    one = CIMultiDict({"Accept-Language": ", ".join(first), "Accept-Encoding": codings})
    other = CIMultiDict({"Accept-Language": " ,  ".join(second), "Accept-Encoding": codings})
    found = selecting(response, one)
    again = read_selecting(found.written(), "")
    assert again == found and again.fits(found.digest(one), one)
    assert again.fits(found.digest(one), other) is (first == second)
