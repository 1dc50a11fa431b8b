"""What a manifest loses before it goes out, and what is remembered of it; after a restart the same again.

Law: what is found in a manifest depends on its text and on limits alone, so that it is found twice.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from policies.treatments import NothingFits
from proxy.stages.ladder_book import LadderBook
from proxy.stages.ladder_notes import Sent
from proxy.stages.rung import RungMaker
from proxy.transforms import ladder
from proxy.transforms.ladder import Capped, LadderOutcome, LadderSpec, Rendition


def cut_ladder(
    manifest: str, nothing_fits: NothingFits, text: bytes, spec: LadderSpec, query: str
) -> tuple[LadderOutcome, Rendition | None]:
    """What remains; and, where nothing fits and that is to be made smaller, the rung that was kept all the same."""
    cap = ladder.cap_dash if manifest == "dash" else partial(ladder.cap_hls, query=query)
    outcome = cap(text, spec)
    if not isinstance(outcome, ladder.NothingFits) or nothing_fits is NothingFits.CARD:
        return outcome, None
    # Also where sound was wished for and is only inside the pictures: the least of them is what can be had.
    lowest = cap(text, replace(spec, sound_only=False, nothing_fits_lowest=True, max_bitrate_bps=1, max_height_px=None))
    return lowest, outcome.lowest if nothing_fits is not NothingFits.LOWEST else None


def note_sent(book: LadderBook, learner: str, url: str, outcome: LadderOutcome, made: Rendition | None) -> None:
    """What went out. made: the rung that is made smaller, where it is the only one that there was, too."""
    if isinstance(outcome, Capped):
        kept, removed, locations = outcome.kept, outcome.removed, outcome.locations
        book.note(learner, url, kept=kept, removed=removed, locations=locations, beyond=made is not None)
    elif made is not None:
        book.note(learner, url, kept=(made,), removed=(), beyond=True)


def sent_before(book: LadderBook, rungs: RungMaker | None, learner: str, sent: Sent, at_s: float) -> None:
    """A manifest that went out in the last process, at this instant of this process's steady clock."""
    if sent.manifest == "list":
        if rungs is not None:
            rungs.again_list(learner, sent.url, sent.text)
        return
    book.spec_for(learner, sent.url, sent.spec, at_s)
    outcome, beyond = cut_ladder(sent.manifest, sent.nothing_fits, sent.text, sent.spec, sent.query)
    if sent.capped is not None and rungs is not None:
        body = outcome.body if isinstance(outcome, Capped) else sent.text
        if sent.manifest == "dash":
            rungs.again_manifest(learner, sent.url, body, sent.capped)
        else:
            rungs.again_master(learner, sent.url, sent.query, body, sent.capped)
    note_sent(book, learner, sent.url, outcome, beyond if sent.capped is not None else None)
