"""What lies under an editor's paths keeps its bytes: a re-uploaded degraded document is damage for ever."""

from __future__ import annotations

from dataclasses import replace

from policies.classify import is_edited
from policies.rules.situation import Situation
from policies.treatments import (
    Action,
    AudioTreatment,
    DocumentTreatment,
    ImageTreatment,
    SizedTreatment,
    Treatments,
    VideoTreatment,
)
from policies.values import Reason


def edit_path(at: Situation, treatments: Treatments) -> tuple[Treatments, Reason] | None:
    """Images, documents and archives as they are, without light copies, where the preset says that things are edited.

    A film or a recording that would be made smaller stays away as a whole, as one that is withheld does.
    """
    if at.origin is None or not is_edited(at.origin, at.request.path):
        return None
    kept = replace(
        treatments,
        image=ImageTreatment(),
        document=DocumentTreatment(),
        archive=SizedTreatment(),
        video=_whole_video(treatments.video),
        audio=_whole_audio(treatments.audio),
        upload=replace(treatments.upload, photo_width_px=None, film_width_px=None, sound_bps=None),
    )
    return kept, Reason(rule="edit-path", source=at.origin.preset.source or at.origin.source)


def _whole_video(video: VideoTreatment) -> VideoTreatment:
    return VideoTreatment(action=Action.CARD, credit=video.credit) if video.action is Action.ADAPT else video


def _whole_audio(audio: AudioTreatment) -> AudioTreatment:
    return AudioTreatment(action=Action.CARD) if audio.action is Action.ADAPT else audio
