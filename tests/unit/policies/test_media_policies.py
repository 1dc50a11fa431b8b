"""What is written of films, sound, documents and animations, as the values that run."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies.load import read_catalogue
from policies.model import Catalogue, Limits, NoTransform, Policy
from policies.schema.files import json_schema
from policies.treatments import (
    Action,
    Animation,
    AudioTreatment,
    Credit,
    DocumentTreatment,
    Form,
    LightCopy,
    NothingFits,
    Treatments,
    UploadTreatment,
    VideoTreatment,
)
from policies.values import TrafficClass

ADAPT = "    video: {treatment: adapt, as: slidecast, also: [sound, capped], max_height: 144 px, sound: 12 kbit/s}\n"


def catalogue_of(folder: Path, base: str, over: str = "", rest: str = "") -> Catalogue:
    """`mine` says `base`; the policy of the place stands on it and says `over`."""
    path = folder / "regions.yaml"
    path.write_text(
        f"policies:\n  mine:\n    extends: open\n{base}"
        f"regions:\n  koryak:\n    timezone: Asia/Kamchatka\n    networks: [10.41.0.0/16]\n"
        f"    policy:\n      extends: mine\n{over}{rest}",
        encoding="utf-8",
    )
    return read_catalogue(path)


def policy_of(folder: Path, base: str, over: str = "") -> Policy:
    return catalogue_of(folder, base, over).territories["koryak", None].policy


def treatments_of(folder: Path, base: str, over: str = "") -> Treatments:
    return policy_of(folder, base, over).classes[TrafficClass.LESSON].treatments


def video_of(folder: Path, base: str, over: str = "") -> VideoTreatment:
    return treatments_of(folder, base, over).video


def test_adapt_alone_is_a_small_film_in_its_place(tmp_path: Path) -> None:
    assert video_of(tmp_path, "    video: adapt\n") == VideoTreatment(
        action=Action.ADAPT, max_height_px=240, max_fps=15, max_bitrate_bps=150_000
    )


@pytest.mark.parametrize(
    ("height", "rate_bps"), [("96", 80_000), ("144 px", 80_000), ("360 px", 300_000), ("720 px", 1_200_000)]
)
def test_a_film_has_the_rate_that_its_height_needs(tmp_path: Path, height: str, rate_bps: int) -> None:
    video = video_of(tmp_path, f"    video: {{treatment: adapt, max_height: {height}}}\n")
    assert video.max_bitrate_bps == rate_bps


def test_everything_that_can_be_said_of_a_film_is_heard(tmp_path: Path) -> None:
    written = "treatment: adapt, as: sound, also: slides, max: 2 GB, max_height: 360 px, max_fps: 12"
    video = video_of(tmp_path, f"    video: {{{written}, max_rate: 200 kbit/s, sound: 24 kbit/s, credit: full}}\n")
    assert video == VideoTreatment(
        action=Action.ADAPT,
        max_bytes=2_000_000_000,
        form=Form.SOUND,
        also=frozenset({Form.SLIDES}),
        max_height_px=360,
        max_fps=12,
        max_bitrate_bps=200_000,
        sound_bitrate_bps=24_000,
        credit=Credit.FULL_NEEDED,
    )


def test_a_ladder_has_no_limit_of_pictures_a_second_unless_it_is_written(tmp_path: Path) -> None:
    stream = treatments_of(tmp_path, "    streams: {treatment: adapt, if_nothing_fits: make}\n").stream
    assert (stream.max_fps, stream.nothing_fits) == (None, NothingFits.MAKE)
    assert treatments_of(tmp_path, "    streams: {treatment: adapt, max_fps: 25}\n").stream.max_fps == 25


def test_sound_documents_players_and_animations(tmp_path: Path) -> None:
    found = treatments_of(
        tmp_path,
        "    audio: {treatment: adapt, rate: 12 kbit/s, max: 100 MB}\n"
        "    documents: {max: 5 MB, light: [read, print]}\n"
        "    embeds: {treatment: card, credit: full}\n"
        "    images: {animation: smaller}\n",
    )
    assert found.audio == AudioTreatment(action=Action.ADAPT, max_bytes=100_000_000, bitrate_bps=12_000)
    assert found.document == DocumentTreatment(max_bytes=5_000_000, light=frozenset(LightCopy))
    assert found.embed == VideoTreatment(action=Action.CARD, credit=Credit.FULL_NEEDED)
    assert found.image.animation is Animation.SMALLER


def test_what_learners_send(tmp_path: Path) -> None:
    films = "films: {max_width: 480 px, max_rate: 200 kbit/s}"
    base = f"    uploads: {{photos: {{max_width: 1280 px}}, {films}, sound: 16 kbit/s}}\n"
    found = treatments_of(tmp_path, base).upload
    assert found == UploadTreatment(photo_width_px=1280, film_width_px=480, film_bps=200_000, sound_bps=16_000)
    kept = treatments_of(tmp_path, base, "      uploads: {films: keep, sound: keep}\n").upload
    assert (kept.photo_width_px, kept.film_width_px, kept.sound_bps) == (1280, None, None)


# -- standing on another policy ----------------------------------------------------------------------------------------


def test_a_film_that_is_kept_again_inherits_nothing_of_the_smaller_one(tmp_path: Path) -> None:
    kept = "      video: {treatment: keep}\n"
    assert video_of(tmp_path, "    video: {treatment: adapt, max: 2 GB, as: sound}\n", kept) == VideoTreatment()


def test_the_limit_of_what_is_kept_is_none_of_what_is_taken_in(tmp_path: Path) -> None:
    adapted = "      video: {treatment: adapt}\n"
    assert video_of(tmp_path, "    video: {treatment: keep, max: 2 MB}\n", adapted).max_bytes is None


def test_a_word_on_credit_outlives_another_treatment(tmp_path: Path) -> None:
    card = "      video: {treatment: card}\n"
    found = video_of(tmp_path, "    video: {treatment: adapt, credit: full}\n", card)
    assert found == VideoTreatment(action=Action.CARD, credit=Credit.FULL_NEEDED)


def test_a_version_that_is_recommended_now_isnt_offered_beside_itself(tmp_path: Path) -> None:
    found = video_of(tmp_path, ADAPT, "      video: {as: sound}\n")
    assert (found.form, found.also, found.max_height_px) == (Form.SOUND, frozenset({Form.CAPPED}), 144)


def test_a_single_version_that_is_recommended_now_leaves_nothing_beside_it(tmp_path: Path) -> None:
    found = video_of(tmp_path, "    video: {treatment: adapt, also: sound}\n", "      video: {as: sound}\n")
    assert (found.form, found.also) == (Form.SOUND, frozenset())


@pytest.mark.parametrize("card", ["video: card", "video: {treatment: card}"])
def test_a_card_may_stand_on_any_policy(tmp_path: Path, card: str) -> None:
    thriftier = (
        "    save_data: {video: {as: slides, max_rate: 60 kbit/s}}\n    classes: {recording: {video: {as: sound}}}\n"
    )
    policy = policy_of(tmp_path, ADAPT + thriftier, f"      {card}\n")
    assert policy.save_data_treatments is not None
    for found in (policy.save_data_treatments, policy.classes[TrafficClass.RECORDING].treatments):
        assert found.video.action is Action.CARD


def test_a_policy_that_refines_a_film_may_stand_on_one_that_withholds_it(tmp_path: Path) -> None:
    assert video_of(tmp_path, "    video: card\n", "      video: {as: sound}\n").action is Action.CARD


def test_what_saves_data_stands_on_the_policys_film(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, ADAPT + "    save_data: {video: {as: sound}}\n")
    assert policy.save_data_treatments is not None
    saved = policy.save_data_treatments.video
    assert (saved.form, saved.also, saved.sound_bitrate_bps) == (Form.SOUND, frozenset({Form.CAPPED}), 12_000)


def test_a_question_s_film_is_capped_whatever_is_recommended_elsewhere(tmp_path: Path) -> None:
    video = policy_of(tmp_path, ADAPT).classes[TrafficClass.ASSESSMENT].treatments.video
    assert video == VideoTreatment(
        action=Action.ADAPT, max_height_px=144, max_fps=15, max_bitrate_bps=80_000, sound_bitrate_bps=12_000
    )


def test_a_question_s_film_may_be_kept_or_have_limits_of_its_own(tmp_path: Path) -> None:
    kept = policy_of(tmp_path, ADAPT, "      classes: {assessment: {video: keep}}\n")
    assert kept.classes[TrafficClass.ASSESSMENT].treatments == Treatments()
    larger = policy_of(tmp_path, ADAPT, "      classes: {assessment: {video: {max_height: 360 px}}}\n")
    assert larger.classes[TrafficClass.ASSESSMENT].treatments.video.max_height_px == 360


# -- the process, origins, editors -------------------------------------------------------------------------------------


def test_limits_of_media_work_have_values_and_may_be_written(tmp_path: Path) -> None:
    limits = catalogue_of(tmp_path, "    video: adapt\n").settings.limits
    assert limits == Limits()
    written = "tropa: {limits: {media_workers: 3, media_queue: 9, media_store: 7 GB, media_source_store: 8 GB, "
    written += "max_media_source: 1 GB, max_media: 2 h, media_deadline: 30 min}}\n"
    limits = catalogue_of(tmp_path, "    video: adapt\n", rest=written).settings.limits
    assert (limits.media_workers, limits.media_queue) == (3, 9)
    assert (limits.media_store_bytes, limits.media_source_store_bytes) == (7_000_000_000, 8_000_000_000)
    assert (limits.max_media_source_bytes, limits.max_media_s, limits.media_deadline_s) == (1_000_000_000, 7200, 1800)


def test_only_the_origins_own_word_lifts_no_transform_in_forward_mode(tmp_path: Path) -> None:
    origins = "origins:\n  lms: {hosts: [a.example.org], preset: moodle}\n"
    origins += "  ours: {hosts: [b.example.org], preset: moodle, no_transform: ignore}\n"
    found = catalogue_of(tmp_path, "    video: adapt\n", rest=origins).origins
    assert (found["lms"].no_transform, found["lms"].forward_no_transform) == (NoTransform.IGNORE, NoTransform.HONOUR)
    assert found["ours"].forward_no_transform is NoTransform.IGNORE


@pytest.mark.parametrize(
    ("path", "must"),
    [
        ("/mod/h5pactivity/view.php", True),
        ("/mod/videotime/view.php", True),
        ("/pluginfile.php/5/mod_supervideo/content/1/film.mp4", True),
        ("/webservice/pluginfile.php/5/mod_hvp/content/1/film.mp4", True),
        ("/pluginfile.php/5/mod_resource/content/1/film.mp4", False),
        ("/mod/page/view.php", False),
    ],
)
def test_moodle_knows_players_that_must_be_seen_to_the_end(tmp_path: Path, path: str, must: bool) -> None:
    origins = "origins: {lms: {hosts: [a.example.org], preset: moodle}}\n"
    preset = catalogue_of(tmp_path, "    video: adapt\n", rest=origins).origins["lms"].preset
    assert any(pattern.search(path) for pattern in preset.player_paths) is must


def test_editors_know_the_keys_and_the_short_forms() -> None:
    sections = json_schema()["$defs"]
    assert sections["VideoSection"]["type"] == ["object", "string"]
    assert {"as", "also", "max_height", "max_rate", "sound", "credit"} <= set(sections["VideoSection"]["properties"])
    assert "if_nothing_fits" in sections["StreamSection"]["properties"]
    assert "as" not in sections["EmbedSection"]["properties"]
