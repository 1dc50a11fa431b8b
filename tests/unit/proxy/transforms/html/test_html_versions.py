"""Films and documents that have lighter versions: a card in their place, or what offers them behind."""

from __future__ import annotations

from typing import Any

import pytest

from policies.treatments import Action
from proxy.transforms.spec import Heavy, HtmlSpec
from tests.unit.proxy.transforms.html.html_pages import cut_everywhere, in_pieces, metered, rewrite

FILM = "https://lms.test/f/film.mp4"
PLAYER = f'<p>a</p><video src="{FILM}" autoplay title="Лекция"><a href="{FILM}">x</a></video><p>b</p>'


def versions(heavy: Heavy) -> bytes:
    return f"<i>[{heavy.title}|{heavy.url}]</i>".encode()


def adapting(**changes: Any) -> HtmlSpec:
    given: dict[str, Any] = {"video": Action.ADAPT, "render_versions": versions, "render_light": versions, "foot": b""}
    return metered(**(given | changes))


def test_a_film_whose_smaller_film_is_recommended_keeps_its_player_with_the_other_versions_behind() -> None:
    out, changes = rewrite(PLAYER, adapting())
    text = out.decode()
    assert f'src="{FILM}" title' in text and "autoplay" not in text and 'preload="none"' in text
    assert f"</video><i>[Лекция|{FILM}]</i><p>b</p>" in text
    assert changes.cards == 0


def test_a_film_whose_recommended_version_is_no_film_becomes_a_card() -> None:
    out, changes = rewrite(PLAYER, adapting(video_stand_in=True))
    assert b"<video" not in out and f"[video||Лекция|{FILM}|".encode() in out and changes.cards == 1


def test_a_link_to_such_a_film_becomes_a_card_in_its_line() -> None:
    page = f'<p>See <a href="{FILM}">the film</a>.</p>'
    assert b"<span class=card>[video||the film|" in rewrite(page, adapting(video_stand_in=True))[0]
    assert f'<a href="{FILM}">the film</a>'.encode() in rewrite(page, adapting())[0]


def test_a_film_that_is_too_large_to_be_taken_in_becomes_a_card() -> None:
    page = '<video src="/f/big.mp4"></video>'
    assert b"[video|" in rewrite(page, adapting(video_max_bytes=10_000_000))[0]


def test_a_film_that_she_took_in_full_offers_nothing_lighter() -> None:
    out, _ = rewrite(PLAYER, adapting(granted=frozenset({FILM})))
    assert b"<i>[" not in out and b"<video" in out


def test_a_stand_in_is_for_films_and_not_for_streams_or_video_hosts() -> None:
    spec = adapting(video_stand_in=True, stream=Action.ADAPT, embed=Action.KEEP)
    out, _ = rewrite('<video src="/a.m3u8"></video><iframe src="https://youtu.be/x"></iframe>', spec)
    assert b"<video" in out and b"<iframe" in out


def test_a_sound_player_stays_without_versions() -> None:
    out, _ = rewrite('<audio src="/a.mp3"></audio>', adapting(audio=Action.ADAPT))
    assert b"<audio" in out and b"<i>[" not in out


def test_light_copies_stand_behind_the_size_of_a_heavy_document() -> None:
    page = '<a href="/f/big.pdf">Plan</a> and <a href="/f/big.zip">all</a>'
    text = rewrite(page, adapting())[0].decode()
    size = '<span class="tropa-size">(18 МБ)</span>'
    assert f'Plan</a> <span class="tropa-beside">{size}<i>[|https://lms.test/f/big.pdf]</i></span> and' in text
    assert "big.zip]</i>" not in text


@pytest.mark.parametrize("failing", [ValueError("no"), None])
def test_what_offers_versions_may_fail_without_costing_the_player(failing: Exception | None) -> None:
    def render(heavy: Heavy) -> bytes:
        if failing is not None:
            raise failing
        return b"x" * 5000

    out, changes = rewrite(PLAYER, adapting(render_versions=render))
    assert b"</video><p>b</p>" in out and not changes.bailed_out


def test_where_the_page_was_cut_makes_no_difference() -> None:
    data = PLAYER.encode()
    whole, _ = in_pieces([data], adapting())
    for pieces in cut_everywhere(data):
        assert in_pieces(pieces, adapting())[0] == whole
