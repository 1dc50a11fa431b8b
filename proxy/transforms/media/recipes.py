"""The table of recipes: what each is called, which version of it is in force, and what makes it.

To add one: a member of `Recipe`, a spec, a function `(source, spec, bench) -> MediaOutcome`, a line here, and a sample
in tests/contract/test_media_recipes.py. Raise a version when equal specs make another result than before: what was
stored under the old one is then made anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from policies.frozen import Frozen
from proxy.transforms.media import animation, capped, segments, sound
from proxy.transforms.media.documents import DOCUMENTS_VERSION
from proxy.transforms.media.documents.office import make_office
from proxy.transforms.media.documents.pdf import make_pdf
from proxy.transforms.media.lecture import compose
from proxy.transforms.media.spec import (
    AnimationSpec,
    CappedSpec,
    HlsSpec,
    MediaOutcome,
    MediaSpec,
    OfficeSpec,
    PdfSpec,
    Recipe,
    SlidecastSpec,
    SoundSpec,
)
from proxy.transforms.media.workbench import Bench

Make = Callable[[Path, Any, Bench], Awaitable[MediaOutcome]]


class RecipeLine(Frozen, frozen=True, kw_only=True):
    """One recipe.

    make      may raise ToolFailed
    spec      the class of its spec
    simpler   tried once where a tool failed on the source; None: there is nothing simpler
    smaller   its files together must be smaller than the source; False: they aren't the whole of it
    """

    version: int
    make: Make
    spec: type[MediaSpec]
    simpler: Make | None = None
    smaller: bool = True


RECIPES: Mapping[Recipe, RecipeLine] = {
    Recipe.CAPPED: RecipeLine(
        version=capped.VERSION, make=capped.make_capped, spec=CappedSpec, simpler=capped.make_capped_simply
    ),
    Recipe.AUDIO: RecipeLine(
        version=sound.VERSION, make=sound.make_sound, spec=SoundSpec, simpler=sound.make_sound_simply
    ),
    Recipe.HLS: RecipeLine(version=segments.VERSION, make=segments.make_hls, spec=HlsSpec, smaller=False),
    Recipe.SLIDECAST: RecipeLine(version=compose.VERSION, make=compose.make_slidecast, spec=SlidecastSpec),
    Recipe.PDF: RecipeLine(version=DOCUMENTS_VERSION, make=make_pdf, spec=PdfSpec),
    Recipe.OFFICE: RecipeLine(version=DOCUMENTS_VERSION, make=make_office, spec=OfficeSpec),
    Recipe.ANIMATION: RecipeLine(version=2, make=animation.make_animation, spec=AnimationSpec),
}
