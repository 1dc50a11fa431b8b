"""From a request's head to what the policy is told of it."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from multidict import CIMultiDict

from policies.facts import NO_HINTS, Hints
from policies.values import Audience, Direction, MediaKind
from proxy.exchange import Inbound, Who
from proxy.facts import as_part_of_its_page, audience_and_kind, hints, own_request_facts, request_facts
from tests.builders import a_territory, an_origin
from tests.inbounds import an_inbound

WHO = Who(territory=a_territory("koryak", "tigil"), learner="l", learner_by="site", known_by="network", language="ru")


def facts_of(inbound: Inbound, **known: object):  # type: ignore[no-untyped-def]
    return request_facts(inbound, WHO, measured_bps=known.get("measured_bps"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("destination", "path", "audience", "kind"),
    [
        ("document", "/course/view.php", Audience.PAGE, None),
        ("document", "/film.mp4", Audience.PAGE, MediaKind.VIDEO),
        ("iframe", "/embed/x", Audience.EMBED, None),
        ("object", "/a.swf", Audience.EMBED, None),
        ("video", "/stream", Audience.MEDIA, MediaKind.VIDEO),
        ("audio", "/talk", Audience.MEDIA, MediaKind.AUDIO),
        ("empty", "/seg-1.m4s", Audience.API, None),
        ("image", "/draw.php", Audience.SUBRESOURCE, MediaKind.IMAGE),
        ("script", "/x", Audience.SUBRESOURCE, MediaKind.SCRIPT),
        ("style", "/theme/styles.php/1/all", Audience.SUBRESOURCE, MediaKind.STYLE),
    ],
)
def test_what_a_browser_says_it_is_for_decides_who_reads_the_answer(
    destination: str, path: str, audience: Audience, kind: MediaKind | None
) -> None:
    got, got_kind = audience_and_kind(CIMultiDict({"Sec-Fetch-Dest": destination}), path, app=False)
    assert got is audience
    assert kind is None or got_kind is kind


@pytest.mark.parametrize(
    ("mode", "accept", "path", "audience", "kind"),
    [
        ("navigate", "text/html,*/*;q=0.8", "/course/view.php", Audience.PAGE, None),
        ("no-cors", "image/avif,image/webp,*/*;q=0.8", "/draw.php", Audience.SUBRESOURCE, MediaKind.IMAGE),
        ("no-cors", "text/css,*/*;q=0.1", "/all", Audience.SUBRESOURCE, MediaKind.STYLE),
        ("no-cors", "*/*", "/a.js", Audience.SUBRESOURCE, MediaKind.SCRIPT),
        ("no-cors", "*/*", "/combo.php", Audience.API, None),
        ("cors", "image/avif,*/*", "/draw.php", Audience.API, None),
        ("same-origin", "text/html", "/a", Audience.API, None),
    ],
)
def test_what_a_service_worker_passes_on_is_known_by_its_mode(
    mode: str, accept: str, path: str, audience: Audience, kind: MediaKind | None
) -> None:
    head = CIMultiDict({"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": mode, "Accept": accept})
    assert audience_and_kind(head, path, app=False) == (audience, kind)


def test_firefox_passes_a_page_on_under_another_mode() -> None:
    """As its 153 does; a script's own request has no `Upgrade-Insecure-Requests`."""
    head = CIMultiDict({"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "same-origin", "Accept": "text/html,*/*;q=0.8"})
    assert audience_and_kind(head, "/a", app=False)[0] is Audience.API
    head["Upgrade-Insecure-Requests"] = "1"
    assert audience_and_kind(head, "/a", app=False)[0] is Audience.PAGE


@pytest.mark.parametrize(
    ("headers", "path", "audience", "kind"),
    [
        ({"Accept": "text/html,*/*;q=0.8"}, "/a", Audience.PAGE, None),
        ({"Accept": "image/webp,*/*"}, "/draw.php", Audience.SUBRESOURCE, MediaKind.IMAGE),
        ({"Accept": "text/css,*/*;q=0.1"}, "/all", Audience.SUBRESOURCE, MediaKind.STYLE),
        ({"Accept": "application/json"}, "/x", Audience.API, MediaKind.DATA),
        ({"X-Requested-With": "XMLHttpRequest", "Accept": "text/html"}, "/x", Audience.API, None),
        ({"Accept": "*/*"}, "/film.mp4", Audience.MEDIA, MediaKind.VIDEO),
        ({"Accept": "*/*"}, "/a.pdf", Audience.PAGE, MediaKind.DOCUMENT),
        ({"Accept": "*/*"}, "/a.js", Audience.SUBRESOURCE, MediaKind.SCRIPT),
        ({}, "/", Audience.PAGE, None),
    ],
)
def test_browsers_without_fetch_metadata_are_known_by_older_signs(
    headers: dict[str, str], path: str, audience: Audience, kind: MediaKind | None
) -> None:
    got, got_kind = audience_and_kind(CIMultiDict(headers), path, app=False)
    assert got is audience
    assert kind is None or got_kind is kind


