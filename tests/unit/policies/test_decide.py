from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from policies.decide import Decider, decide, enforced_verdict
from policies.decision import Alternative, Verdict
from policies.facts import NO_USAGE, AllowanceUse, Hints, Usage
from policies.model import ClassRule, Link, Settings, When
from policies.rules.situation import Effect, joined
from policies.treatments import Action, Treatments, VideoTreatment
from policies.values import Audience, Mode, Reason, Scope, TrafficClass
from tests.builders import (
    a_catalogue,
    a_policy,
    a_request,
    a_tariff,
    a_territory,
    an_allowance,
    an_origin,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CHAT = a_request("/mod/chat/")


def test_a_place_that_nobody_knows_passes_everything_and_says_so() -> None:
    decision = decide(a_catalogue(), replace(CHAT, region="atlantis"), NO_USAGE, NOON)
    assert enforced_verdict(decision) is Verdict.ALLOW
    assert decision.observe
    assert "region-unknown" in [reason.rule for reason in decision.reasons]


def test_an_unknown_place_is_the_default_region_where_there_is_one() -> None:
    catalogue = a_catalogue(settings=Settings(default_region="koryak"))
    decision = decide(catalogue, replace(CHAT, region="atlantis"), NO_USAGE, NOON)
    assert (decision.region, decision.verdict) == ("koryak", Verdict.DEFER)


def test_an_unknown_site_is_decided_as_its_region() -> None:
    decision = decide(a_catalogue(), replace(CHAT, site="elsewhere"), NO_USAGE, NOON)
    assert (decision.region, decision.site) == ("koryak", None)


def test_the_origin_gives_the_addresses_of_what_the_policy_offers() -> None:
    rule = ClassRule(
        when=When.FREE,
        alternatives=(Alternative(what="forum", href=""), Alternative(what="slides", href="/slides")),
    )
    of_origin = (Alternative(what="forum", href="/mod/forum/5"), Alternative(what="recording", href="/rec"))
    catalogue = a_catalogue(
        a_territory(policy=a_policy(classes={TrafficClass.CONSULTATION: rule})),
        origins=(an_origin(alternatives={TrafficClass.CONSULTATION: of_origin}),),
    )
    decision = decide(catalogue, CHAT, NO_USAGE, NOON)
    assert [(a.what, a.href) for a in decision.alternatives] == [
        ("forum", "/mod/forum/5"),
        ("slides", "/slides"),
        ("recording", "/rec"),
    ]


def test_a_reason_names_the_class_s_own_line_before_the_policys() -> None:
    card = Treatments(video=VideoTreatment(action=Action.CARD))
    sources = {"video": "p.yaml:3", "classes.lesson.video": "p.yaml:9"}
    catalogue = a_catalogue(a_territory(policy=a_policy(treatments=card, sources=sources)))

    def source(path: str) -> str:
        reasons = decide(catalogue, a_request(path), NO_USAGE, NOON).reasons
        return next(reason.source for reason in reasons if reason.rule == "video-withheld")

    assert source("/course/view.php") == "p.yaml:9"
    assert source("/mod/forum/") == "p.yaml:3"


def test_two_gates_open_when_the_later_one_does() -> None:
    early, late = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
    reason = (Reason(rule="window-closed"),)
    effects = [
        Effect(reasons=reason, verdict=Verdict.DEFER, opens_at=early, valid_until=early),
        Effect(reasons=reason, verdict=Verdict.DEFER, opens_at=late, valid_until=late),
        Effect(reasons=reason, rate_bps=64_000),
    ]
    for order in (effects, effects[::-1]):
        both = joined(order)
        assert (both.verdict, both.opens_at, both.valid_until, both.rate_bps) == (Verdict.DEFER, late, early, 64_000)
    never = Effect(reasons=reason, verdict=Verdict.DEFER)
    assert joined([*effects, never]).opens_at is None


def test_of_several_allowances_each_is_matched_by_scope_and_amount() -> None:
    tariff = a_tariff(
        allowances=(
            an_allowance(10_000_000, scope=Scope.LEARNER),
            an_allowance(50_000_000, scope=Scope.LEARNER, counts_when_free=True),
        )
    )
    catalogue = a_catalogue(a_territory(tariff=tariff))
    spent = AllowanceUse(
        scope=Scope.LEARNER, used_bytes=50_000_000, amount_bytes=50_000_000, renews_at=NOON + timedelta(hours=30)
    )
    night = NOON + timedelta(hours=9)
    decision = decide(catalogue, a_request(), Usage(allowances=(spent,)), night)
    assert decision.free_now
    assert decision.verdict is Verdict.DEFER  # this one counts in free time too
    small = replace(spent, used_bytes=10_000_000, amount_bytes=10_000_000)
    assert decide(catalogue, a_request(), Usage(allowances=(small,)), night).verdict is Verdict.ALLOW


def test_the_use_of_an_allowance_that_the_tariff_lacks_binds_nobody() -> None:
    use = AllowanceUse(scope=Scope.REGION, used_bytes=5, amount_bytes=5, renews_at=NOON + timedelta(hours=9))
    assert decide(a_catalogue(), a_request(), Usage(allowances=(use,)), NOON).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    ("audience", "verdict"),
    [(Audience.PAGE, Verdict.ALLOW), (Audience.API, Verdict.ALLOW), (Audience.SOCKET, Verdict.DEFER)],
)
def test_a_spent_allowance_leaves_the_forums_text(audience: Audience, verdict: Verdict) -> None:
    catalogue = a_catalogue(a_territory(tariff=a_tariff(allowances=(an_allowance(),))))
    use = AllowanceUse(
        scope=Scope.SITE, used_bytes=300_000_000, amount_bytes=300_000_000, renews_at=NOON + timedelta(hours=9)
    )
    request = a_request("/mod/forum/view.php", audience=audience)
    assert decide(catalogue, request, Usage(allowances=(use,)), NOON).verdict is verdict


