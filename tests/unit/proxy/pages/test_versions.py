"""Which lighter versions are offered, in which order, and what is said of each."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from policies.decision import LinkSpeed
from policies.treatments import Action, Credit, Form, Treatments, VideoTreatment
from policies.values import CostlyHop, MediaKind
from proxy.pages import card
from proxy.pages.gallery import VIDEO, context_in, lighter
from proxy.pages.versions import MediaKnown, MediaOffer, versions_for
from proxy.transforms.spec import Heavy

LECTURE = replace(VIDEO, size_bytes=420_000_000)


def forms(heavy: Heavy, context) -> list[str]:
    return [version.form for version in versions_for(heavy, context)]


def words(body: bytes) -> str:
    return re.sub(r"<[^>]+>", " ", body.decode()).replace("\u00a0", " ")


def test_the_policys_own_recommendation_comes_first():
    assert forms(LECTURE, lighter("ru")) == ["slidecast", "sound", "slides", "capped"]


def test_what_she_chose_last_is_recommended_next_time():
    assert forms(LECTURE, lighter("ru", chosen="sound"))[0] == "sound"


def test_a_choice_that_policy_no_longer_allows_recommends_nothing():
    context = lighter("ru", chosen="capped")
    only_sound = VideoTreatment(action=Action.ADAPT, form=Form.SOUND)
    decision = replace(context.decision, treatments=Treatments(video=only_sound))
    assert forms(LECTURE, replace(context, decision=decision)) == ["sound"]


def test_what_cannot_be_made_of_this_source_is_not_offered_again():
    known = MediaKnown(duration_s=2700, impossible=frozenset({"slidecast", "slides"}))
    assert forms(LECTURE, lighter("ru", known=known)) == ["sound", "capped"]


def test_a_version_that_saves_next_to_nothing_is_not_offered():
    assert "capped" not in forms(replace(LECTURE, size_bytes=46_000_000), lighter("ru"))


@pytest.mark.parametrize("action", [Action.KEEP, Action.CARD, Action.DROP])
def test_a_policy_that_adapts_nothing_offers_no_versions(action: Action):
    context = lighter("ru")
    decision = replace(context.decision, treatments=Treatments(video=VideoTreatment(action=action)))
    assert forms(LECTURE, replace(context, decision=decision)) == []


def test_where_nothing_can_be_made_nothing_is_offered():
    assert forms(LECTURE, replace(lighter("ru"), media=None)) == []
    assert forms(LECTURE, replace(lighter("ru"), media=lambda heavy: None)) == []


def test_a_video_hosts_player_has_no_versions():
    assert forms(replace(LECTURE, host_name="youtube"), lighter("ru")) == []


def test_light_copies_are_offered_of_documents_that_have_them():
    document = Heavy(url="https://lms.example/a.PDF", kind=MediaKind.DOCUMENT, size_bytes=9_000_000)
    assert forms(document, lighter("ru")) == ["read", "print"]
    assert forms(replace(document, url="https://lms.example/a.xlsx"), lighter("ru")) == []


def test_size_minutes_and_money_of_a_version_are_told_and_only_estimates_say_about():
    known = MediaKnown(duration_s=2700, ready={"sound": 4_000_000})
    first, sound = versions_for(LECTURE, lighter("ru", known=known))[:2]
    assert first.figures[0].startswith("около") and first.when == "приготовим"
    assert [figure.replace("\u00a0", " ") for figure in sound.figures] == ["4 МБ", "около 2 минут", "около 1,70 ₽"]
    assert sound.ready and sound.when == "готово"


def test_a_school_that_pays_is_named():
    context = lighter("ru")
    decision = replace(context.decision, costly_hop=CostlyHop.SITE_UPLINK)
    assert any(
        "платит школа" in figure for figure in versions_for(LECTURE, replace(context, decision=decision))[0].figures
    )


def test_without_a_length_no_size_is_invented():
    assert versions_for(LECTURE, lighter("ru", known=MediaKnown()))[0].figures == ()


def test_an_unknown_link_gives_no_minutes():
    context = lighter("ru")
    decision = replace(context.decision, link=LinkSpeed())
    assert not any(
        "минут" in figure for figure in versions_for(LECTURE, replace(context, decision=decision))[0].figures
    )


def test_a_card_recommends_a_lighter_version_before_waiting_for_free_hours():
    body = card(LECTURE, lighter("ru")).decode()
    assert body.index('formaction="/.tropa/make/slidecast"') < body.index("<details")
    folded = body[body.index("<details") :]
    assert all(f"/.tropa/make/{form}" in folded for form in ("sound", "slides", "capped"))


def test_a_small_original_that_costs_nothing_is_recommended_before_lighter_versions():
    context = lighter("ru")
    free = replace(context, decision=replace(context.decision, free_now=True))
    small = card(replace(VIDEO, size_bytes=1_000_000), free).decode()
    assert small.index("/.tropa/original") < small.index("<details")
    big = card(LECTURE, replace(free, decision=replace(free.decision, original_max_bytes=None))).decode()
    assert big.index("/.tropa/make/slidecast") < big.index("<details") < big.index("/.tropa/original")


@pytest.mark.parametrize(("credit", "said"), [(Credit.ENOUGH, "достаточно"), (Credit.FULL_NEEDED, "полностью.")])
def test_a_card_says_what_counts_for_credit(credit: Credit, said: str):
    assert f"Для зачёта {'' if credit is Credit.ENOUGH else 'нужно посмотреть видео '}{said}" in words(
        card(LECTURE, lighter("ru", credit=credit))
    )


def test_where_the_courses_own_player_counts_the_card_says_so():
    context = context_in("ru")
    context = replace(context, decision=replace(context.decision, player_must_stay=True))
    assert "нужен полный показ на странице курса" in words(card(VIDEO, context))


def test_offers_ask_for_this_very_thing():
    asked: list[str] = []

    def offer(heavy: Heavy) -> MediaOffer:
        asked.append(heavy.url)
        return MediaOffer(token="t")

    versions_for(LECTURE, replace(lighter("ru"), media=offer))
    assert asked == [LECTURE.url]
