"""What a manifest loses before it goes out, and what is remembered of it; after a restart the same again.

Law: what is found in a manifest depends on its text and on limits alone, so that it is found twice.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from policies.frozen import Frozen
from policies.treatments import NothingFits
from proxy.stages.ladder_book import LadderBook
from proxy.stages.noted import Sent
from proxy.stages.rung import RungMaker
from proxy.transforms import ladder
from proxy.transforms.ladder import Capped, LadderOutcome, LadderSpec, Rendition
from proxy.transforms.ladder.dash_made import MadeManifest, made_manifest
from proxy.transforms.ladder.hls_made import ListedSegment, MadeMaster, listed_segments, made_master
from proxy.transforms.ladder.made import NotMade


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


class Again(Frozen, frozen=True, kw_only=True):
    """A manifest that went out in the last process, read once more.

    outcome, beyond  as `cut_ladder` tells; None, None: it is a list of segments
    made             what is made here of it; None: nothing
    """

    sent: Sent
    outcome: LadderOutcome | None = None
    beyond: Rendition | None = None
    made: MadeMaster | MadeManifest | tuple[ListedSegment, ...] | NotMade | None = None


def read_again(sent: Sent) -> Again:
    """What it said. Takes as long as reading a manifest does: a thread's work."""
    if sent.manifest == "list":
        return Again(sent=sent, made=listed_segments(sent.text, sent.url))
    outcome, beyond = cut_ladder(sent.manifest, sent.nothing_fits, sent.text, sent.spec, sent.query)
    if sent.capped is None:
        return Again(sent=sent, outcome=outcome)
    body = outcome.body if isinstance(outcome, Capped) else sent.text
    if sent.manifest == "dash":
        return Again(sent=sent, outcome=outcome, beyond=beyond, made=made_manifest(body, sent.capped, sent.url))
    return Again(sent=sent, outcome=outcome, beyond=beyond, made=made_master(body, sent.capped, query=sent.query))


def take_up(book: LadderBook, rungs: RungMaker | None, learner: str, again: Again, at_s: float) -> None:
    """It went out at this instant of this process's steady clock. Who gave it has judged it then."""
    sent = again.sent
    if again.outcome is not None:
        book.spec_for(learner, sent.url, sent.spec, at_s)
        note_sent(book, learner, sent.url, again.outcome, again.beyond)
    if rungs is not None and again.made is not None and not isinstance(again.made, NotMade):
        rungs.again(learner, sent.url, again.made)
