from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.decide import decide
from policies.decision import (
    AdaptAudio,
    AdaptVideo,
    CompressText,
    Decision,
    DownsampleImage,
    MinifySvg,
    PassThrough,
    RewriteLadder,
    RewritePage,
    Withhold,
)
from policies.explain import codes
from policies.facts import ResponseFacts
from policies.plan import HTML_TYPES, KNOWN_CODINGS, plan, plan_observed, unmade, whole_size_bytes
from policies.streams import is_segment
from policies.treatments import Action, Form
from policies.values import Direction, MediaKind
from tests.property.strategies import catalogues, instants, requests, responses, usages

relaxed = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    now: datetime = draw(instants)
    return decide(draw(catalogues()), draw(requests), draw(usages(now)), now)


@relaxed
@given(decisions(), responses)
def test_every_response_gets_a_plan_with_known_reasons(decision: Decision, response: ResponseFacts) -> None:
    for planned in (plan(decision, response), plan_observed(decision, response)):
        match planned:
            case PassThrough(why=why):
                assert why is None or why.rule in codes()
            case Withhold(reason=reason):
                assert reason.rule in codes()
            case RewritePage() | DownsampleImage() | CompressText() | MinifySvg():
                assert response.content_coding in KNOWN_CODINGS
                assert 200 <= response.status < 300
            case AdaptVideo() | AdaptAudio() | RewriteLadder():
                assert response.content_coding in KNOWN_CODINGS
                assert response.status in (200, 206)
                assert not response.attachment
                assert decision.direction is Direction.DOWN


@relaxed
@given(decisions(), responses)
def test_errors_redirects_and_answers_to_uploads_are_never_withheld(
    decision: Decision, response: ResponseFacts
) -> None:
    if response.status >= 300 or decision.direction is Direction.UP:
        assert not isinstance(plan(decision, response), Withhold)


@relaxed
@given(decisions(), responses)
def test_observed_and_bypassed_exchanges_pass_untouched(decision: Decision, response: ResponseFacts) -> None:
    for changed in (replace(decision, observe=True), replace(decision, bypassed=True)):
        planned = plan(changed, response)
        assert isinstance(planned, PassThrough)
        assert not planned.may_recompress


@relaxed
@given(decisions(), responses)
def test_downloads_and_parts_are_never_altered(decision: Decision, response: ResponseFacts) -> None:
    assert isinstance(plan(decision, replace(response, attachment=True)), (PassThrough, Withhold))
    # A part of a film is a part of the smaller one where that has taken its place.
    part = plan(decision, replace(response, partial=True))
    assert isinstance(part, (PassThrough, Withhold, AdaptVideo, AdaptAudio))


@relaxed
@given(decisions(), responses)
def test_a_segment_is_never_made_smaller_by_itself(decision: Decision, response: ResponseFacts) -> None:
    if is_segment(response, whole_size_bytes(response), decision.audience):
        assert not isinstance(plan(decision, response), (AdaptVideo, AdaptAudio))


@relaxed
@given(decisions(), responses)
def test_what_cannot_be_made_smaller_is_withheld_or_passes(decision: Decision, response: ResponseFacts) -> None:
    planned = plan(decision, response)
    if isinstance(planned, (MinifySvg, AdaptVideo, AdaptAudio, RewriteLadder)):
        instead = unmade(decision, response, planned)
        assert isinstance(instead, (PassThrough, CompressText, Withhold))
        assert not (decision.exempt and isinstance(instead, Withhold))


@relaxed
@given(decisions(), responses)
def test_an_honoured_no_transform_alters_nothing(decision: Decision, response: ResponseFacts) -> None:
    planned = plan(replace(decision, honour_no_transform=True), replace(response, no_transform=True))
    assert isinstance(planned, (PassThrough, Withhold))


@relaxed
@given(decisions(), responses)
def test_only_html_that_a_person_sees_is_rewritten(decision: Decision, response: ResponseFacts) -> None:
    planned = plan(decision, response)
    if isinstance(planned, RewritePage):
        assert response.content_type in HTML_TYPES
        assert decision.audience.value in ("page", "embed")
        assert not decision.exempt


@relaxed
@given(decisions(), responses)
def test_an_assessment_is_never_withheld_and_its_pages_pass(decision: Decision, response: ResponseFacts) -> None:
    planned = plan(replace(decision, exempt=True), response)
    assert isinstance(planned, (PassThrough, DownsampleImage, AdaptVideo))
    assert not isinstance(planned, AdaptVideo) or planned.video.form is Form.CAPPED


@relaxed
@given(decisions(), responses)
def test_withheld_video_is_withheld_by_every_name(decision: Decision, response: ResponseFacts) -> None:
    card = replace(decision.treatments, video=replace(decision.treatments.video, action=Action.CARD))
    withheld = replace(decision, treatments=card, observe=False, bypassed=False, exempt=False, direction=Direction.DOWN)
    video = replace(response, status=200, sniffed=MediaKind.VIDEO)
    if video.content_type.startswith(("audio/", "application/vnd.apple", "application/dash")):
        return  # a declared sound or manifest is judged as that
    if is_segment(video, whole_size_bytes(video), withheld.audience):
        return  # a segment is judged as its stream
    planned = plan(withheld, video)
    assert isinstance(planned, Withhold)
    assert planned.kind is MediaKind.VIDEO
