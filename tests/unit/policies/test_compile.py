"""What was written, as the values that run."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from pathlib import Path

import pytest

from policies.compile.patterns import path_pattern, url_pattern
from policies.faults import Wrong
from policies.load import read_catalogue, read_catalogue_with_warnings
from policies.model import After, Catalogue, NoTransform, Period, Policy, Territory, When
from policies.treatments import Action, Treatments
from policies.values import Scope, TrafficClass
from policies.zones import zone

HEAD = "    timezone: Asia/Kamchatka\n    networks: [10.41.0.0/16]\n    policy: satellite-metered\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def catalogue_of(folder: Path, text: str) -> Catalogue:
    path = folder / "regions.yaml"
    path.write_text(text, encoding="utf-8")
    return read_catalogue(path)


def region(folder: Path, keys: str = "", head: str = HEAD, rest: str = "") -> Territory:
    return catalogue_of(folder, f"regions:\n  koryak:\n{head}{keys}{rest}").territories["koryak", None]


def lesson(policy: Policy) -> Treatments:
    return policy.classes[TrafficClass.LESSON].treatments


# -- policies ----------------------------------------------------------------------------------------------------------


def test_an_extending_policy_changes_only_its_own_keys(folder: Path) -> None:
    keys = "policies:\n  ours:\n    extends: satellite-metered\n    images: {max_width: 640 px}\n    audio: card\n"
    catalogue = catalogue_of(folder, f"regions:\n  koryak:\n{HEAD}{keys}")
    base, ours = lesson(catalogue.policies["satellite-metered"]), lesson(catalogue.policies["ours"])
    assert (ours.image.max_width_px, base.image.max_width_px) == (640, 800)
    assert (ours.image.photo_quality, ours.image.max_bytes) == (base.image.photo_quality, base.image.max_bytes)
    assert (ours.audio.action, ours.audio.max_bytes) == (Action.CARD, None)
    assert ours.video == base.video


def test_a_class_refines_the_policy_and_leaves_the_other_classes_alone(folder: Path) -> None:
    policy = region(folder, "    classes: {recording: {video: {treatment: keep, max: 50 MB}}}\n").policy
    assert policy.classes[TrafficClass.RECORDING].treatments.video.max_bytes == 50_000_000
    assert lesson(policy).video.max_bytes is None


def test_save_data_and_slow_link_stand_on_top_of_the_policy(folder: Path) -> None:
    policy = region(folder).policy
    assert policy.save_data_treatments is not None
    assert policy.narrowed is not None
    assert policy.narrow_below_bps == 128_000
    assert policy.narrowed.image.max_width_px == 480
    assert policy.narrowed.embed.action is Action.CARD


def test_assessment_keeps_all_but_the_size_of_images(folder: Path) -> None:
    policy = region(folder, head=HEAD.replace("satellite-metered", "text-first")).policy
    rule = policy.classes[TrafficClass.ASSESSMENT]
    assert rule.when is When.ALWAYS
    assert rule.treatments.image.action is Action.ADAPT
    assert rule.treatments.image.max_width_px == 800
    assert rule.treatments.image.photo_quality >= 60
    assert rule.treatments.image.max_bytes is None
    assert rule.treatments.page == Treatments().page
    assert rule.treatments.script is Action.KEEP


def test_a_question_never_loses_images_that_the_policy_withholds(folder: Path) -> None:
    keys = "policies: {ours: {images: card, scripts: drop}}\n"
    catalogue = catalogue_of(folder, f"regions:\n  koryak:\n{HEAD}{keys}")
    treatments = catalogue.policies["ours"].classes[TrafficClass.ASSESSMENT].treatments
    assert (treatments.image.action, treatments.script) == (Action.ADAPT, Action.KEEP)


def test_text_first_leaves_scripts_to_pages_that_stay_whole(folder: Path) -> None:
    policy = region(folder, head=HEAD.replace("satellite-metered", "text-first")).policy
    assert lesson(policy).page.text_first
    assert lesson(policy).script is Action.KEEP
    assert not policy.classes[TrafficClass.CONSULTATION].treatments.page.text_first


def test_each_key_knows_the_line_that_set_it(folder: Path) -> None:
    policy = region(folder, "    consultations:\n      when: always\n      video: keep\n").policy
    assert policy.sources["classes.consultation.when"] == "regions.yaml:7"
    assert policy.sources["classes.consultation.video"] == "regions.yaml:8"
    assert policy.sources["video"].startswith("policies/catalog/satellite-metered.yaml:")
    assert policy.sources["page.diet.fonts"].startswith("policies/catalog/satellite-metered.yaml:")


def test_the_original_may_be_forbidden_limited_or_free(folder: Path) -> None:
    keys = "policies:\n  a: {original: never}\n  b: {original: 20 MB}\n  c: {original: always}\n  d: {}\n"
    policies = catalogue_of(folder, f"regions:\n  koryak:\n{HEAD}{keys}").policies
    assert [policies[name].original_max_bytes for name in "abcd"] == [0, 20_000_000, None, 0]


def test_observe_may_be_said_of_a_region(folder: Path) -> None:
    assert region(folder, "    observe: true\n").policy.observe


# -- money and time ----------------------------------------------------------------------------------------------------


def test_a_tariff_runs_on_its_own_clock(folder: Path) -> None:
    keys = (
        "    tariff:\n      timezone: Europe/Moscow\n      price: 0.40 RUB/MB\n      overhead: 6 %\n"
        "      free: [{days: mon-fri, from: 23:00, to: 07:00, link: {down: 1 Mbit/s}, rate_share: 1/2}]\n"
    )
    tariff = region(folder, keys).tariff
    window = tariff.free.windows[0]
    assert (tariff.price_per_mb, tariff.currency, tariff.overhead_factor) == (Decimal("0.40"), "RUB", 1.06)
    assert window.zone == zone("Europe/Moscow")
    assert (window.start, window.end, window.weekdays) == (time(23), time(7), frozenset(range(5)))
    assert (window.down_bps, window.rate_share, window.source) == (1_000_000, 0.5, "regions.yaml:10")


def test_a_window_without_hours_is_the_whole_day_and_24_00_its_end(folder: Path) -> None:
    tariff = region(folder, "    tariff: {price: 1 RUB/MB, free: [{days: sun}, {from: 20:00, to: 24:00}]}\n").tariff
    assert [(window.start, window.end) for window in tariff.free.windows] == [(time(0), None), (time(20), None)]


def test_a_region_without_a_tariff_is_always_free(folder: Path) -> None:
    rule = region(folder, "    consultations: {when: free}\n").policy.classes[TrafficClass.CONSULTATION]
    assert rule.when is When.FREE
    assert rule.windows.always


def test_when_free_means_the_tariffs_windows(folder: Path) -> None:
    keys = "    tariff: {price: 1 RUB/MB, free: 23:00-07:00}\n    consultations: {when: free}\n"
    place = region(folder, keys)
    assert place.policy.classes[TrafficClass.CONSULTATION].windows == place.tariff.free


def test_allowances_carry_renewal_share_and_what_comes_after(folder: Path) -> None:
    keys = (
        "    tariff:\n      allowance:\n        - {amount: 3 GB, per: month, renews_on: 14, renews_at: 06:00,"
        " share: 1/3, then: 64 kbit/s, scope: site}\n        - 300 MB/day\n        - {amount: 1 GB, per: week,"
        " renews_on: sun, then: pay}\n"
    )
    month, day, week = region(folder, keys).tariff.allowances
    assert (month.amount_bytes, month.period, month.renew_day, month.renew_time) == (10**9, Period.MONTH, 14, time(6))
    assert (month.after, month.throttle_bps, month.scope) == (After.THROTTLE, 64_000, Scope.SITE)
    assert (day.amount_bytes, day.period, day.after, day.scope) == (300_000_000, Period.DAY, After.STOP, Scope.LEARNER)
    assert (week.renew_day, week.after) == (6, After.PAY)


def test_windows_name_calendars(folder: Path) -> None:
    keys = "    webinars: {when: [{from: 15:00, to: 20:00, not_on: holidays}]}\n"
    rest = "calendars: {holidays: [2026-11-02..2026-11-08, 2026-11-23]}\n"
    window = region(folder, keys, rest=rest).policy.classes[TrafficClass.WEBINAR].windows.windows[0]
    assert window.not_on[0].spans == (
        (date(2026, 11, 2), date(2026, 11, 8)),
        (date(2026, 11, 23), date(2026, 11, 23)),
    )


# -- places ------------------------------------------------------------------------------------------------------------

SITE = (
    "    link: {down: 256 kbit/s, rtt: 700 ms}\n    institute: {name: Центр, phone: +7 000}\n"
    "    consultations: {when: never}\n    sites:\n      school:\n        networks: 10.41.7.0/24\n"
)


def site(folder: Path, keys: str = "", region_keys: str = SITE) -> Territory:
    text = f"regions:\n  koryak:\n{HEAD}{region_keys}{keys}"
    return catalogue_of(folder, text).territories["koryak", "school"]


def test_a_site_overrides_its_region_key_by_key(folder: Path) -> None:
    school = site(folder, "        link: {down: 1 Mbit/s}\n        costly_hop: site_uplink\n")
    assert (school.link.down_bps, school.link.rtt_ms) == (1_000_000, 700)
    assert school.institute.phone == "+7 000"
    assert school.zone == zone("Asia/Kamchatka")
    assert school.policy.classes[TrafficClass.CONSULTATION].when is When.NEVER


def test_a_site_has_its_own_networks_only(folder: Path) -> None:
    school = site(folder)
    assert [str(network) for network in school.networks] == ["10.41.7.0/24"]
    assert school.title.in_language("ru") == "school"


def test_a_sites_policy_may_replace_or_refine_the_regions(folder: Path) -> None:
    assert site(folder, "        policy: open\n").policy.name == "open"
    refined = site(folder, "        policy: {images: {max_width: 320 px}}\n").policy
    assert (refined.name, lesson(refined).image.max_width_px) == ("satellite-metered", 320)
    assert lesson(refined).embed.action is Action.CARD


def test_a_sites_exceptions_come_before_its_regions(folder: Path) -> None:
    region_keys = "    exceptions: [{host: a.example, policy: open}]\n" + SITE
    school = site(folder, "        exceptions: [{path: /film/, policy: {video: keep}}]\n", region_keys)
    first, second = school.exceptions
    assert first.path is not None
    assert lesson(first.policy).video.action is Action.KEEP
    assert lesson(first.policy).image.max_width_px == 800
    assert (second.host, second.policy.name) == ("a.example", "open")


def test_an_exception_that_names_a_policy_takes_it_whole(folder: Path) -> None:
    keys = "    consultations: {when: never}\n    exceptions: [{group: staff, policy: open}]\n"
    exception = region(folder, keys).exceptions[0]
    assert exception.policy.classes[TrafficClass.CONSULTATION].when is When.ALWAYS


def test_a_listener_and_its_place_know_each_other_whichever_names_the_other(folder: Path) -> None:
    text = (
        "tropa:\n  listeners:\n    a: {listen: 127.0.0.1:1, region: koryak/school}\n    b: {listen: 127.0.0.1:2}\n"
        f"regions:\n  koryak:\n{HEAD}    listeners: b\n    sites: {{school: {{}}}}\n"
    )
    catalogue = catalogue_of(folder, text)
    a, b = catalogue.settings.listeners
    assert (a.region, a.site, b.region, b.site) == ("koryak", "school", "koryak", None)
    assert catalogue.territories["koryak", "school"].listeners == {"a"}
    assert catalogue.territories["koryak", None].listeners == {"b"}


SERVED = """
tropa: {listeners: {front: {mode: reverse, listen: 127.0.0.1:8101}}}
origins: {lms: {upstream: "https://lms.example.org"}}
"""


def warnings(folder: Path, text: str, served: str | None = None) -> list[str]:
    path = folder / "regions.yaml"
    path.write_text(text + (SERVED if served is None else served), encoding="utf-8")
    return [str(fault).replace(f"{folder}/", "") for fault in read_catalogue_with_warnings(path)[1]]


def test_a_region_that_nobody_reaches_is_a_warning(folder: Path) -> None:
    text = "regions:\n  a: {timezone: Europe/Moscow, policy: open}\n"
    assert warnings(folder, text) == [
        "regions.yaml:2:6: regions.a: nobody comes from here: no network, listener, login or choice leads to it; "
        "add networks: or selectable: true"
    ]
    assert warnings(folder, text, SERVED.replace("}}}", "}}, default_region: a}")) == []
    assert warnings(folder, text.replace("open}", "open, selectable: yes}")) == []
    assert warnings(folder, text.replace("open}", "open, sites: {s: {networks: 10.0.0.0/8}}}")) == []


def test_free_windows_of_what_costs_nothing_are_a_warning(folder: Path) -> None:
    found = warnings(folder, f"regions:\n  koryak:\n{HEAD}    tariff: {{free: 23:00-07:00}}\n")
    assert "nothing costs outside them" in found[0]


def test_a_login_for_no_proxy_is_a_warning(folder: Path) -> None:
    login = SERVED.replace("}}}", "}}, default_region: koryak, upstream_proxy_login_file: secret}")
    text = f"regions:\n  koryak:\n{HEAD}"
    assert "told to nobody; add upstream_proxy:" in warnings(folder, text, login)[0]
    chained = login.replace(
        "upstream_proxy_login_file", "upstream_proxy: http://10.0.0.3:3128, upstream_proxy_login_file"
    )
    assert warnings(folder, text, chained) == []
    assert catalogue_of(folder, chained + text).settings.upstream_proxy_login_file == str(folder / "secret")


# -- origins and presets -----------------------------------------------------------------------------------------------

MOODLE = "origins:\n  lms: {{hosts: lms.example.org, preset: moodle{keys}}}\nregions:\n  koryak:\n" + HEAD


def test_the_first_rule_that_matches_is_the_most_specific(folder: Path) -> None:
    preset = catalogue_of(folder, MOODLE.format(keys="")).origins["lms"].preset

    def found(path: str) -> TrafficClass:
        return next(rule.traffic_class for rule in preset.rules if not rule.query and rule.pattern.search(path))

    assert found("/pluginfile.php/12/mod_quiz/content/3/a.png") is TrafficClass.ASSESSMENT
    assert found("/pluginfile.php/12/mod_page/content/3/a.png") is TrafficClass.LESSON
    assert found("/pluginfile.php/12/mod_forum/post/3/a.png") is TrafficClass.FORUM
    assert found("/mod/chat/gui_ajax/index.php") is TrafficClass.CONSULTATION
    assert found("/mod/quiz/autosave.ajax.php") is TrafficClass.ASSESSMENT
    assert found("/tokenpluginfile.php/abc/12/question/x/a.png") is TrafficClass.ASSESSMENT


def test_a_preset_begins_in_the_folder_that_the_origin_is_mounted_in(folder: Path) -> None:
    origin = catalogue_of(folder, MOODLE.format(keys=", mount: /moodle/")).origins["lms"]
    quiz = next(rule for rule in origin.preset.rules if rule.pattern.pattern.endswith("mod/quiz/.*\\Z"))
    assert quiz.pattern.search("/moodle/mod/quiz/view.php")
    assert not quiz.pattern.search("/mod/quiz/view.php")
    assert origin.preset.logout[0].search("/moodle/login/logout.php")


def test_no_transform_is_the_presets_unless_the_origin_says_otherwise(folder: Path) -> None:
    assert catalogue_of(folder, MOODLE.format(keys="")).origins["lms"].no_transform is NoTransform.IGNORE
    honoured = catalogue_of(folder, MOODLE.format(keys=", no_transform: honour")).origins["lms"]
    assert honoured.no_transform is NoTransform.HONOUR


def test_several_presets_add_up(folder: Path) -> None:
    text = MOODLE.format(keys="").replace("preset: moodle", "preset: [moodle, bigbluebutton]")
    preset = catalogue_of(folder, text).origins["lms"].preset
    assert preset.name == "moodle+bigbluebutton"
    assert preset.socket_close
    assert preset.app_error == "moodle"
    assert {"MoodleSession*", "JSESSIONID"} <= set(preset.session_cookies)
    assert [item.name for item in preset.diet].count("trackers") == 1


DIET = {
    "https://lms.example.org/theme/font.php/boost/core/17/course-sans.woff2": "fonts",
    "https://fonts.googleapis.com/css2?family=Roboto": "fonts",
    "https://lms.example.org/lib/javascript.php/17/lib/babel-polyfill/polyfill.min.js": "polyfills",
    "https://lms.example.org/lib/javascript.php/17/filter/mathjaxloader/MathJax.js": "formulas",
    "https://cdn.jsdelivr.net/npm/mathjax@2.7.9/MathJax.js?delayStartupUntil=configured": "formulas",
    "https://mc.yandex.ru/metrika/tag.js": "trackers",
    "https://www.google-analytics.com/analytics.js": "trackers",
    "https://top-fwz1.mail.ru/js/code.js": "trackers",
    "https://mc.tracker.test/watch.js": "trackers",
    "https://lms.example.org/lib/javascript.php/17/lib/requirejs/first.js": "",
    "https://lms.example.org/theme/styles.php/boost/17_1/all": "late-styles",
    "https://lms.example.org/theme/yui_combo.php?rollup/3.18.1/yui-moodlesimple-min.js": "",
    "https://lms.example.org/course/?next=mc.yandex.ru/metrika": "",
}


@pytest.mark.parametrize(("url", "name"), DIET.items())
def test_the_diet_knows_what_a_first_visit_can_do_without(folder: Path, url: str, name: str) -> None:
    preset = catalogue_of(folder, MOODLE.format(keys="")).origins["lms"].preset
    assert {item.name for item in preset.diet if item.pattern.search(url)} == ({name} if name else set())


PLAYERS = {
    "https://www.youtube.com/embed/Aq5WXmQQooo?rel=0": "YouTube",
    "https://www.youtube-nocookie.com/embed/Aq5WXmQQooo": "YouTube",
    "https://www.youtube.com/v/Aq5WXmQQooo": "YouTube",
    "https://www.youtube.com/watch?v=Aq5WXmQQooo": "YouTube",
    "https://youtu.be/Aq5WXmQQooo": "YouTube",
    "https://rutube.ru/play/embed/0c1f6a0e6a5b4a3c9d2e7f8091a2b3c4": "RuTube",
    "https://vk.com/video_ext.php?oid=-220018529&id=456239017&hd=2": "VK Видео",
    "https://vkvideo.ru/video_ext.php?oid=-220018529&id=456239017&hd=2": "VK Видео",
    "https://vk.com/video-22822305_456241864": "VK Видео",
    "https://player.vimeo.com/video/76979871?dnt=1": "Vimeo",
    "https://vimeo.com/76979871": "Vimeo",
    "https://kinescope.io/embed/203675080": "Kinescope",
    "https://ok.ru/videoembed/1234567890": "Одноклассники",
    "https://drive.google.com/file/d/1AbC/preview": "Google Drive",
    "https://dzen.ru/embed/vIdEo": "Дзен",
    "https://peertube.example.org/videos/embed/9c9de5e8": "PeerTube",
    "https://www.youtube.com/": "",
    "https://vk.com/methodists": "",
    "https://vimeo.com/about": "",
    "https://lms.example.org/mod/page/view.php?u=https://youtu.be/x": "",
    "https://notyoutu.be/x": "",
    "https://drive.google.com/file/d/1AbC/view": "",
}


@pytest.mark.parametrize(("url", "name"), PLAYERS.items())
def test_players_of_video_hosts_are_recognised(folder: Path, url: str, name: str) -> None:
    hosts = catalogue_of(folder, MOODLE.format(keys="")).embed_hosts
    assert {host.name for host in hosts if host.pattern.search(url)} == ({name} if name else set())


# -- patterns ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("/mod/quiz/", ["/mod/quiz/", "/mod/quiz/view.php"], ["/mod/quiz", "/x/mod/quiz/"]),
        ("/a.php", ["/a.php"], ["/aXphp", "/a.php/b"]),
        ("/a/*/b", ["/a/1/b"], ["/a/1/2/b", "/a//b/"]),
        ("/a/**.js", ["/a/b/c.js"], ["/a/b/c.css"]),
        ("/{x,y}/", ["/x/1", "/y/"], ["/z/1"]),
        ("^/(?:a|b)/\\d+", ["/a/1", "/b/22/x"], ["/c/1", "/a/x"]),
        ("^/a|/b", ["/a1", "/b"], ["/c/b/"]),
        ("^.*\\.m3u8$", ["/x/y.m3u8"], ["/x/y.m3u8x"]),
    ],
)
def test_a_path_pattern_means_what_it_says(pattern: str, yes: list[str], no: list[str]) -> None:
    compiled = path_pattern(pattern)
    assert [path for path in yes if not compiled.match(path)] == []
    assert [path for path in no if compiled.match(path)] == []


def test_search_match_and_fullmatch_agree() -> None:
    for written in ("/mod/quiz/", "/a/*/b", "^/a"):
        compiled = path_pattern(written)
        for path in ("/mod/quiz/x", "/x/mod/quiz/x", "/a/1/b", "/z"):
            assert len({bool(found(path)) for found in (compiled.search, compiled.match, compiled.fullmatch)}) == 1


def test_a_url_pattern_holds_for_the_host_alone() -> None:
    pattern = url_pattern("*.example.org/embed/")
    assert pattern.search("https://EXAMPLE.org/embed/1?x=2#y")
    assert pattern.search("http://a.b.example.org:8080/embed/")
    assert not pattern.search("https://example.org.evil.test/embed/")
    assert not pattern.search("https://user@evil.test/example.org/embed/")


@pytest.mark.parametrize("written", ["mod/quiz", "/a{b", "^/(", ""])
def test_a_broken_pattern_is_refused(written: str) -> None:
    with pytest.raises(Wrong):
        path_pattern(written)
