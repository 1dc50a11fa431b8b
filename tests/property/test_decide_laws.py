from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from policies.decide import Decider, decide, enforced_verdict
from policies.decision import Decision, Verdict
from policies.explain import codes
from policies.facts import NO_USAGE, RequestFacts, Usage
from policies.model import Catalogue
from policies.narrow import narrowest
from policies.treatments import Action, Form
from policies.values import Mode, TrafficClass
from tests.property.strategies import catalogues, instants, requests, usages

relaxed = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@st.composite
def situations(draw: st.DrawFn) -> tuple[Catalogue, RequestFacts, Usage, datetime]:
    now = draw(instants)
    return draw(catalogues()), draw(requests), draw(usages(now)), now


Situation = tuple[Catalogue, RequestFacts, Usage, datetime]


@relaxed
@given(situations())
def test_every_request_gets_a_decision_that_holds_for_some_time(situation: Situation) -> None:
    decision = decide(*situation)
    now = situation[3]
    assert decision.valid_until is None or decision.valid_until > now
    assert decision.opens_at is None or decision.opens_at > now
    assert decision.closes_at is None or decision.closes_at > now
    assert decision.opens_at is None or decision.verdict is Verdict.DEFER
    assert all(reason.rule in codes() for reason in decision.reasons)


@relaxed
@given(situations())
def test_whoever_narrows_leaves_a_reason(situation: Situation) -> None:
    decision = decide(*situation)
    policy_rule = decision.treatments
    narrowed = decision.verdict is not Verdict.ALLOW or decision.rate_bps is not None
    kinds = ("video", "stream", "embed", "audio", "document", "archive", "image")
    narrowed |= any(getattr(policy_rule, kind).action in (Action.CARD, Action.DROP) for kind in kinds)
    assert decision.reasons or not narrowed


@relaxed
@given(situations())
def test_assessment_is_never_shut_slowed_or_cut(situation: Situation) -> None:
    catalogue, request, usage, now = situation
    quiz = replace(request, path="/mod/quiz/attempt.php", origin="lms", mode=Mode.REVERSE)
    decision = decide(catalogue, quiz, usage, now)
    assert decision.traffic_class is TrafficClass.ASSESSMENT
    assert decision.exempt or decision.bypassed
    assert decision.verdict is Verdict.ALLOW
    assert decision.rate_bps is None
    treatments = decision.treatments
    bodies = (treatments.stream, treatments.embed, treatments.audio, treatments.document)
    assert all(body.action is Action.KEEP and body.max_bytes is None for body in bodies)
    film = treatments.video
    assert film.max_bytes is None
    assert film.action is Action.KEEP or (film.action is Action.ADAPT and film.form is Form.CAPPED and not film.also)
    assert treatments.page.action is Action.KEEP and not treatments.page.text_first
    assert treatments.image.action in (Action.KEEP, Action.ADAPT)


@relaxed
@given(situations())
def test_a_player_that_must_be_seen_to_the_end_gets_no_stand_in_where_the_film_is_made_smaller(
    situation: Situation,
) -> None:
    catalogue, request, usage, now = situation
    player = replace(request, path="/mod/videotime/view.php", origin="lms", mode=Mode.REVERSE)
    decision = decide(catalogue, player, usage, now)
    assert decision.player_must_stay
    for film in (decision.treatments.video, decision.treatments.stream):
        assert film.action is not Action.ADAPT or (film.form is Form.CAPPED and Form.CAPPED not in film.also)


@relaxed
@given(situations())
def test_signs_of_a_poor_link_and_spent_budgets_only_narrow(situation: Situation) -> None:
    catalogue, request, usage, now = situation
    request = replace(request, wants_original=False)
    plain = replace(request, hints=RequestFacts(region="", host="").hints, measured_bps=None)
    wide, narrow = decide(catalogue, plain, NO_USAGE, now), decide(catalogue, request, usage, now)
    order = list(Verdict)
    assert order.index(narrow.verdict) >= order.index(wide.verdict)
    assert narrowest(wide.treatments, narrow.treatments) == narrow.treatments


@relaxed
@given(situations(), st.lists(st.integers(0, 110), min_size=2, max_size=5))
def test_the_more_of_an_allowance_is_used_the_narrower_it_gets(situation: Situation, parts: list[int]) -> None:
    catalogue, request, usage, now = situation
    request, before = replace(request, wants_original=False), None
    for part in sorted(parts):
        uses = (replace(use, used_bytes=use.amount_bytes * part // 100) for use in usage.allowances)
        decision = decide(catalogue, request, replace(usage, allowances=tuple(uses)), now)
        if before is not None:
            assert narrowest(before.treatments, decision.treatments) == decision.treatments
        before = decision


@relaxed
@given(situations())
def test_an_original_never_widens_the_verdict_or_what_is_offered(situation: Situation) -> None:
    catalogue, request, usage, now = situation
    without = decide(catalogue, replace(request, wants_original=False), usage, now)
    taken = decide(catalogue, replace(request, wants_original=True), usage, now)
    assert taken.verdict is without.verdict
    assert taken.original_max_bytes == without.original_max_bytes
    if taken.original_max_bytes == 0:
        assert taken.treatments == without.treatments


@relaxed
@given(situations())
def test_nothing_is_enforced_in_observe_mode_or_under_bypass(situation: Situation) -> None:
    decision = decide(*situation)
    if decision.observe or decision.bypassed:
        assert enforced_verdict(decision) is Verdict.ALLOW
    else:
        assert enforced_verdict(decision) is decision.verdict


def comparable(decision: Decision) -> Decision:
    return replace(decision, valid_until=None)


@relaxed
@given(catalogues(), st.data())
def test_the_decider_remembers_nothing_wrong(catalogue: Catalogue, data: st.DataObject) -> None:
    """A series of requests, the clock also going back: it decides as `decide` does."""
    decider = Decider(catalogue, max_entries=4)
    now = data.draw(instants)
    for _ in range(6):
        request, usage = data.draw(requests), data.draw(usages(now))
        for _ in range(2):
            now += timedelta(minutes=data.draw(st.sampled_from([0, 0, 1, 45, 400, 3000, -90])))
            got, right = decider.decide(request, usage, now), decide(catalogue, request, usage, now)
            assert comparable(got) == comparable(right)
            assert got.valid_until is None or got.valid_until > now
            assert right.valid_until is None or (got.valid_until is not None and got.valid_until <= right.valid_until)


@relaxed
@given(situations(), st.integers(0, 10**6))
def test_a_decision_holds_until_its_valid_until(situation: Situation, part: int) -> None:
    catalogue, request, usage, now = situation
    first = decide(catalogue, request, usage, now)
    end = first.valid_until or now + timedelta(days=20)
    later = now + (end - now) * (part / 10**6)
    assume(later < end)
    assert comparable(decide(catalogue, request, usage, later)) == comparable(first)
