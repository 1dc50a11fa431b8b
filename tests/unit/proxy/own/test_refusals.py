"""Refusals in each reader's own form."""

from __future__ import annotations

import json
import random
import re
from datetime import timedelta

import pytest

from policies.decision import Verdict, Withhold
from policies.values import Audience, MediaKind, Reason
from proxy.account.codes import Codes
from proxy.account.tokens import Tokens
from proxy.deliver.answer import Answer
from proxy.errors import ExchangeError, bad_request, upstream_malformed, upstream_timeout
from proxy.own.dressing import Dresser
from proxy.own.refusals import Refusals
from proxy.own.savings import LearnerSavings
from proxy.stages.context import Exchange
from tests.exchanges import NOON, a_decision, an_exchange
from tests.inbounds import an_inbound

OPENS = NOON + timedelta(hours=8)
PEOPLE, PROGRAMS = (Audience.PAGE, Audience.EMBED), (Audience.API, Audience.SOCKET)
SILENT = (Audience.MEDIA, Audience.SUBRESOURCE)
CODE = re.compile(r"[0-9A-Z]{3}-[0-9A-Z]{3}")


@pytest.fixture
def refusals() -> Refusals:
    dresser = Dresser(Tokens(b"k" * 32), LearnerSavings())
    return Refusals(dresser, Codes(b"k" * 32), jitter=random.Random(7))


def deferred(audience: Audience, **fields: object) -> Exchange:
    decision = a_decision(verdict=Verdict.DEFER, opens_at=OPENS, reasons=(Reason(rule="window-closed"),), **fields)
    return an_exchange(audience=audience, decision=decision)


def refused(audience: Audience) -> Exchange:
    return an_exchange(audience=audience, decision=a_decision(verdict=Verdict.REFUSE))


def text_of(answer: Answer) -> str:
    assert isinstance(answer.body, bytes)
    return answer.body.decode()


@pytest.mark.parametrize("audience", [*PEOPLE, *PROGRAMS, *SILENT])
def test_what_opens_is_503_with_its_time_and_never_kept(refusals: Refusals, audience: Audience) -> None:
    exchange = deferred(audience)
    answer = refusals.closed(exchange)
    assert answer.status == 503 and answer.headers["Cache-Control"] == "no-store"
    assert 8 * 3600 <= int(answer.headers["Retry-After"]) <= 8 * 3600 + 91
    assert exchange.tally.treatment == "deferred" and CODE.fullmatch(exchange.tally.support_code or "")


@pytest.mark.parametrize("audience", [*PEOPLE, *PROGRAMS, *SILENT])
def test_what_does_not_open_is_403_and_promises_no_time(refusals: Refusals, audience: Audience) -> None:
    answer = refusals.closed(refused(audience))
    assert answer.status == 403 and "Retry-After" not in answer.headers


@pytest.mark.parametrize("audience", SILENT)
def test_a_media_element_or_a_picture_gets_a_bare_status(refusals: Refusals, audience: Audience) -> None:
    for answer in (refusals.closed(deferred(audience)), refusals.failed(refused(audience), upstream_timeout("x"))):
        assert answer.body == b"" and "html" not in answer.headers["Content-Type"]


@pytest.mark.parametrize("audience", PROGRAMS)
def test_a_script_gets_problem_json(refusals: Refusals, audience: Audience) -> None:
    answer = refusals.closed(deferred(audience))
    problem = json.loads(text_of(answer))
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (problem["status"], problem["reasons"], problem["opens_at"]) == (503, ["window-closed"], OPENS.isoformat())


@pytest.mark.parametrize("audience", PEOPLE)
def test_a_person_gets_a_page_and_a_frame_may_show_it(refusals: Refusals, audience: Audience) -> None:
    """A room in a frame that opens later must say so where it stands."""
    exchange = deferred(audience)
    answer = refusals.closed(exchange)
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors" not in policy and "X-Frame-Options" not in answer.headers
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert (exchange.tally.support_code or "?") in text_of(answer) and "<h1" in text_of(answer)


def test_the_jitter_spreads_the_knocking(refusals: Refusals) -> None:
    waits = {refusals.retry_after_s(deferred(Audience.PAGE).decision, NOON) for _ in range(200)}
    assert len(waits) > 50 and max(w or 0 for w in waits) - min(w or 0 for w in waits) < 90


def test_an_opening_that_is_over_is_a_moment_away(refusals: Refusals) -> None:
    wait_s = refusals.retry_after_s(deferred(Audience.PAGE).decision, OPENS + timedelta(seconds=3))
    assert wait_s is not None and 1 <= wait_s <= 91


