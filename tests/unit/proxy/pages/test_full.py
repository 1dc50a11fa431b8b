"""Full pages: the gate, refusals, errors, the learner's place."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from policies.decision import Price
from policies.model import Window
from policies.values import CostlyHop, Reason, Text
from proxy.errors import ExchangeError, Fault, bad_request, overloaded, upstream_unreachable
from proxy.pages import PlaceView, Savings, error_page, gate_page, original_confirm, place_page, refusal_page
from proxy.pages.gallery import CLOSED, DECISION, NOW, TERRITORY, VIDEO, context_in, pages

GATE = context_in("ru", CLOSED)
OPENS_IN_S = 12 * 3600


def words(body: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", body.decode()).replace("\u00a0", " ").split())


class _Strict(HTMLParser):
    """Notes elements left open and attributes that a strict content policy would stop."""

    VOID = frozenset({"meta", "link", "input", "img", "br", "source", "track"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.ids: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "style" or name.startswith("on"):
                self.faults.append(f"{tag} {name}")
            if name == "id":
                self.ids.append(value)
            if name == "src" or (tag == "link" and name == "href"):
                self.sources.append(value)
        if tag == "style":
            self.faults.append("style")

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.faults.append(f"</{tag}> closes {self.open[-1:]}")

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.faults.append("inline script")


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_page_is_whole_small_and_keeps_the_strict_content_policy(language):
    for name, body in pages(language):
        page = _Strict()
        page.feed(body.decode())
        assert page.faults == [] and page.open == [], name
        assert len(page.ids) == len(set(page.ids)), name
        beside = ("/.tropa/", "sound.webm", "video.mp4", "lecture/")  # a viewer's files lie beside its page
        assert all(source.startswith(beside) for source in page.sources), name
        assert f'lang="{language}"' in body.decode() and len(body) < 6000, name


def test_the_gate_tells_the_opening_in_the_learners_time_as_plain_text():
    text = words(gate_page(GATE))
    assert "завтра, во вторник, 24 ноября, в 08:00 по камчатскому времени (МСК+9)" in text
    assert "До открытия 12 ч" in text and "платные часы" in text


def test_hours_of_a_classs_own_are_not_called_free():
    own = replace(CLOSED, reasons=(Reason(rule="window-closed", params=(("when", "windows"),)),))
    text = words(gate_page(context_in("ru", own)))
    assert "только в назначенные часы" in text and "платные" not in text


def test_the_gate_offers_what_is_open_now_and_the_phone():
    body = gate_page(GATE, ics_href="/.tropa/opening.ics?t=1&u=2").decode()
    assert '<a href="/recordings">Посмотреть запись</a>' in body and '<a href="/forum">' in body
    assert 'href="tel:+70000000000"' in body and 'href="/.tropa/opening.ics?t=1&amp;u=2"' in body


def test_the_gate_refreshes_itself_without_scripts_and_counts_with_them():
    body = gate_page(GATE, retry_after_s=OPENS_IN_S + 17, jitter_s=17).decode()
    assert f'<noscript><meta http-equiv="refresh" content="{OPENS_IN_S + 17}"></noscript>' in body
    assert f'data-left="{OPENS_IN_S}" data-jitter="17"' in body and "gate.js" in body


def test_a_gate_never_knocks_in_a_tight_loop():
    late = replace(GATE, now=CLOSED.opens_at + timedelta(seconds=3))
    body = gate_page(late, retry_after_s=0, jitter_s=0).decode()
    assert 'content="5"' in body and 'data-left="0" data-jitter="5"' in body


def test_a_gate_counts_whole_seconds_upward_so_that_it_is_never_early():
    nearly = replace(GATE, now=CLOSED.opens_at - timedelta(seconds=1, milliseconds=1))
    assert 'data-left="2"' in gate_page(nearly).decode()


def test_an_opening_in_days_neither_counts_nor_refreshes():
    far = context_in("ru", replace(CLOSED, opens_at=NOW + timedelta(days=3)))
    body = gate_page(far, retry_after_s=3 * 86_400, jitter_s=9).decode()
    assert "refresh" not in body and "<script" not in body and "в четверг, 26 ноября, в 20:00" in words(body.encode())


def test_a_gate_without_a_known_opening_sends_to_the_institute():
    body = gate_page(context_in("en", replace(CLOSED, opens_at=None)), ics_href=None)
    assert "No opening is set" in words(body) and b"<script" not in body


def test_a_refused_video_page_has_its_figures_and_a_working_button():
    body = refusal_page(context_in("ru"), VIDEO).decode()
    assert 'form="tropa-form"' in body and '<form id="tropa-form"' in body and "18 МБ" in body.replace("\u00a0", " ")


def test_a_refused_part_of_a_site_says_so_without_a_thing():
    assert "Здесь это не открывается" in words(refusal_page(context_in("ru")))


def test_an_error_page_never_shows_the_detail():
    body = error_page(upstream_unreachable("10.0.0.7:8081 refused <b>"), "ru", support_code="K7-4F2")
    assert "10.0.0.7" not in body.decode() and "K7-4F2" in words(body)
    assert "Сайт курса сейчас не отвечает" in words(body) and "около 1 минуты" in words(body)


def test_an_error_without_a_text_of_its_own_tells_whose_fault_it_is():
    own = ExchangeError("never-heard-of", 500, Fault.TROPA)
    assert "на нашей стороне" in words(error_page(own, "ru"))
    assert "can't be understood" in error_page(bad_request("request-line"), "en").decode().replace("&#39;", "'")


def test_trying_again_is_offered_only_where_repeating_is_harmless():
    assert "tropa-go" not in error_page(overloaded(""), "ru").decode()
    assert 'href="https://lms.example/"' in error_page(overloaded(""), "ru", page_url="https://lms.example/").decode()


def test_the_place_page_tells_the_tariffs_hours_on_both_clocks():
    text = words(place_page(context_in("ru"), PlaceView(known_by="network")))
    assert "завтра с 08:00 до 16:00, по камчатскому времени (МСК+9)" in text
    assert "ежедневно с 23:00 до 07:00 по московскому времени" in text


def test_the_place_page_names_days_and_exceptions_of_windows():
    window = TERRITORY.tariff.free.windows[0]
    tariff = replace(
        TERRITORY.tariff, free=replace(TERRITORY.tariff.free, windows=(_on(window, {0, 2}), _on(window, {5, 6})))
    )
    here = replace(context_in("ru"), territory=replace(TERRITORY, tariff=tariff))
    text = words(place_page(here, PlaceView(known_by="choice")))
    assert "пн, ср с 23:00 до 24:00" in text and "по выходным" in text


def _on(window: Window, days: set[int]) -> Window:
    return replace(window, weekdays=frozenset(days), end=None)


def test_the_place_page_shows_what_is_left_and_saved():
    body = dict(pages("ru"))["place"]
    text = words(body)
    assert "осталось 120 МБ из 300 МБ, обновится завтра в 09:00" in text
    assert "61 МБ (24,40 ₽)" in text and "1,2 ГБ (496,00 ₽)" in text


def test_a_spent_allowance_says_when_it_is_renewed():
    from policies.facts import AllowanceUse
    from policies.values import Scope

    use = AllowanceUse(
        scope=Scope.SITE, used_bytes=11, amount_bytes=10, renews_at=datetime(2026, 11, 23, 12, tzinfo=UTC)
    )
    text = words(place_page(context_in("ru"), PlaceView(known_by="network", allowances=(use,))))
    assert "Запас школы" in text and "закончилось, обновится завтра в 00:00" in text


def test_the_place_page_has_no_form_without_a_token():
    body = place_page(context_in("ru", tokens={}), PlaceView(known_by="network", savings=Savings()))
    assert b"<form" not in body and "Сколько сэкономлено" not in words(body)


def test_the_place_page_reports_the_course_page_she_came_from_and_never_itself():
    here, view = context_in("ru"), PlaceView(known_by="network")
    assert b"/.tropa/report" in place_page(here, view) and b"view.php?id=7" in place_page(here, view)
    itself = place_page(replace(here, page_url="https://lms.example/.tropa/"), view)
    assert b"/.tropa/report" not in itself and "Вернуться" not in words(itself)


def test_a_button_that_has_grown_old_says_that_nothing_was_changed():
    body = place_page(context_in("en"), PlaceView(known_by="network", stale=True))
    assert "nothing was changed" in words(body) and b'role="alert"' in body


def test_a_place_where_nobody_pays_talks_of_no_price():
    decision = replace(DECISION, costly_hop=CostlyHop.NONE, price=Price())
    text = words(place_page(context_in("ru", decision), PlaceView(known_by="network")))
    assert "За мегабайты здесь не платят." in text and "₽" not in text


def test_a_title_in_one_language_only_serves_both():
    territory = replace(TERRITORY, title=Text(ru="Корякский округ"))
    assert "Корякский округ" in words(place_page(context_in("en", territory=territory), PlaceView(known_by="login")))


def test_the_originals_page_tells_what_will_be_left():
    confirm = dict(pages("ru"))["original"]
    assert "После этого останется 102 МБ" in words(confirm) and b'name="confirmed" value="yes"' in confirm


def test_an_original_that_is_not_allowed_has_no_button():
    body = original_confirm(VIDEO, context_in("ru", replace(DECISION, original_max_bytes=0)))
    assert b"<form" not in body and "Сейчас показать это полностью нельзя." in words(body)
