"""What makes lighter versions of a thing possible for one learner."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from policies.treatments import Form
from policies.values import CostlyHop, MediaKind, Place
from proxy.account.sqlite import SqliteState
from proxy.account.tokens import Tokens
from proxy.media.refs import SourceRef
from proxy.night.sources import BY_NIGHT
from proxy.own.choices import Choices
from proxy.own.offers import TOKEN_LIFETIME, MediaOffers
from proxy.pages.versions import MediaOffer
from proxy.stages.context import Exchange
from proxy.stages.media_book import MediaBook
from proxy.transforms.spec import Heavy
from tests.builders import a_catalogue
from tests.exchanges import NOON, a_decision, an_exchange
from tests.inbounds import an_inbound

FILM = Heavy(url="https://lms.example.org/f/film.mp4", kind=MediaKind.VIDEO, title="У" * 200)
PAGE = "https://lms.example.org/mod/page/view.php?id=7"
TOKENS = Tokens(b"s" * 32)


@pytest.fixture
def choices(state: SqliteState) -> Choices:
    return Choices(state)


def offered(
    choices: Choices, heavy: Heavy = FILM, exchange: Exchange | None = None, *, films: bool = True
) -> MediaOffer | None:
    exchange = exchange or an_exchange()
    return MediaOffers(TOKENS, MediaBook(), choices, films=films).offer(exchange, exchange.decision, PAGE, heavy)


async def test_its_token_says_what_and_whose_for_a_day(choices: Choices) -> None:
    offer = offered(choices)
    assert offer is not None
    learner = an_exchange().who.learner
    told = TOKENS.open("media", offer.token, learner=learner, now=NOON)
    assert told is not None and (told["u"], told["p"], told["k"]) == (FILM.url, PAGE, "video")
    assert len(told["t"]) == 60  # a card carries the token several times and has 4 kB
    assert TOKENS.open("media", offer.token, learner="another", now=NOON) is None
    late = NOON + TOKEN_LIFETIME + timedelta(seconds=1)
    assert TOKENS.open("media", offer.token, learner=learner, now=late) is None


async def test_an_editors_own_address_is_offered_no_version(choices: Choices) -> None:
    inbound = an_inbound(origin=next(iter(a_catalogue().origins.values())))
    home = f"{inbound.scheme}://{inbound.authority}"
    draft = replace(FILM, url=f"{home}/draftfile.php/5/user/draft/1/film.mp4")
    assert offered(choices, draft, an_exchange(inbound)) is None
    assert offered(choices, replace(FILM, url=f"{home}/film.mp4"), an_exchange(inbound)) is not None


async def test_what_a_page_calls_a_film_is_remembered_for_her_alone(choices: Choices) -> None:
    book, exchange = MediaBook(), an_exchange()
    MediaOffers(TOKENS, book, choices).offer(exchange, exchange.decision, PAGE, FILM)
    assert book.title_of(exchange.who.learner, FILM.url) == "У" * 60
    assert book.title_of("another", FILM.url) == ""
    book.forget(exchange.who.learner)
    assert book.title_of(exchange.who.learner, FILM.url) == ""


async def test_it_knows_her_last_choice_for_this_kind(choices: Choices) -> None:
    await choices.remember(an_exchange().who.learner, "video", "sound", NOON)
    film, paper = offered(choices), offered(choices, replace(FILM, kind=MediaKind.DOCUMENT))
    assert film is not None and film.chosen == "sound"
    assert paper is not None and paper.chosen is None


@pytest.mark.parametrize(
    "url", ["https://lms.example.org.evil.example/f.mp4", "http://lms.example.org/f.mp4", "https://films.example/f.mp4"]
)
async def test_another_sites_address_has_none(choices: Choices, url: str) -> None:
    assert offered(choices, replace(FILM, url=url)) is None


async def test_a_place_that_saves_nothing_has_none(choices: Choices) -> None:
    decision = a_decision(costly_hop=CostlyHop.SITE_UPLINK)
    school = replace(a_catalogue().settings, place=Place.SCHOOL)
    assert offered(choices, exchange=an_exchange(decision=decision)) is not None
    assert offered(choices, exchange=an_exchange(decision=decision, settings=school)) is None


async def test_without_a_tool_for_films_documents_still_have_theirs(choices: Choices) -> None:
    assert offered(choices, films=False) is None
    assert offered(choices, replace(FILM, kind=MediaKind.DOCUMENT), films=False) is not None


async def test_what_a_night_made_there_is_offered_and_nothing_else(choices: Choices) -> None:
    decision = a_decision(costly_hop=CostlyHop.SITE_UPLINK)
    school = replace(a_catalogue().settings, place=Place.SCHOOL)
    exchange, book = an_exchange(decision=decision, settings=school), MediaBook()
    by_night = SourceRef(origin="lms", url=FILM.url, etag='"1"', private=True, learner=BY_NIGHT)
    book.became_ready(by_night, FILM.url, Form.SLIDECAST, 900_000)
    offer = MediaOffers(TOKENS, book, choices).offer(exchange, decision, PAGE, FILM)
    assert offer is not None and offer.only_ready and dict(offer.known.ready) == {Form.SLIDECAST: 900_000}
    another = replace(FILM, url="https://lms.example.org/f/another.mp4")
    assert MediaOffers(TOKENS, book, choices).offer(exchange, decision, PAGE, another) is None
