"""The report for IT staff: what it says, in both languages, and when it is written by itself."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from policies.load import read_catalogue
from policies.model import Catalogue, Period, Reports
from policies.money import period_bounds
from policies.values import MediaKind, Scope, TrafficClass
from proxy.account.state import AddSums, AddUse, LedgerKey, Mark, PutMark, Span, State, Sums, UseKey
from proxy.night.hours import SPENT
from proxy.night.used import USED, Use
from proxy.pages.phrases import phrases
from proxy.report.facts import Night, report_facts
from proxy.report.files import due, gone, name_of, nights_csv, write_due
from proxy.report.page import report_page
from tests.unit.proxy.cli.commands import REGIONS

KAMCHATKA = ZoneInfo("Asia/Kamchatka")
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # Monday afternoon in Kamchatka
HOUR = LedgerKey(hour=NOON, region="koryak", site="", origin="lms", traffic_class="lesson", kind="video")
SUMS = Sums(
    exchanges=3, bytes_to_learner=5_000_000, metered_bytes=5_300_000, bytes_direct=80_000_000,
    bytes_withheld=75_000_000, cost_nano=2_120_000_000, direct_cost_nano=33_920_000_000,
)  # fmt: skip


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    file = tmp_path / "regions.yaml"
    file.write_text(REGIONS, "utf-8")
    return read_catalogue(file)


async def page(state: State, catalogue: Catalogue, language: str) -> str:
    facts = await report_facts(state, catalogue, NOW - timedelta(days=7), NOW, NOW, KAMCHATKA)
    return report_page(facts, catalogue, language).decode().replace("\u00a0", " ")


async def test_it_says_what_was_spent_saved_withheld_and_which_allowances_ran_out(
    state: State, catalogue: Catalogue
) -> None:
    allowance = catalogue.territories["koryak", None].tariff.allowances[0]
    start, _ = period_bounds(allowance, NOON)
    uses = [UseKey(scope=Scope.LEARNER, holder=f"{n:020x}", period=Period.DAY, start=start) for n in range(3)]
    used = [AddUse(use=use, nbytes=300_000_000 - n // 2) for n, use in enumerate(uses)]
    await state.commit([AddSums(key=HOUR, sums=SUMS), *used])
    text = re.sub(r"<[^>]+>", " ", await page(state, catalogue, "ru"))
    for part in ("Корякский округ (koryak)", "75 МБ (94 %)", "5 МБ", "80 МБ", "2,12 ₽", "31,80 ₽", "занятия", "видео",
                 "23 ноября, пн", "2 слушателя", "300 МБ на день", "23 ноября, 14:00"):  # fmt: skip
        assert part in text, part
    english = re.sub(r"<[^>]+>", " ", await page(state, catalogue, "en"))
    assert "Koryak District (koryak)" in english and "2 learners" in english and "31.80 RUB" in english
    assert uses[0].holder not in english  # nobody is named


async def test_it_says_what_nights_brought(state: State, catalogue: Catalogue) -> None:
    facts = {"bytes": 41_000_000, "often": 0}
    until = NOW + timedelta(days=35)
    for key in ("2026-11-22T20:00Z", "2026-11-01T20:00Z", "some other night"):
        await state.commit([PutMark(Mark(kind=SPENT, owner="koryak/tigil", key=key, until=until, facts=facts))])
    use = asdict(Use(files=12, bytes=40_000_000, opened_files=3, opened_bytes=9_000_000, films=2, opened_films=1))
    mark = Mark(kind=USED, owner="koryak/tigil", key="2026-11-22T20:00Z", until=until, facts=use)
    await state.commit([PutMark(mark)])
    text = re.sub(r"<[^>]+>", " ", await page(state, catalogue, "ru"))
    assert "Загружено в бесплатные часы" in text and text.count("41 МБ") == 1 and "23 ноября, 08:00" in text
    assert "3 из 12, лекций и записей 1 из 2" in text


def test_nights_are_a_table_too_with_what_was_opened_where_that_is_known() -> None:
    use = Use(files=12, bytes=40_000_000, opened_files=3, opened_bytes=9_000_000, films=2, opened_films=1)
    known = Night(place="koryak/tigil", opens=NOW, nbytes=41_000_000, use=use)
    header, first, second = nights_csv((known, replace(known, use=None))).decode().splitlines()
    assert header == "place,opens,fetched_bytes,files,bytes,opened_files,opened_bytes,films,opened_films"
    assert first.endswith(",41000000,12,40000000,3,9000000,2,1") and second.endswith(",41000000,,,,,,")


async def test_it_needs_nothing_from_elsewhere_and_escapes_names(state: State, catalogue: Catalogue) -> None:
    await state.commit([AddSums(key=replace(HOUR, region='<b>"x"'), sums=SUMS)])
    html = await page(state, catalogue, "en")
    assert "<b>&#34;x" not in html and "&lt;b&gt;" in html
    assert not re.search(r"<script|<link|<img|@import|url\(|https?://", html)


async def test_a_report_of_nothing_says_so(state: State, catalogue: Catalogue) -> None:
    assert "Nothing passed in this time." in await page(state, catalogue, "en")


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_class_and_kind_has_its_name(language: str) -> None:
    say = phrases(language)
    assert all(say.has(f"report.class.{one}") for one in TrafficClass)
    assert all(say.has(f"report.kind.{one}") for one in MediaKind)


def test_a_day_is_due_ten_minutes_after_it_is_over_and_what_was_missed_is_caught_up() -> None:
    midnight = datetime(2026, 11, 24, tzinfo=KAMCHATKA)
    before = {"report-2026-11-21", "report-2026-11-22"}
    assert due(Span.DAY, KAMCHATKA, midnight + timedelta(minutes=9), before) == ()
    assert due(Span.DAY, KAMCHATKA, midnight + timedelta(minutes=10), before) == (date(2026, 11, 23),)
    assert len(due(Span.DAY, KAMCHATKA, midnight + timedelta(minutes=10), ())) == 3
    assert due(Span.WEEK, KAMCHATKA, midnight + timedelta(minutes=10), {"report-2026-W45", "report-2026-W46"}) == (
        date(2026, 11, 17),
    )
    assert name_of(Span.WEEK, date(2026, 11, 17)) == "report-2026-W47"


def test_old_reports_go_and_other_files_stay() -> None:
    names = ["report-2026-09-01.html", "report-2026-11-23.csv", "report-2026-W30.html", "notes.txt"]
    names += ["report-2026-99-01.csv", "report-2026-W31-nights.csv"]
    over = ("report-2026-09-01.html", "report-2026-W30.html", "report-2026-W31-nights.csv")
    assert gone(names, 60, date(2026, 11, 24)) == over


async def test_reports_are_written_once_both_files_and_old_ones_go(
    state: State, catalogue: Catalogue, tmp_path: Path
) -> None:
    await state.commit([AddSums(key=HOUR, sums=SUMS)])
    folder, reports = tmp_path / "reports", Reports(every="day", keep_days=60, language="en")
    wanted = replace(catalogue, settings=replace(catalogue.settings, reports=reports))
    folder.mkdir()
    (folder / "report-2026-08-01.html").write_text("old", "utf-8")
    assert await write_due(folder, state, catalogue, NOW) == 0
    assert await write_due(folder, state, wanted, NOW) == 3
    assert await write_due(folder, state, wanted, NOW) == 0
    assert {path.name for path in folder.iterdir()} == {
        f"report-2026-11-{day}.{ending}" for day in (21, 22, 23) for ending in ("csv", "html")
    }
    assert "75 MB" in (folder / "report-2026-11-23.html").read_text("utf-8").replace("\u00a0", " ")
    (line,) = csv.DictReader(io.StringIO((folder / "report-2026-11-23.csv").read_text("utf-8")))
    assert (line["region"], line["kind"], line["saved_bytes"], line["cost"]) == ("koryak", "video", "75000000", "2.12")
