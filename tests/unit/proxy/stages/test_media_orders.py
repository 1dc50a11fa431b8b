"""From what a learner chose, or what goes in a film's place, to what is ordered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.treatments import PASS_ALL, Action, AudioTreatment, Form, VideoTreatment
from proxy.media.refs import SourceRef
from proxy.stages.media_orders import knows_opus, order_of, playing_recipe, recipe_of, segments_recipe
from proxy.transforms.media.spec import CappedSpec, HlsSpec, PdfSpec, Recipe, SlidecastSpec, SoundCodec, SoundSpec
from tests.exchanges import a_decision

VIDEO = VideoTreatment(action=Action.ADAPT, form=Form.SLIDECAST, also=frozenset({Form.CAPPED}), max_height_px=240)
DECISION = a_decision(treatments=replace(PASS_ALL, video=VIDEO))
SOURCE = SourceRef(origin="lms", url="https://lms.example.org/f.mp4", etag='"1"', length_bytes=9, private=False)
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 12_0) AppleWebKit/605.1.15 Version/12.0 Mobile/15E Safari/604"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1 Safari/605.1"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:115.0) Gecko/20100101 Firefox/115.0"
IE = "Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0) like Gecko"


@pytest.mark.parametrize(
    ("agent", "knows"), [(CHROME, True), (FIREFOX, True), ("", True), (IPHONE, False), (MAC, False), (IE, False)]
)
def test_browsers_that_never_learned_opus_in_webm_get_aac(agent: str, knows: bool) -> None:
    headers = {"User-Agent": agent} if agent else {}
    assert knows_opus(headers) is knows
    found = recipe_of("sound", DECISION, "video/mp4", headers)
    assert found is not None and isinstance(found[1], SoundSpec)
    assert found[1].codec is (SoundCodec.OPUS if knows else SoundCodec.AAC)


@pytest.mark.parametrize(
    ("version", "content_type", "recipe", "spec"),
    [
        ("slidecast", "video/mp4", Recipe.SLIDECAST, SlidecastSpec),
        ("slides", "video/mp4", Recipe.SLIDECAST, SlidecastSpec),
        ("sound", "video/mp4", Recipe.AUDIO, SoundSpec),
        ("capped", "video/mp4", Recipe.CAPPED, CappedSpec),
        ("read", "application/pdf", Recipe.PDF, PdfSpec),
    ],
)
def test_each_version_has_its_recipe(version: str, content_type: str, recipe: Recipe, spec: type) -> None:
    found = recipe_of(version, DECISION, content_type, {})
    assert found is not None and found[0] is recipe and isinstance(found[1], spec)


@pytest.mark.parametrize(
    ("version", "content_type"), [("read", "application/zip"), ("print", "text/html"), ("", "video/mp4"), ("x", "")]
)
def test_what_has_no_recipe_is_not_to_be_had(version: str, content_type: str) -> None:
    assert recipe_of(version, DECISION, content_type, {}) is None


def test_slides_alone_are_the_same_order_as_slides_with_sound() -> None:
    found = [recipe_of(version, DECISION, "video/mp4", {}) for version in ("slides", "slidecast")]
    keys = {order_of(*one, SOURCE, region="koryak").key for one in found if one is not None}
    assert len(keys) == 1


def test_the_same_version_of_the_same_source_is_one_order_whoever_asks() -> None:
    found = recipe_of("capped", DECISION, "video/mp4", {})
    assert found is not None
    mine = order_of(*found, SOURCE, region="koryak", title="a", media_s=60)
    hers = order_of(*found, replace(SOURCE, learner="her"), region="chukotka", title="b")
    other = order_of(*found, replace(SOURCE, etag='"2"'), region="koryak")
    private = order_of(*found, replace(SOURCE, learner="her", private=True), region="koryak")
    assert mine.key == hers.key and len({mine.key, other.key, private.key}) == 3


def test_only_a_film_goes_in_a_films_place_and_only_where_policy_has_one() -> None:
    found = playing_recipe(VIDEO, {})
    assert found is not None and found[0] is Recipe.CAPPED
    assert playing_recipe(replace(VIDEO, also=frozenset({Form.SOUND})), {}) is None
    sound = playing_recipe(AudioTreatment(action=Action.ADAPT, bitrate_bps=12_000), {})
    assert sound is not None and sound[0] is Recipe.AUDIO and sound[1] == SoundSpec(bitrate_bps=12_000)


def test_segments_are_of_the_same_film_as_the_whole() -> None:
    recipe, spec = segments_recipe(VIDEO)
    whole = recipe_of("capped", DECISION, "video/mp4", {})
    assert recipe is Recipe.HLS and isinstance(spec, HlsSpec) and whole is not None and spec.capped == whole[1]