def test_an_opening_that_nobody_knows_is_not_promised(refusals: Refusals) -> None:
    exchange = an_exchange(decision=a_decision(verdict=Verdict.DEFER))
    answer = refusals.closed(exchange)
    assert answer.status == 503 and "Retry-After" not in answer.headers and ".ics" not in text_of(answer)


# -- withheld ------------------------------------------------------------------------------------------------------

FILM = Withhold(kind=MediaKind.VIDEO, reason=Reason(rule="video-withheld"), size_bytes=18_000_000)


def asking_for(name: str, audience: Audience) -> Exchange:
    return an_exchange(an_inbound(f"/pluginfile.php/1/{name}"), audience=audience)


@pytest.mark.parametrize("audience", [*PEOPLE, *PROGRAMS, *SILENT])
def test_what_is_withheld_counts_as_what_it_would_have_cost(refusals: Refusals, audience: Audience) -> None:
    exchange = asking_for("film.mp4", audience)
    assert refusals.withheld(exchange, FILM).status == 403
    tally = exchange.tally
    assert (tally.withheld_bytes, tally.direct_bytes, tally.kind) == (18_000_000, 18_000_000, MediaKind.VIDEO)
    assert tally.reasons[-1].rule == "video-withheld"


def test_a_size_that_nobody_knows_is_not_counted_as_saved(refusals: Refusals) -> None:
    exchange = asking_for("film.mp4", Audience.MEDIA)
    refusals.withheld(exchange, Withhold(kind=MediaKind.VIDEO, reason=Reason(rule="video-withheld")))
    assert (exchange.tally.withheld_bytes, exchange.tally.direct_bytes) == (0, None)


def test_a_card_names_the_file_and_never_as_markup(refusals: Refusals) -> None:
    page = text_of(
        refusals.withheld(asking_for("%3Cb%3E%D0%9B%D0%B5%D0%BA%D1%86%D0%B8%D1%8F.mp4", Audience.PAGE), FILM)
    )
    assert "&lt;b&gt;Лекция.mp4" in page


# -- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("audience", [*PEOPLE, *PROGRAMS])
def test_an_errors_detail_is_for_it_staff_alone(refusals: Refusals, audience: Audience) -> None:
    answer = refusals.failed(refused(audience), upstream_malformed("secret-host:8080 said nonsense"))
    assert answer.status == 502 and "secret-host" not in text_of(answer) and CODE.search(text_of(answer))


def test_an_error_that_passes_says_when_to_come_back(refusals: Refusals) -> None:
    assert refusals.failed(refused(Audience.API), upstream_timeout("x")).headers["Retry-After"] == "60"


def test_a_client_that_broke_the_rules_is_not_listened_to_any_longer(refusals: Refusals) -> None:
    assert refusals.failed(refused(Audience.PAGE), bad_request("x")).headers["Connection"] == "close"


def test_an_error_page_of_ours_saves_nothing(refusals: Refusals) -> None:
    exchange = refused(Audience.PAGE)
    exchange.tally.from_origin_bytes = 700
    refusals.failed(exchange, upstream_malformed("x"))
    assert (exchange.tally.direct_bytes, exchange.tally.treatment, exchange.tally.error) == (
        700,
        "error",
        "upstream-malformed",
    )


def test_nobody_is_asked_to_repeat_what_she_sent(refusals: Refusals) -> None:
    """Trying again after a broken POST could write it twice."""
    posted = an_exchange(an_inbound("/mod/forum/post.php?reply=7", method="POST"), audience=Audience.PAGE)
    got = an_exchange(an_inbound("/mod/forum/post.php?reply=7"), audience=Audience.PAGE)
    error: ExchangeError = upstream_timeout("x")
    assert "/mod/forum/post.php?reply=7" in text_of(refusals.failed(got, error))
    assert "/mod/forum/post.php?reply=7" not in text_of(refusals.failed(posted, error))


def test_a_film_that_a_player_asks_for_again_is_saved_once_in_some_hours(refusals: Refusals) -> None:
    plan = Withhold(kind=MediaKind.VIDEO, reason=Reason(rule="video-withheld"), size_bytes=18_000_000)
    saved = []
    for later in (timedelta(), timedelta(minutes=1), timedelta(hours=7)):
        exchange = an_exchange(an_inbound("/film.mp4"), audience=Audience.MEDIA, now=NOON + later)
        refusals.withheld(exchange, plan)
        saved.append((exchange.tally.withheld_bytes, exchange.tally.direct_bytes))
    assert saved == [(18_000_000, 18_000_000), (0, None), (18_000_000, 18_000_000)]