def test_the_decider_gives_the_same_value_until_it_may_change() -> None:
    decider = Decider(a_catalogue())
    closed = decider.decide(CHAT, NO_USAGE, NOON)
    assert decider.decide(a_request("/mod/chat/"), NO_USAGE, NOON + timedelta(hours=7)) is closed
    assert closed.valid_until is not None
    opened = decider.decide(CHAT, NO_USAGE, closed.valid_until)
    assert (closed.verdict, opened.verdict) == (Verdict.DEFER, Verdict.ALLOW)
    assert decider.decide(CHAT, NO_USAGE, NOON).verdict is Verdict.DEFER  # the clock was set back


def test_the_decider_keeps_apart_what_differs() -> None:
    narrowed = Treatments(video=VideoTreatment(action=Action.CARD))
    policy = a_policy(save_data=narrowed, narrow_below_bps=128_000, narrowed=narrowed)
    decider = Decider(a_catalogue(a_territory(policy=policy)))
    plain = a_request()
    variants = [
        plain,
        replace(plain, hints=Hints(save_data=True)),
        replace(plain, measured_bps=64_000),
        replace(plain, path="/mod/quiz/"),
        replace(plain, mode=Mode.TUNNEL),
        replace(plain, origin="", host="elsewhere.example.net"),
    ]
    for _ in range(2):
        rules = [tuple(r.rule for r in decider.decide(variant, NO_USAGE, NOON).reasons) for variant in variants]
        assert rules == [
            (),
            ("save-data", "video-withheld"),
            ("slow-link", "video-withheld"),
            ("exempt-assessment",),
            (),
            (),
        ]


def test_the_deciders_memory_is_bounded() -> None:
    decider = Decider(a_catalogue(*(a_territory(f"r{n}") for n in range(50))), max_entries=10)
    for n in range(50):
        assert decider.decide(a_request(region=f"r{n}"), NO_USAGE, NOON).region == f"r{n}"
    assert len(decider._memo) == 10


def test_one_remembered_decision_serves_every_reader_and_link() -> None:
    catalogue = a_catalogue(a_territory(policy=a_policy(original_max_bytes=9_000_000), link=Link(down_bps=256_000)))
    decider = Decider(catalogue)
    for audience in Audience:
        for measured_bps in (None, 64_000, 300_000):
            request = a_request(audience=audience, measured_bps=measured_bps, hints=Hints(rtt_ms=50))
            got = decider.decide(request, NO_USAGE, NOON)
            assert got == decide(catalogue, request, NO_USAGE, NOON)
            assert (got.audience, got.link.rtt_ms) == (audience, 50)
    assert len(decider._memo) == 1
