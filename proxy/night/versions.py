"""As what a film or a sound is had ahead: what a learner would be offered by day.

Laws of this file: pure; only what policy allows there; slides with sound where the policy has them, for they are the
lightest that one can learn from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from policies.decision import Decision
from policies.treatments import Action, Form
from proxy.stages.media_orders import playing_recipe, recipe_of
from proxy.transforms.media.spec import MediaSpec, Recipe

# content type -> the recipe; None: nothing lighter can be made of that.
Version = Callable[[str], tuple[Recipe, MediaSpec] | None]


def film_version(decisions: Sequence[Decision]) -> Version | None:
    """The decisions of the hours in which it may be watched, the likeliest first; None: it goes as it is."""
    adapted = [one for one in decisions if one.treatments.video.action is Action.ADAPT]
    if not adapted:
        return None
    chosen = next((one for one in adapted if Form.SLIDECAST in _forms(one)), adapted[0])
    form = Form.SLIDECAST if Form.SLIDECAST in _forms(chosen) else chosen.treatments.video.form
    return lambda content_type: recipe_of(form, chosen, content_type, {})


def sound_version(decisions: Sequence[Decision]) -> Version | None:
    """As `film_version`, of sound alone."""
    adapted = [one.treatments.audio for one in decisions if one.treatments.audio.action is Action.ADAPT]
    return (lambda content_type: playing_recipe(adapted[0], {})) if adapted else None


def _forms(decision: Decision) -> tuple[Form, ...]:
    return (decision.treatments.video.form, *decision.treatments.video.also)
