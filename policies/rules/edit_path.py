"""Documents under an editor's paths keep their bytes: a re-uploaded degraded one is damage for ever."""

from __future__ import annotations

from dataclasses import replace

from policies.classify import is_edited
from policies.rules.situation import Situation
from policies.treatments import ImageTreatment, SizedTreatment, Treatments
from policies.values import Reason


def edit_path(at: Situation, treatments: Treatments) -> tuple[Treatments, Reason] | None:
    """Images, documents and archives as they are, where the preset says that things are edited."""
    if at.origin is None or not is_edited(at.origin, at.request.path):
        return None
    kept = replace(treatments, image=ImageTreatment(), document=SizedTreatment(), archive=SizedTreatment())
    return kept, Reason(rule="edit-path", source=at.origin.preset.source or at.origin.source)
