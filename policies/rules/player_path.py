"""Where a player must be seen to the end for the course part to count, a film stays a player."""

from __future__ import annotations

from dataclasses import replace

from policies.classify import is_player
from policies.rules.situation import Situation
from policies.treatments import Action, Form, Treatments, VideoTreatment
from policies.values import Reason


def player_path(at: Situation, treatments: Treatments) -> tuple[Treatments, Reason] | None:
    """The film or the ladder capped in its place instead of a stand-in; what is withheld stays so, and is told."""
    if at.origin is None or not is_player(at.origin, at.request.path):
        return None
    films = (treatments.video, treatments.stream, treatments.embed)
    source = at.origin.preset.source or at.origin.source
    kept = replace(treatments, video=_in_place(treatments.video), stream=_in_place(treatments.stream))
    if kept != treatments:
        return kept, Reason(rule="player-stays", source=source)
    if any(film.action in (Action.CARD, Action.DROP) for film in films):
        return treatments, Reason(rule="player-needed", source=source)
    return None


def _in_place(film: VideoTreatment) -> VideoTreatment:
    """The smaller film; what else was offered beside it still is."""
    if film.action is not Action.ADAPT or film.form is Form.CAPPED:
        return film
    return replace(film, form=Form.CAPPED, also=film.also - {Form.CAPPED})
