"""Ladders: HLS master playlists and DASH manifests of which only the rungs within a policy remain."""

from __future__ import annotations

from proxy.transforms.ladder.dash import cap_dash
from proxy.transforms.ladder.hls import cap_hls
from proxy.transforms.ladder.spec import Capped, LadderOutcome, LadderSpec, NothingFits, Part, Rendition

__all__ = ["Capped", "LadderOutcome", "LadderSpec", "NothingFits", "Part", "Rendition", "cap_dash", "cap_hls"]
