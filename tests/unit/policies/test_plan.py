from __future__ import annotations

from datetime import UTC, datetime

import pytest

from policies.decide import decide
from policies.decision import Decision, DownsampleImage, PassThrough, RewritePage, Withhold
from policies.facts import NO_USAGE, ResponseFacts
from policies.plan import effective_kind, plan, plan_observed, rewrites_pages, whole_size_bytes
from policies.treatments import (
    PASS_ALL,
    Action,
    AudioTreatment,
    DocumentTreatment,
    ImageTreatment,
    PageTreatment,
    Treatments,
    VideoTreatment,
)
from policies.values import MediaKind
from tests.builders import a_catalogue, a_policy, a_request, a_territory

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def decided(
    treatments: Treatments = PASS_ALL, *, path: str = "/course/", observe: bool = False, **facts: object
) -> Decision:
    policy = a_policy(treatments=treatments, observe=observe, sources={"video": "p.yaml:4", "audio": "p.yaml:6"})
    return decide(a_catalogue(a_territory(policy=policy)), a_request(path, **facts), NO_USAGE, NOON)


CARDS = Treatments(video=VideoTreatment(action=Action.CARD))
HTML = ResponseFacts(status=200, content_type="text/html")


def test_a_page_that_nothing_would_change_passes() -> None:
    assert plan(decided(), HTML) == PassThrough()


@pytest.mark.parametrize(
    "treatments",
    [
        CARDS,
        Treatments(embed=VideoTreatment(action=Action.CARD)),
        Treatments(audio=AudioTreatment(max_bytes=5)),
        Treatments(font=Action.DROP),
        Treatments(image=ImageTreatment(action=Action.ADAPT, max_width_px=800)),
        Treatments(page=PageTreatment(show_sizes=True)),
        Treatments(page=PageTreatment(action=Action.ADAPT, diet=frozenset({"fonts"}))),
    ],
)
def test_a_page_that_something_would_change_is_rewritten(treatments: Treatments) -> None:
    planned = plan(decided(treatments), HTML)
    assert planned == RewritePage(page=treatments.page, treatments=treatments)


@pytest.mark.parametrize("treatments", [PASS_ALL, Treatments(image=ImageTreatment(action=Action.ADAPT))])
def test_smaller_images_alone_change_no_page(treatments: Treatments) -> None:
    assert not rewrites_pages(treatments)


def test_what_is_withheld_carries_the_decisions_reason_with_its_yaml_place() -> None:
    planned = plan(decided(CARDS), ResponseFacts(status=200, content_type="video/mp4", length_bytes=9))
    assert isinstance(planned, Withhold)
    assert (planned.reason.rule, planned.reason.source, planned.size_bytes) == ("video-withheld", "p.yaml:4", 9)


def test_a_limit_carries_its_yaml_place_too() -> None:
    decision = decided(Treatments(audio=AudioTreatment(max_bytes=5)))
    planned = plan(decision, ResponseFacts(status=200, content_type="audio/mpeg", length_bytes=6))
    assert isinstance(planned, Withhold)
    assert (planned.reason.rule, planned.reason.source) == ("size-limit", "p.yaml:6")


def test_a_video_that_wont_tell_its_size_is_above_any_limit() -> None:
    decision = decided(Treatments(video=VideoTreatment(max_bytes=5), document=DocumentTreatment(max_bytes=5)))
    assert isinstance(plan(decision, ResponseFacts(status=200, content_type="video/mp4")), Withhold)
    assert isinstance(plan(decision, ResponseFacts(status=200, content_type="application/pdf")), PassThrough)


def test_a_manifests_own_size_says_nothing_of_the_stream() -> None:
    decision = decided(Treatments(stream=VideoTreatment(max_bytes=5)))
    manifest = ResponseFacts(status=200, content_type="application/dash+xml", length_bytes=900)
    assert isinstance(plan(decision, manifest), PassThrough)


def test_an_original_above_its_limit_is_still_made_smaller() -> None:
    decision = decided(Treatments(image=ImageTreatment(max_bytes=100)))
    small = ResponseFacts(status=200, content_type="image/png", length_bytes=100)
    large = ResponseFacts(status=200, content_type="image/png", length_bytes=101)
    assert isinstance(plan(decision, small), PassThrough)
    planned = plan(decision, large)
    assert isinstance(planned, DownsampleImage)
    assert planned.image.action is Action.ADAPT


def test_observed_plans_tell_what_would_have_been() -> None:
    decision = decided(CARDS, observe=True)
    film = ResponseFacts(status=200, content_type="video/mp4")
    assert isinstance(plan(decision, film), PassThrough)
    assert isinstance(plan_observed(decision, film), Withhold)


@pytest.mark.parametrize(
    ("content_type", "sniffed", "request_kind", "kind"),
    [
        ("video/mp4", None, None, MediaKind.VIDEO),
        ("text/html", MediaKind.VIDEO, None, MediaKind.VIDEO),
        ("image/gif", MediaKind.VIDEO, MediaKind.IMAGE, MediaKind.VIDEO),
        ("audio/webm", MediaKind.VIDEO, None, MediaKind.AUDIO),
        ("video/mp4", MediaKind.AUDIO, None, MediaKind.VIDEO),
        ("text/plain", MediaKind.STREAM, None, MediaKind.STREAM),
        (
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            MediaKind.ARCHIVE,
            None,
            MediaKind.DOCUMENT,
        ),
        ("application/zip", MediaKind.DOCUMENT, None, MediaKind.ARCHIVE),
        ("text/html", MediaKind.DOCUMENT, None, MediaKind.DOCUMENT),
        ("image/png", MediaKind.PAGE, None, MediaKind.IMAGE),
        ("application/octet-stream", MediaKind.DOCUMENT, None, MediaKind.DOCUMENT),
        ("application/octet-stream", None, MediaKind.VIDEO, MediaKind.VIDEO),
        ("application/octet-stream", None, None, MediaKind.OTHER),
        ("video/mp2t", None, MediaKind.SCRIPT, MediaKind.SCRIPT),
        ("video/mp2t", MediaKind.VIDEO, MediaKind.SCRIPT, MediaKind.VIDEO),
        ("", None, MediaKind.IMAGE, MediaKind.IMAGE),
    ],
)
def test_the_effective_kind_is_the_heaviest_proven(
    content_type: str, sniffed: MediaKind | None, request_kind: MediaKind | None, kind: MediaKind
) -> None:
    response = ResponseFacts(status=200, content_type=content_type, sniffed=sniffed, request_kind=request_kind)
    assert effective_kind(decided(), response) is kind


@pytest.mark.parametrize(
    ("headers", "size"),
    [({"content-range": "bytes 0-9/500"}, 500), ({"content-range": "bytes 0-9/*"}, 10), ({}, 10)],
)
def test_a_part_tells_the_size_of_the_whole_where_it_can(headers: dict[str, str], size: int) -> None:
    response = ResponseFacts(status=206, partial=True, length_bytes=10, headers=headers)
    assert whole_size_bytes(response) == size
