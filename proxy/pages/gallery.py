"""Every page and card as HTML files, for looking at: `python -m proxy.pages.gallery OUT_DIR`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from policies.decision import Alternative, Decision, LinkSpeed, Price, Verdict
from policies.facts import AllowanceUse
from policies.model import Institute, Link, Policy, Tariff, Territory, Window, Windows
from policies.treatments import (
    PASS_ALL,
    Action,
    Credit,
    DocumentTreatment,
    Form,
    LightCopy,
    Treatments,
    VideoTreatment,
)
from policies.values import CostlyHop, MediaKind, Mode, Reason, Scope, Store, Text, TrafficClass
from proxy.errors import (
    ExchangeError,
    bad_request,
    overloaded,
    upstream_certificate,
    upstream_name,
    upstream_timeout,
    upstream_unreachable,
)
from proxy.night.report import Line, PlaceReport
from proxy.pages import (
    PageContext,
    PlaceChoice,
    PlaceView,
    Savings,
    card,
    embed_card,
    error_page,
    gate_page,
    head_link,
    nothing_page,
    original_confirm,
    page_bar,
    place_page,
    refusal_page,
    report_thanks,
    static_file,
)
from proxy.pages.gallery_seldom import seldom_seen
from proxy.pages.media import (
    Deferred,
    File,
    Film,
    Making,
    deferred_page,
    film_page,
    impossible_page,
    making_page,
    versions_page,
)
from proxy.pages.mine import forgotten_page, mine_page
from proxy.pages.night import night_page
from proxy.pages.versions import MediaKnown, MediaOffer
from proxy.transforms.spec import Heavy

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
_KAMCHATKA, _MOSCOW = ZoneInfo("Asia/Kamchatka"), ZoneInfo("Europe/Moscow")
_NIGHT = Window(zone=_MOSCOW, weekdays=frozenset(range(7)), start=time(23), end=time(7))
_LIMIT = 50_000_000

TERRITORY = Territory(
    region="koryak",
    site=None,
    title=Text(ru="Корякский округ", en="Koryak district"),
    zone=_KAMCHATKA,
    language="ru",
    networks=(),
    listeners=frozenset(),
    policy=Policy(name="satellite-metered", title=Text(), classes={}, original_max_bytes=_LIMIT),
    exceptions=(),
    tariff=Tariff(zone=_MOSCOW, price_per_mb=Decimal("0.40"), free=Windows(windows=(_NIGHT,))),
    link=Link(down_bps=256_000),
    costly_hop=CostlyHop.LEARNER_LINK,
    store=Store.NONE,
    institute=Institute(
        name=Text(ru="Институт развития образования", en="Institute of teacher education"),
        phone="+7 000 000-00-00",
        email="help@institute.example",
    ),
)
DECISION = Decision(
    verdict=Verdict.ALLOW,
    region="koryak",
    site=None,
    origin="lms",
    mode=Mode.REVERSE,
    traffic_class=TrafficClass.LESSON,
    treatments=PASS_ALL,
    reasons=(Reason(rule="video-withheld"),),
    valid_until=None,
    original_max_bytes=_LIMIT,
    price=Price(amount=Decimal("0.40")),
    link=LinkSpeed(down_bps=256_000),
)
CLOSED = replace(
    DECISION,
    verdict=Verdict.DEFER,
    traffic_class=TrafficClass.CONSULTATION,
    reasons=(Reason(rule="window-closed", params=(("when", "free"),)),),
    opens_at=datetime(2026, 11, 23, 20, 0, tzinfo=UTC),
    alternatives=(Alternative(what="recording", href="/recordings"), Alternative(what="forum", href="/forum")),
    original_max_bytes=0,
)
VIDEO = Heavy(
    url="https://lms.example/v.mp4",
    kind=MediaKind.VIDEO,
    title="Лекция 3. Формирующее оценивание в малокомплектной школе",
    size_bytes=18_000_000,
)
PLAYER = Heavy(url="https://video.example/embed/1", kind=MediaKind.VIDEO, host_name="VK Видео", title="Открытый урок")
SAVINGS = Savings(
    today_bytes=61_000_000, month_bytes=1_240_000_000, today_money=Decimal("24.40"), month_money=Decimal("496.00")
)


def token(url: str) -> str:
    """As long as a signed token is."""
    return "b3JpZ2luYWw" + "0" * 96


def context_in(language: str, decision: Decision = DECISION, **changes: object) -> PageContext:
    """The sample context, in a language and with a decision."""
    context = PageContext(
        language=language,
        territory=TERRITORY,
        decision=decision,
        now=NOW,
        origin_title="Курсы повышения квалификации" if language == "ru" else "Courses for teachers",
        page_url="https://lms.example/mod/page/view.php?id=7",
        support_code="K7-4F2",
        tokens=dict.fromkeys(("original", "report", "place", "language"), token),
    )
    return replace(context, **changes)  # type: ignore[arg-type]


def cards(language: str) -> Iterator[tuple[str, bytes]]:
    """Each kind of card, by name."""
    here = context_in(language)
    free = replace(DECISION, free_now=True)
    film = VideoTreatment(action=Action.ADAPT, form=Form.SLIDECAST)
    night = replace(
        DECISION, store=Store.SCHOOL_BOX, costly_hop=CostlyHop.SITE_UPLINK, treatments=Treatments(video=film)
    )
    with_night = {**here.tokens, "tonight": token}
    yield "wait for free hours", card(VIDEO, here)
    yield "free now", card(VIDEO, context_in(language, free, now=NOW + timedelta(hours=14)))
    yield "tonight into the school", card(VIDEO, context_in(language, night, tokens=with_night))
    yield "unknown size, player", card(PLAYER, here)
    yield (
        "too large, for credit",
        card(replace(VIDEO, size_bytes=420_000_000), context_in(language, replace(DECISION, required_for_credit=True))),
    )
    yield "no price", card(VIDEO, context_in(language, replace(DECISION, price=Price(), costly_hop=CostlyHop.NONE)))
    yield (
        "paid, no free hours",
        card(
            VIDEO,
            replace(here, territory=replace(TERRITORY, tariff=Tariff(zone=_MOSCOW, price_per_mb=Decimal("0.40")))),
        ),
    )
    document = Heavy(url="https://lms.example/a.pdf", kind=MediaKind.DOCUMENT, title="Методичка", size_bytes=31_000_000)
    yield "document", card(document, context_in(language, replace(DECISION, reasons=(Reason(rule="size-limit"),))))
    yield "lighter versions", card(replace(VIDEO, size_bytes=420_000_000), lighter(language))
    sound = MediaKnown(duration_s=2700, ready={"sound": 4_000_000}, ready_in_s={"slidecast": 190.0})
    yield "lighter, one is ready, chosen before", card(VIDEO, lighter(language, known=sound, chosen="sound"))
    yield "lighter, for credit", card(VIDEO, lighter(language, credit=Credit.ENOUGH))
    light_document = replace(document, title="Методические рекомендации для учителя малокомплектной школы")
    yield "light copies of a document", card(light_document, lighter(language))
    yield (
        "lighter, in a line",
        b"<p>A line of text, then " + card(replace(VIDEO, block=False), lighter(language)) + b"</p>",
    )
    yield "in a line", b"<p>A line of text, then " + card(replace(VIDEO, block=False), here) + b" and more text.</p>"


def lighter(
    language: str, *, known: MediaKnown | None = None, chosen: str | None = None, credit: Credit = Credit.UNSAID
) -> PageContext:
    """A context in which lighter versions can be had."""
    video = VideoTreatment(
        action=Action.ADAPT, form=Form.SLIDECAST, also=frozenset({Form.SOUND, Form.SLIDES, Form.CAPPED}), credit=credit
    )
    document = DocumentTreatment(max_bytes=2_000_000, light=frozenset(LightCopy))
    decision = replace(DECISION, treatments=Treatments(video=video, document=document))
    offer = MediaOffer(token=token("") + "0" * 240, known=known or MediaKnown(duration_s=2700), chosen=chosen)
    return context_in(language, decision, media=lambda heavy: offer)


def pages(language: str) -> Iterator[tuple[str, bytes]]:
    """Each full page, by name."""
    here = context_in(language)
    gate = context_in(language, CLOSED)
    yield "gate", gate_page(gate, retry_after_s=43_217, jitter_s=17, ics_href="/.tropa/opening.ics")
    unknown = replace(CLOSED, opens_at=None, alternatives=())
    yield "gate-unknown", gate_page(context_in(language, unknown))
    yield "refusal", refusal_page(here, VIDEO)
    never = replace(DECISION, verdict=Verdict.REFUSE, reasons=(Reason(rule="class-never"),), original_max_bytes=0)
    yield "refusal-class", refusal_page(context_in(language, never))
    yield "embed", embed_card(PLAYER, here)
    used = AllowanceUse(
        scope=Scope.LEARNER,
        used_bytes=180_000_000,
        amount_bytes=300_000_000,
        renews_at=datetime(2026, 11, 23, 21, 0, tzinfo=UTC),
    )
    yield "original", original_confirm(VIDEO, here, allowance=used)
    choices = (
        PlaceChoice(region="koryak", site=None, title=TERRITORY.title),
        PlaceChoice(region="centre", site=None, title=Text(ru="Районный ресурсный центр", en="Resource centre")),
    )
    view = PlaceView(known_by="network", choices=choices, allowances=(used,), savings=SAVINGS)
    yield "place", place_page(here, view)
    yield "mine", mine_page(here, tokens={"mine": token(""), "forget": token("")}, log_days=7)
    yield "mine-of-many", mine_page(here, tokens={}, log_days=7)
    yield "forgotten", forgotten_page(here, whole=True)
    yield "thanks", report_thanks(here)
    yield "nothing", nothing_page(here)
    light = lighter(language, known=MediaKnown(duration_s=2700, ready={"sound": 4_000_000}))
    lecture = replace(VIDEO, size_bytes=420_000_000)
    yield "versions", versions_page(lecture, light)
    yield "making", making_page(lecture, light, Making(form="slidecast", state="making", done=0.4, ready_in_s=130))
    yield "making-queued", making_page(lecture, light, Making(form="slidecast", state="queued", position=3))
    unmade = lighter(language, known=MediaKnown(duration_s=2700, impossible=frozenset({"slidecast"})))
    yield "impossible", impossible_page(lecture, unmade, "slidecast")
    sound = File("sound.webm", "audio/webm", 4_000_000)
    yield (
        "film-sound",
        film_page(Film(form="sound", title=VIDEO.title, sources=(sound,), download=sound), light, lecture),
    )
    film = File("video.mp4", "video/mp4", 40_000_000)
    yield (
        "film-capped",
        film_page(Film(form="capped", title=VIDEO.title, sources=(film,), growing=True), light, lecture),
    )
    asked = Deferred(VIDEO.title, "slidecast", "waiting", NOW, NOW + timedelta(hours=12), token=token(""))
    failed = Deferred("Лекция 4", "sound", "failed", NOW - timedelta(days=1), None, why="source-gone")
    done = Deferred("Лекция 2", "sound", "ready", NOW - timedelta(days=1), None, href="/.tropa/media/x/sound")
    yield "deferred", deferred_page((asked, done, failed), light, said="filed", notify=token(""))
    yield "night", night_page(_morning(), light)
    yield from seldom_seen(language, here)
    for error in _errors():
        page_url = here.page_url if error.status >= 500 else ""
        yield (
            f"error-{error.code}",
            error_page(error, language, territory=TERRITORY, support_code="K7-4F2", page_url=page_url),
        )


def _morning() -> PlaceReport:
    """A school's morning after a night that was too short."""
    line = partial(Line, state="ready")
    return PlaceReport(
        place="tundra/village",
        title=TERRITORY.title,
        idle=None,
        open_until=None,
        opens_at=NOW + timedelta(hours=12),
        spent_bytes=41_000_000,
        here=(
            line(title="programma-kursa.pdf", what="files", size_bytes=900_000),
            line(title="lekciya.mp4", what="recordings", size_bytes=12_000_000),
            line(title="", what="forums", size_bytes=300_000),
        ),
        missing=(
            line(title="Разбор работ", what="recordings", state="waiting", reason="window", size_bytes=60_000_000),
            line(title="shema.png", what="sections", state="failed", reason="origin-404"),
        ),
        asked={"ready": 2, "waiting": 1},
    )


