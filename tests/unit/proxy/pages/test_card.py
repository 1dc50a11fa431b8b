"""Cards: what they say, what they never promise, and how they are set."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser

import brotli
import pytest

from policies.decision import Alternative, LinkSpeed, Price, Verdict
from policies.facts import AllowanceUse
from policies.model import Tariff, Windows
from policies.treatments import Action, Form, Treatments, VideoTreatment
from policies.values import CostlyHop, MediaKind, Reason, Scope, Store
from proxy.pages import MAX_CARD_BYTES, Savings, card, embed_card, forms_foot, page_bar
from proxy.pages.gallery import CLOSED, DECISION, NOW, TERRITORY, VIDEO, cards, context_in, token
from proxy.transforms.spec import Heavy

HERE = context_in("ru")
NO_FREE_HOURS = replace(TERRITORY, tariff=replace(TERRITORY.tariff, free=Windows()))


def words(body: bytes, charset: str = "utf-8") -> str:
    return re.sub(r"<[^>]+>", " ", body.decode(charset)).replace("\u00a0", " ")


def with_tonight(decision=DECISION):
    lighter = Treatments(video=VideoTreatment(action=Action.ADAPT, form=Form.SLIDECAST))
    decision = replace(decision, treatments=lighter)
    return context_in("ru", decision, tokens={**HERE.tokens, "tonight": token})


def test_a_card_says_what_how_big_how_long_how_much_and_why():
    text = words(card(VIDEO, HERE))
    for part in ("Видео:", "Лекция 3.", "18 МБ", "около 9 минут на вашей связи", "около 7,63 ₽", "не загружается само",
                 "Вы ничего не сломали: так мы бережём ваши мегабайты."):  # fmt: skip
        assert part in text


def test_the_folded_part_has_the_original_the_phone_and_the_support_code():
    body = card(VIDEO, HERE).decode()
    folded = body[body.index("<details") :]
    assert 'formaction="/.tropa/original"' in folded and 'formmethod="post"' in folded
    assert 'href="tel:+70000000000"' in folded and "K7-4F2" in folded


def test_a_priced_card_recommends_the_next_free_hours_in_the_learners_own_time():
    assert "Бесплатно завтра с 08:00 до 16:00: откройте эту страницу в это время." in words(card(VIDEO, HERE))


def test_in_free_hours_the_original_is_the_recommended_action():
    body = card(VIDEO, context_in("ru", replace(DECISION, free_now=True))).decode()
    assert "сейчас бесплатно" in body and body.index("tropa-go") < body.index("<details")


def test_tonight_is_never_promised_without_a_store_on_the_learners_side():
    assert "Загрузить в бесплатные часы" not in words(card(VIDEO, with_tonight()))
    assert "Загрузить в бесплатные часы" in words(card(VIDEO, with_tonight(replace(DECISION, store=Store.BROWSER))))


def test_tonight_is_never_promised_where_no_hop_is_costly():
    decision = replace(DECISION, store=Store.SCHOOL_BOX, costly_hop=CostlyHop.NONE)
    text = words(card(VIDEO, with_tonight(decision)))
    assert "бесплатн" not in text.lower() and "₽" not in text


def test_tonight_is_not_promised_for_what_has_no_version_to_fetch():
    kept = replace(with_tonight(), decision=replace(DECISION, store=Store.BROWSER))
    assert "Загрузить в бесплатные часы" not in words(card(VIDEO, kept))


def test_tonight_is_not_offered_where_nothing_keeps_it():
    assert "tonight" not in card(VIDEO, context_in("ru", replace(DECISION, store=Store.BROWSER))).decode()


def test_waiting_is_not_advised_where_the_original_will_not_be_given_either():
    text = words(card(VIDEO, context_in("ru", replace(DECISION, original_max_bytes=0))))
    assert "Бесплатн" not in text and "спросите в институте" in text and "+7 000 000-00-00" in text


def test_the_original_is_offered_up_to_the_limit_and_not_beyond():
    limit = replace(DECISION, original_max_bytes=18_000_000)
    assert b"/.tropa/original" in card(VIDEO, context_in("ru", limit))
    assert b"/.tropa/original" not in card(replace(VIDEO, size_bytes=18_000_001), context_in("ru", limit))


def test_an_unlimited_policy_offers_an_original_of_any_size():
    body = card(replace(VIDEO, size_bytes=10**10), context_in("ru", replace(DECISION, original_max_bytes=None)))
    assert b"/.tropa/original" in body and "больше суток" in words(body)


def test_a_video_hosts_name_is_told_in_the_readers_alphabet():
    player = Heavy(url="https://v.example/1", kind=MediaKind.VIDEO, host_name="VK Видео")
    assert "(VK Видео)" in words(card(player, HERE)) and "(VK Video)" in words(card(player, context_in("en")))
    assert "(PeerTube)" in words(card(replace(player, host_name="PeerTube"), HERE))


def test_a_player_that_only_a_script_knows_has_no_original_to_offer():
    assert b"<button" not in card(Heavy(url="", kind=MediaKind.VIDEO, host_name="youtube"), HERE)


def test_without_free_hours_the_paid_original_is_recommended_with_its_price():
    body = card(VIDEO, replace(HERE, territory=NO_FREE_HOURS))
    assert body.index(b"tropa-go") < body.index(b"<details") and "около 7,63 ₽" in words(body)


def test_an_unknown_size_is_told_with_the_price_of_a_megabyte():
    text = words(card(replace(VIDEO, size_bytes=None), HERE))
    assert "размер заранее неизвестен" in text and "каждый мегабайт стоит 0,40 ₽" in text


def test_a_school_that_pays_is_named():
    decision = replace(DECISION, costly_hop=CostlyHop.SITE_UPLINK)
    assert "платит школа" in words(card(VIDEO, context_in("ru", decision)))


def test_an_unknown_link_speed_gives_no_minutes():
    assert "минут" not in words(card(VIDEO, context_in("ru", replace(DECISION, link=LinkSpeed()))))


def test_an_opening_is_told_in_the_learners_time():
    assert "Откроется завтра в 08:00." in words(card(VIDEO, context_in("ru", CLOSED)))


def test_a_part_that_counts_for_credit_says_so():
    assert "нужна для зачёта" in words(card(VIDEO, context_in("ru", replace(DECISION, required_for_credit=True))))
    assert "зачёт" not in words(card(VIDEO, HERE))


def test_a_size_limit_of_another_kind_does_not_explain_a_card():
    reasons = (
        Reason(rule="size-limit", params=(("kind", "document"), ("max_bytes", 1))),
        Reason(rule="video-withheld"),
    )
    text = words(card(VIDEO, context_in("en", replace(DECISION, reasons=reasons))))
    assert "Video does not load by itself" in text


def test_a_spent_allowance_explains_before_the_kind_does():
    reasons = (Reason(rule="video-withheld"), Reason(rule="text-kept"))
    assert "have run out" in words(card(VIDEO, context_in("en", replace(DECISION, reasons=reasons))))


def test_what_an_allowance_leaves_does_not_hide_the_free_hours():
    allowance = _allowance()
    tariff = replace(TERRITORY.tariff, allowances=(allowance,))
    spent = replace(DECISION, original_max_bytes=3_000_000)
    here = replace(HERE, territory=replace(TERRITORY, tariff=tariff), decision=spent)
    assert "Бесплатно завтра" in words(card(VIDEO, here))
    counted = replace(tariff, allowances=(replace(allowance, counts_when_free=True),))
    assert "Бесплатно завтра" not in words(card(VIDEO, replace(here, territory=replace(TERRITORY, tariff=counted))))


def _allowance():
    from policies.model import Allowance, Period
    from policies.values import Scope

    return Allowance(scope=Scope.LEARNER, amount_bytes=10**8, period=Period.DAY, zone=TERRITORY.zone)


def test_alternatives_are_recommended_before_a_paid_original():
    decision = replace(DECISION, alternatives=(Alternative(what="forum", href="/forum?a=1&b=2"),))
    body = card(VIDEO, replace(HERE, territory=NO_FREE_HOURS, decision=decision)).decode()
    assert '<a class="tropa-go" href="/forum?a=1&amp;b=2">Написать на форуме</a>' in body
    assert body.index("<details") < body.index("/.tropa/original")


# -- how it is set ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["ru", "en"])
def test_typical_cards_are_small(language):
    for name, body in cards(language):
        assert len(body) <= (4096 if "light" in name else 1700), name  # every version carries the same token …
        assert len(brotli.compress(body, quality=5)) <= 1000, name  # … which costs the link but once


@pytest.mark.parametrize("block", [True, False])
@pytest.mark.parametrize("token_length", [10, 1500, 3900, 20_000])
@pytest.mark.parametrize("title", ["Л" * 10_000, "&" * 500, "\x00\x1b\u202e" * 50, "<script>" * 80])
def test_no_title_or_token_makes_a_card_larger_than_its_limit(title, token_length, block):
    here = replace(HERE, tokens={"original": lambda url: "x" * token_length})
    alternatives = tuple(Alternative(what="forum", href="/" + "f" * 900) for _ in range(4))
    for charset in ("utf-8", "windows-1251", "iso-2022-jp"):
        context = replace(here, charset=charset, decision=replace(DECISION, alternatives=alternatives))
        body = card(replace(VIDEO, title=title, host_name="h" * 500, block=block), context)
        assert len(body) <= MAX_CARD_BYTES
        assert b"\x00" not in body


def test_what_a_page_says_is_escaped():
    hostile = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    body = card(replace(VIDEO, title=hostile, host_name=hostile), HERE)
    assert b"<script" not in body and b"<img" not in body


class _Shape(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.classes, self.attributes = [], [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.classes += dict(attrs).get("class", "").split()


def _shape(body: bytes) -> _Shape:
    shape = _Shape()
    shape.feed(body.decode())
    return shape


def _every_part():
    for language in ("ru", "en"):
        yield from (body for name, body in cards(language) if name != "in a line")
        yield card(replace(VIDEO, block=False), context_in(language))
        yield page_bar(context_in(language), Savings(today_bytes=5))


def test_cards_bring_no_style_script_form_or_foreign_class():
    for body in _every_part():
        shape = _shape(body)
        assert not {"style", "script", "img", "link"} & set(shape.tags)
        assert not {name for name in shape.attributes if name == "style" or name.startswith("on")}
        assert all(name.startswith("tropa-") for name in shape.classes)


def test_cards_hold_no_form_of_their_own_and_the_bar_brings_it():
    for language in ("ru", "en"):
        assert all(b"<form" not in body and b"</form" not in body for _, body in cards(language))
    assert b'<form id="tropa-form"' in page_bar(HERE, Savings()) and b'<form id="tropa-form"' in forms_foot(HERE)


def test_a_card_in_a_line_of_text_keeps_the_line_whole():
    body = card(replace(VIDEO, block=False), HERE)
    assert set(_shape(body).tags) <= {"span", "b", "button"}


def test_a_card_is_a_named_group():
    assert b'role="group" aria-label="' in card(VIDEO, HERE)


def test_a_page_in_another_charset_gets_the_card_in_its_own():
    body = card(VIDEO, replace(HERE, charset="windows-1251"))
    assert "Лекция 3." in body.decode("cp1251") and "&#8381;" in body.decode("cp1251")  # the rouble sign


@pytest.mark.parametrize("charset", ["no-such-charset", "utf-16", "iso-2022-jp", "x\x00"])
def test_a_charset_that_can_not_be_mixed_in_gets_plain_ascii(charset):
    assert card(VIDEO, replace(HERE, charset=charset)).isascii()


def test_an_embedded_card_is_a_document_with_its_form():
    body = embed_card(VIDEO, HERE)
    assert body.startswith(b"<!doctype html>") and b'id="tropa-form"' in body and b'lang="ru"' in body


def test_the_bar_tells_what_was_saved_and_nothing_where_nothing_is_known():
    assert "сэкономлено 1,2 МБ" in words(page_bar(HERE, Savings(page_bytes=1_234_000, today_bytes=9)))
    assert "сегодня сэкономлено 61 МБ" in words(page_bar(HERE, Savings(today_bytes=61_000_000)))
    assert "сэкономлено" not in words(page_bar(HERE, Savings()))


def left_of(left: int, scope: Scope = Scope.LEARNER) -> AllowanceUse:
    amount = 300_000_000
    renews_at = HERE.now + timedelta(hours=9)
    return AllowanceUse(scope=scope, used_bytes=amount - left, amount_bytes=amount, renews_at=renews_at)


def test_what_is_left_is_told_before_it_is_spent():
    here = replace(HERE, allowance=left_of(42_000_000))
    assert "осталось 42 МБ, обновится завтра в" in words(page_bar(here, Savings()))
    assert "из оставшихся 42 МБ" in words(card(VIDEO, here))
    assert "больше оставшихся 10 МБ" in words(card(VIDEO, replace(HERE, allowance=left_of(10_000_000))))
    assert "остав" not in words(card(VIDEO, HERE)) and "остал" not in words(page_bar(HERE, Savings()))


def test_the_bar_tells_whose_megabytes_they_are_and_that_they_are_used_up():
    school = replace(HERE, allowance=left_of(120_000_000, Scope.SITE))
    assert "у школы осталось 120 МБ" in words(page_bar(school, Savings()))
    spent = replace(context_in("en"), allowance=left_of(-5))
    assert "your megabytes are used up until" in words(page_bar(spent, Savings()))


def test_a_card_of_a_nearly_spent_allowance_says_so_and_a_players_card_its_own_reason():
    near = Reason(rule="allowance-nearly-spent", params=(("percent", 80),))
    decision = replace(DECISION, reasons=(*DECISION.reasons, Reason(rule="embed-withheld"), near))
    assert "Большая часть отведённых" in words(card(VIDEO, context_in("ru", decision)))
    player = replace(VIDEO, host_name="youtube")
    assert "Большая часть отведённых" not in words(card(player, context_in("ru", decision)))


def test_a_refused_part_with_a_price_of_nothing_shows_no_money():
    decision = replace(DECISION, price=Price(amount=Decimal(0)), verdict=Verdict.ALLOW)
    here = replace(HERE, decision=decision, territory=replace(TERRITORY, tariff=Tariff(zone=TERRITORY.zone)))
    assert "₽" not in words(card(VIDEO, here)) and here.now == NOW
