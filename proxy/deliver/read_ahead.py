"""Read-ahead at the pace of watching: a player doesn't buy a minute that nobody watches.

hls.js and dash.js ask for the next half minute or more as soon as they can. Here a segment that lies too far beyond
what can have been watched waits before it is asked from the origin.

Laws: the first segments never wait, nor does what was released before; a jump begins anew; nothing waits longer than
`LONGEST_HOLD_S`, since players give a segment 10 s to begin; an address that no list named never waits.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from proxy.transforms.ladder.timeline import Span, Timeline

ALLOWED_AHEAD_S = 12.0  # two usual segments and their download: what keeps a player calm on an unstable link
LONGEST_HOLD_S = 5.0
FREE_SEGMENTS = 3
_MAX_LEARNERS, _TRACKS_A_LEARNER = 5000, 12
_MAX_SEGMENTS = 2_000_000  # of all timelines together: 40 MB


@dataclass(slots=True)
class _Playback:
    """One stream being played: at began_s of the steady clock it was at media_s; released up to frontier_s."""

    began_s: float
    media_s: float
    frontier_s: float
    released: int = 1


@dataclass(slots=True)
class _Listener:
    """What one learner plays. tracks: by the list that named them, each with the stream that it belongs to."""

    tracks: OrderedDict[str, tuple[str, tuple[Timeline, ...]]] = field(default_factory=OrderedDict)
    playbacks: dict[str, _Playback] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(timeline.size for _, timelines in self.tracks.values() for timeline in timelines)


class ReadAhead:
    """Timelines and playbacks of one process, by learner; bounded, the least recently used go first."""

    def __init__(self, *, max_segments: int = _MAX_SEGMENTS) -> None:
        self._listeners: OrderedDict[str, _Listener] = OrderedDict()
        self._size = 0
        self._max_segments = max_segments

    def knows(self, learner: str) -> bool:
        """Whether anything that this learner asks for could have to wait."""
        return learner in self._listeners

    def learn(self, learner: str, source: str, stream: str, timelines: Iterable[Timeline]) -> None:
        """A list named segments. source: the list's address; stream: what is played, through whichever list."""
        listener = self._listeners.pop(learner, None) or _Listener()
        self._listeners[learner] = listener
        self._size -= listener.size
        listener.tracks.pop(source, None)
        listener.tracks[source] = (stream, tuple(timelines))
        while len(listener.tracks) > _TRACKS_A_LEARNER:
            listener.tracks.popitem(last=False)
        streams = {of for of, _ in listener.tracks.values()}
        listener.playbacks = {key: one for key, one in listener.playbacks.items() if key.partition("\n")[0] in streams}
        self._size += listener.size
        while self._size > self._max_segments or len(self._listeners) > _MAX_LEARNERS:
            _, gone = self._listeners.popitem(last=False)
            self._size -= gone.size

    def hold_s(self, learner: str, url: str, first_byte: int, now_s: float) -> float:
        """How long this request should wait; what is asked for counts as released then."""
        listener = self._listeners.get(learner)
        found = _found(listener, url, first_byte) if listener is not None else None
        if listener is None or found is None:
            return 0.0
        self._listeners.move_to_end(learner)
        stream, span = found
        return _held(listener, stream, span, now_s)


def _found(listener: _Listener, url: str, first_byte: int) -> tuple[str, Span] | None:
    for stream, timelines in reversed(listener.tracks.values()):
        for timeline in timelines:
            span = timeline.find(url, first_byte)
            if span is not None:
                return f"{stream}\n{timeline.part}", span
    return None


def _held(listener: _Listener, stream: str, span: Span, now_s: float) -> float:
    playback = listener.playbacks.get(stream)
    end_s = span.start_s + span.duration_s
    if playback is None or _is_jump(playback, span, now_s):
        listener.playbacks[stream] = _Playback(began_s=now_s, media_s=span.start_s, frontier_s=end_s)
        return 0.0
    if span.start_s < playback.frontier_s - 0.5:  # another rung of what was released before
        playback.frontier_s = max(playback.frontier_s, end_s)
        return 0.0
    if _watched_s(playback, now_s) > playback.frontier_s:  # it stood still: nobody watches beyond what was released
        playback.began_s, playback.media_s = now_s, playback.frontier_s
    playback.frontier_s = end_s
    playback.released += 1
    if playback.released <= FREE_SEGMENTS:
        return 0.0
    ahead_s = span.start_s - _watched_s(playback, now_s)
    return min(LONGEST_HOLD_S, max(0.0, ahead_s - ALLOWED_AHEAD_S))


def _watched_s(playback: _Playback, now_s: float) -> float:
    return playback.media_s + now_s - playback.began_s


def _is_jump(playback: _Playback, span: Span, now_s: float) -> bool:
    """Forward beyond what was released, or back behind what is being watched."""
    room_s = 2 * max(span.duration_s, 1.0)
    watched_s = min(_watched_s(playback, now_s), playback.frontier_s)
    return span.start_s > playback.frontier_s + room_s or span.start_s < watched_s - room_s - ALLOWED_AHEAD_S