def _errors() -> tuple[ExchangeError, ...]:
    return (
        upstream_unreachable(""),
        upstream_timeout(""),
        upstream_name(""),
        upstream_certificate(""),
        overloaded(""),
        bad_request("request-malformed"),
    )


def course_page(language: str, savings: Savings = SAVINGS) -> bytes:
    """A course's page with loud styles of its own, and every card in it."""
    here = context_in(language)
    parts = [b'<!doctype html><html lang="', language.encode(), b'"><head><meta charset="utf-8">', head_link()]
    parts.append(b'<meta name="viewport" content="width=device-width, initial-scale=1"><title>Cards</title>')
    parts.append(b"<style>body{font:15px Georgia,serif;margin:1em}p{text-indent:2em}button,a{text-transform:uppercase}")
    parts.append(b"section{padding:60px;background:#fdd}details{float:right}@media(prefers-color-scheme:dark){body{")
    parts.append(b"background:#111;color:#ddd}}</style></head><body><main><h1>Cards</h1>")
    for name, body in cards(language):
        parts += [b"<h2>", f"{name}: {len(body)} bytes".encode(), b"</h2>", body]
    return b"".join([*parts, b"</main>", page_bar(here, savings), b"</body></html>"])


def write(folder: Path) -> None:
    """Write everything under the folder, with the static files where the pages look for them."""
    static = folder / ".tropa" / "static"
    static.mkdir(parents=True, exist_ok=True)
    for name in ("tropa.css", "gate.js", "tropa.svg", "slidecast.css", "slidecast.js"):
        found = static_file(name)
        assert found is not None
        (static / name).write_bytes(found[0])
    for language in ("ru", "en"):
        (folder / f"cards-{language}.html").write_bytes(course_page(language))
        for name, body in pages(language):
            (folder / f"{name}-{language}.html").write_bytes(body)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