def test_a_websocket_is_one_whatever_else_the_head_says() -> None:
    head = CIMultiDict({"Upgrade": "WebSocket", "Sec-Fetch-Dest": "empty", "Accept": "text/html"})
    assert audience_and_kind(head, "/webservice/x", app=True) == (Audience.SOCKET, None)


def test_an_apps_paths_are_an_apps_even_where_a_browser_asks() -> None:
    head = CIMultiDict({"Sec-Fetch-Dest": "document"})
    assert audience_and_kind(head, "/tokenpluginfile.php/x/film.mp4", app=True) == (Audience.APP, MediaKind.VIDEO)


@pytest.mark.parametrize(
    "head",
    [
        {},
        {"Save-Data": "off"},
        {"ECT": "5g"},
        {"RTT": "fast"},
        {"Downlink": "-1"},
        {"RTT": "nan"},
        {"Downlink": "inf"},
        {"Sec-CH-Viewport-Width": ""},
        {"Sec-CH-UA-Mobile": "?0"},
    ],
)
def test_an_absent_or_malformed_hint_is_no_hint(head: dict[str, str]) -> None:
    assert hints(CIMultiDict(head)) == NO_HINTS


def test_hints_are_read_in_their_units() -> None:
    head = {"Save-Data": "On", "ECT": "2g", "RTT": "700", "Downlink": "0.25", "Sec-CH-UA-Mobile": "?1"}
    screen = {"Sec-CH-Viewport-Width": "360", "Sec-CH-DPR": "2.5"}
    assert hints(CIMultiDict(head | screen)) == Hints(
        save_data=True, ect="2g", rtt_ms=700, downlink_bps=250_000, mobile=True, viewport_width_px=360, dpr=2.5
    )


def test_the_path_is_what_was_sent_and_the_query_stands_apart() -> None:
    facts = facts_of(an_inbound("/a/%7Eb/..?x=1&y?z"), measured_bps=64_000)
    assert (facts.path, facts.query, facts.measured_bps) == ("/a/%7Eb/..", "x=1&y?z", 64_000)
    assert (facts.region, facts.site, facts.host, facts.origin) == ("koryak", "tigil", "lms.example.org", "lms")


def test_an_upload_is_known_by_its_method_and_carries_its_length() -> None:
    up = facts_of(an_inbound("/post", method="POST", Content_Length="120"))
    assert (up.direction, up.upload_bytes) == (Direction.UP, 120)
    down = facts_of(an_inbound("/get", method="DELETE"))
    assert (down.direction, down.upload_bytes) == (Direction.DOWN, None)


def test_a_host_that_nobody_lists_has_no_origin_and_no_app() -> None:
    facts = facts_of(an_inbound("/webservice/rest", origin=None))
    assert (facts.origin, facts.audience) == ("", Audience.PAGE)


def test_what_tropa_asks_by_itself_has_the_address_as_it_is_and_nobodys_hints() -> None:
    territory, origin = a_territory(), an_origin()
    facts = own_request_facts(
        territory, origin, method="POST", scheme="https", host="lms.example.org", port=443, target="/a%2Fb?id=1?2"
    )
    assert (facts.path, facts.query, facts.method, facts.origin) == ("/a%2Fb", "id=1?2", "POST", origin.id)
    assert (facts.region, facts.site) == (territory.region, territory.site)
    assert (facts.learner, facts.kind, facts.hints) == ("", None, NO_HINTS)


def test_the_client_address_is_no_fact_of_policy() -> None:
    one, other = an_inbound(address="10.41.0.5"), an_inbound(address="10.41.0.6")
    assert one.client.address == ip_address("10.41.0.5") and facts_of(one) == facts_of(other)


QUIZ = "https://lms.example.org/mod/quiz/attempt.php?attempt=7#q2"


@pytest.mark.parametrize("destination", ["script", "style", "image", "empty"])
def test_a_part_of_a_page_can_be_judged_as_that_page(destination: str) -> None:
    inbound = an_inbound("/lib/x.js?v=1", Sec_Fetch_Dest=destination, Referer=QUIZ)
    part = as_part_of_its_page(inbound, facts_of(inbound))
    assert part is not None
    assert (part.path, part.query) == ("/mod/quiz/attempt.php", "attempt=7")
    assert part.kind is facts_of(inbound).kind


@pytest.mark.parametrize(
    ("destination", "referer"),
    [
        ("document", QUIZ),
        ("iframe", QUIZ),
        ("video", QUIZ),
        ("script", ""),
        ("script", "https://other.example/mod/quiz/attempt.php"),
        ("script", "https://lms.example.org.evil.example/mod/quiz/"),
        ("script", "http://lms.example.org/mod/quiz/"),
    ],
)
def test_pages_films_and_parts_of_other_sites_pages_stand_for_themselves(destination: str, referer: str) -> None:
    inbound = an_inbound("/x", Sec_Fetch_Dest=destination, Referer=referer)
    assert as_part_of_its_page(inbound, facts_of(inbound)) is None
