"""How a job of the media desk stands, in the terms of pages: what the waiting page tells, what is in vain for good."""

from __future__ import annotations

from policies.treatments import LightCopy
from proxy.media.views import JobView, State
from proxy.pages.media import Making

_STATES = {State.QUEUED: "queued", State.WAITING: "queued", State.FETCHING: "fetching", State.MAKING: "making"}
_FETCHING_SHARE = 0.2
# Refusals that say nothing of the source and may pass; all others hold.
_PASSING = frozenset(
    {"disk", "disk-full", "no-room", "no-tool", "closed", "broken", "changed", "needs-visit", "failed", "cancelled"}
)
# What stands in the way of every light copy of a document, and not of one alone.
OF_ANY_COPY = frozenset({"signed", "encrypted", "macros", "damaged", "not-a-pdf", "not-a-package", "not-a-known-kind"})


def copies_like(version: str) -> tuple[str, ...]:
    """All copies of the kind that this version is of."""
    copies = tuple(copy.value for copy in LightCopy)
    return copies if version in copies else (version,)


def is_in_vain(view: JobView) -> bool:
    """Whether this version of this source was tried, and can't be."""
    return view.state in (State.REFUSED, State.UNCHANGED) and not _may_pass(view.why)


def _may_pass(why: str) -> bool:
    return why in _PASSING or why.startswith("origin-")


def making_of(version: str, view: JobView) -> Making:
    """What the waiting page says of a job: fetching fills its first part, making the rest."""
    done = _FETCHING_SHARE + (1 - _FETCHING_SHARE) * view.progress
    if view.state is State.FETCHING:
        done = _FETCHING_SHARE * (view.fetched or 0.0)
    return Making(
        form=version,
        state=_STATES.get(view.state, "queued"),
        done=done,
        ready_in_s=view.ready_in_s,
        position=view.position or 0,
    )
