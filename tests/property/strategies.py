"""Random policies, places, requests, usages and responses."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from policies.decision import Alternative
from policies.facts import AllowanceUse, Hints, RequestFacts, ResponseFacts, Usage
from policies.model import (
    After,
    Catalogue,
    ClassRule,
    EmbedHost,
    Link,
    NoTransform,
    Policy,
    PolicyException,
    Step,
    Territory,
    When,
    Windows,
)
from policies.narrow import narrowest
from policies.treatments import (
    Action,
    Animation,
    AudioTreatment,
    Credit,
    DocumentTreatment,
    Form,
    ImageTreatment,
    LightCopy,
    NothingFits,
    PageTreatment,
    SizedTreatment,
    Treatments,
    UploadTreatment,
    VideoTreatment,
)
from policies.values import Audience, CostlyHop, Direction, MediaKind, Mode, Scope, Store, Text, TrafficClass
from tests.builders import a_catalogue, a_tariff, a_territory, a_window, an_allowance, an_origin

actions = st.sampled_from(Action)
limits = st.one_of(st.none(), st.integers(0, 30_000_000))
images = st.builds(
    ImageTreatment,
    action=actions,
    max_width_px=st.one_of(st.none(), st.integers(100, 2000)),
    max_bytes=limits,
    photo_quality=st.integers(1, 100),
    text_quality=st.integers(1, 100),
    animation=st.sampled_from(Animation),
)
pages = st.builds(
    PageTreatment,
    action=actions,
    text_first=st.booleans(),
    lazy_images=st.booleans(),
    show_sizes=st.booleans(),
    diet=st.frozensets(st.sampled_from(["fonts", "polyfills", "formulas", "trackers"])),
    max_image_width_px=st.one_of(st.none(), st.integers(100, 2000)),
)
videos = st.builds(
    VideoTreatment,
    action=actions,
    max_bytes=limits,
    form=st.sampled_from(Form),
    also=st.frozensets(st.sampled_from(Form)),
    max_height_px=st.sampled_from([None, 144, 240, 720]),
    max_fps=st.sampled_from([None, 10, 25]),
    max_bitrate_bps=st.sampled_from([None, 110_000, 300_000]),
    sound_bitrate_bps=st.sampled_from([12_000, 16_000, 24_000]),
    nothing_fits=st.sampled_from(NothingFits),
    credit=st.sampled_from(Credit),
)
sounds = st.builds(
    AudioTreatment, action=actions, max_bytes=limits, bitrate_bps=st.sampled_from([12_000, 16_000, 24_000])
)
documents = st.builds(
    DocumentTreatment, action=actions, max_bytes=limits, light=st.frozensets(st.sampled_from(LightCopy))
)
bodies = st.builds(SizedTreatment, action=actions, max_bytes=limits)
uploads = st.builds(
    UploadTreatment,
    photo_width_px=st.sampled_from([None, 1024, 1600]),
    photo_quality=st.integers(50, 90),
    film_width_px=st.sampled_from([None, 480, 640]),
    film_bps=st.sampled_from([150_000, 300_000]),
    sound_bps=st.sampled_from([None, 16_000, 24_000]),
    resumable_above_bytes=limits,
    max_bytes=limits,
)
treatments = st.builds(
    Treatments,
    page=pages,
    image=images,
    video=videos,
    stream=videos,
    embed=videos,
    audio=sounds,
    document=documents,
    archive=bodies,
    font=actions,
    script=actions,
    style=actions,
    upload=uploads,
)

CARDS = VideoTreatment(action=Action.CARD)
SIZED = SizedTreatment(max_bytes=2_000_000)
SLIDECASTS = VideoTreatment(action=Action.ADAPT, form=Form.SLIDECAST, also=frozenset({Form.SOUND}), max_height_px=240)
# Drawing every field of every class's treatments takes most of a test's time: these few differ in all that matters.
few_treatments = st.sampled_from(
    (
        Treatments(),
        Treatments(video=CARDS, stream=CARDS, embed=CARDS, image=ImageTreatment(action=Action.ADAPT, max_width_px=800)),
        Treatments(
            video=VideoTreatment(max_bytes=5_000_000),
            audio=AudioTreatment(max_bytes=2_000_000),
            document=DocumentTreatment(max_bytes=2_000_000, light=frozenset({LightCopy.READ})),
            archive=SIZED,
        ),
        Treatments(video=SLIDECASTS, stream=SLIDECASTS, embed=CARDS, audio=AudioTreatment(action=Action.ADAPT)),
        Treatments(
            page=PageTreatment(action=Action.ADAPT, text_first=True, diet=frozenset({"fonts"})),
            image=ImageTreatment(action=Action.CARD, max_bytes=20_000, photo_quality=20, animation=Animation.STILL),
            archive=SizedTreatment(action=Action.CARD),
            document=DocumentTreatment(action=Action.DROP),
            font=Action.DROP,
            script=Action.DROP,
            style=Action.DROP,
        ),
        Treatments(
            page=PageTreatment(action=Action.CARD),
            image=ImageTreatment(photo_quality=80),
            upload=UploadTreatment(photo_width_px=1280, photo_quality=60, resumable_above_bytes=1_000_000),
        ),
    )
)

tariff_windows = st.builds(
    a_window,
    st.sampled_from(["00:00", "08:30", "20:00", "23:00"]),
    st.sampled_from(["07:00", "12:00", "24:00", "00:30"]),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    price_per_mb=st.sampled_from([None, "0", "0.10"]),
    down_bps=st.sampled_from([None, 512_000]),
    rate_share=st.sampled_from([None, 0.5]),
)
some_windows = st.builds(
    Windows, windows=st.lists(tariff_windows, max_size=2).map(tuple), always=st.integers(0, 5).map(lambda n: n == 0)
)
allowances = st.builds(
    an_allowance,
    st.sampled_from([1_000_000, 300_000_000]),
    scope=st.sampled_from(Scope),
    after=st.sampled_from(After),
    throttle_bps=st.just(64_000),
    counts_when_free=st.booleans(),
)
tariffs = st.builds(
    a_tariff,
    price=st.sampled_from(["0", "0.40"]),
    free=some_windows,
    price_windows=st.lists(tariff_windows, max_size=2).map(tuple),
    allowances=st.lists(allowances, max_size=2).map(tuple),
    free_origins=st.sampled_from([frozenset(), frozenset({"lms"})]),
)
class_rules = st.builds(
    ClassRule,
    when=st.sampled_from(When),
    windows=some_windows,
    treatments=few_treatments,
    alternatives=st.sampled_from([(), (Alternative(what="forum", href="/mod/forum/"),)]),
)


@st.composite
def rising_steps(draw: st.DrawFn) -> tuple[Step, ...]:
    """As compiled ones are: each keeps what the ones before it narrowed."""
    first, second = draw(few_treatments), draw(few_treatments)
    both = narrowest(first, second)
    live = replace(both, page=replace(both.page, text_first=False), script=Action.KEEP, style=Action.KEEP)
    return (
        Step(percent=80, treatments=first, live=first, source="policy.yaml:80"),
        Step(percent=95, treatments=both, live=live, source="policy.yaml:95"),
    )


steps = st.one_of(st.just(()), rising_steps())


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    # Three rules shared among the classes: to draw one for each takes most of a test's time.
    rules = st.sampled_from([draw(class_rules) for _ in range(3)])
    return Policy(
        name="any",
        title=Text(en="any"),
        classes={of: draw(rules) for of in draw(st.sets(st.sampled_from(TrafficClass), min_size=4))},
        original_max_bytes=draw(st.sampled_from([None, 0, 5_000_000])),
        save_data_treatments=draw(st.one_of(st.none(), few_treatments)),
        narrow_below_bps=draw(st.sampled_from([None, 128_000])),
        narrowed=draw(st.one_of(st.none(), few_treatments)),
        steps=draw(steps),
        observe=draw(st.integers(0, 5)) == 0,
    )


exceptions = st.builds(
    PolicyException,
    policy=policies(),
    origin=st.sampled_from([None, "lms"]),
    host=st.sampled_from([None, "*.example.org"]),
    path=st.sampled_from([None, re.compile("^/course/")]),
    group=st.sampled_from([None, "methodists"]),
    dates=st.sampled_from([None, (date(2026, 11, 20), date(2026, 11, 30))]),
)
territories = st.builds(
    a_territory,
    policy=policies(),
    exceptions=st.lists(exceptions, max_size=1).map(tuple),
    tariff=tariffs,
    link=st.sampled_from([Link(), Link(down_bps=256_000, up_bps=64_000, rtt_ms=700)]),
    costly_hop=st.sampled_from(CostlyHop),
    store=st.sampled_from(Store),
)


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    territory: Territory = draw(territories)
    return a_catalogue(
        territory,
        origins=(
            an_origin(
                no_transform=draw(st.sampled_from(NoTransform)), forward_no_transform=draw(st.sampled_from(NoTransform))
            ),
        ),
        embed_hosts=(EmbedHost(name="tube", pattern=re.compile(r"^https?://tube\.example/embed/")),),
        bypassed_origins=draw(st.sampled_from([frozenset(), frozenset(), frozenset({"lms"})])),
    )


hints = st.builds(
    Hints,
    save_data=st.booleans(),
    downlink_bps=st.sampled_from([None, 50_000, 1_000_000]),
    rtt_ms=st.sampled_from([None, 50, 300]),
    ect=st.sampled_from([None, "2g", "4g"]),
)
PATHS = [
    "/",
    "/course/view.php",
    "/mod/quiz/x",
    "/mod/forum/x",
    "/mod/chat/",
    "/draftfile.php/1/a.png",
    "/mod/videotime/view.php",
    "/login/logout",
]
requests = st.builds(
    RequestFacts,
    region=st.sampled_from(["koryak", "koryak", "nowhere"]),
    site=st.sampled_from([None, "school"]),
    groups=st.sampled_from([frozenset(), frozenset({"methodists"})]),
    mode=st.sampled_from(Mode),
    method=st.sampled_from(["GET", "POST", "HEAD"]),
    host=st.sampled_from(["lms.example.org", "tube.example"]),
    path=st.one_of(st.sampled_from(PATHS), st.text(max_size=20)),
    query=st.sampled_from(["", "a=1", "%zz&=&;"]),
    origin=st.sampled_from(["lms", "lms", ""]),
    audience=st.sampled_from(Audience),
    kind=st.one_of(st.none(), st.sampled_from(MediaKind)),
    direction=st.sampled_from(Direction),
    hints=st.one_of(st.just(Hints()), hints),
    measured_bps=st.one_of(st.none(), st.integers(0, 10_000_000)),
    wants_original=st.booleans(),
)
instants = st.builds(
    lambda minutes: datetime(2026, 11, 16, tzinfo=UTC) + timedelta(minutes=minutes), st.integers(0, 20 * 1440)
)


@st.composite
def usages(draw: st.DrawFn, now: datetime) -> Usage:
    def use() -> AllowanceUse:
        amount = draw(st.sampled_from([1_000_000, 300_000_000]))
        return AllowanceUse(
            scope=draw(st.sampled_from(Scope)),
            used_bytes=draw(
                st.sampled_from([0, 400_000, amount * 4 // 5, amount * 96 // 100, amount - 1, amount, amount * 2])
            ),
            amount_bytes=amount,
            renews_at=now + timedelta(hours=draw(st.integers(-2, 30))),
        )

    return Usage(allowances=tuple(use() for _ in range(draw(st.integers(0, 2)))), encoder_busy=draw(st.booleans()))


responses = st.builds(
    ResponseFacts,
    status=st.one_of(st.sampled_from([200, 206, 204, 301, 304, 404, 500]), st.integers(0, 999)),
    content_type=st.one_of(
        st.sampled_from(
            (
                *("", "text/html", "application/xhtml+xml", "image/jpeg", "image/svg+xml", "video/mp4", "audio/mpeg"),
                *("application/pdf", "application/zip", "font/woff2", "text/css", "text/javascript"),
                *("application/json", "application/vnd.apple.mpegurl", "application/dash+xml", "video/mp2t"),
                *("application/octet-stream",),
            )
        ),
        st.text(max_size=12),
    ),
    sniffed=st.one_of(st.none(), st.sampled_from(MediaKind)),
    length_bytes=st.one_of(st.none(), st.integers(0, 10**9)),
    content_coding=st.sampled_from(["", "gzip", "br", "zstd", "deflate", "odd", "gzip, br"]),
    attachment=st.booleans(),
    no_transform=st.booleans(),
    private=st.booleans(),
    immutable=st.booleans(),
    partial=st.booleans(),
    request_kind=st.one_of(st.none(), st.sampled_from(MediaKind)),
    path=st.sampled_from(["/", "/film.mp4", "/seg-1.ts", "/seg-1.m4s", "/master.m3u8", "/a.mpd"]),
    manifest=st.sampled_from(["", "hls", "dash"]),
    headers=st.sampled_from([{}, {"cache-control": "max-age=9999999"}, {"content-range": "bytes 0-1/x"}]),
)
