"""A note of a manifest that went out, as State keeps it: sealed, so that nothing of what was watched can be read there.

Laws: pure but for a seal's random bytes, so that threads do it; a note opens for the learner and the row that it was
made for and no other; what can't be read is None, and said in the log.
"""

from __future__ import annotations

import binascii
import json
import logging
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from policies.frozen import Frozen
from policies.treatments import NothingFits
from proxy.account.seals import Seals
from proxy.account.state import Mark
from proxy.transforms.ladder.spec import LadderSpec
from proxy.transforms.media.spec import CappedSpec

logger = logging.getLogger("tropa.ladders")

KIND = "ladder"
MOST_TEXT_BYTES = 512 << 10
_MOST_PLAIN_BYTES = 4 * MOST_TEXT_BYTES  # base64 and the rest are less than twice the text
_SEALED = "sealed"


class Sent(Frozen, frozen=True, kw_only=True):
    """A manifest as its origin gave it, and what was done with it.

    manifest  "hls", "dash"; "list": of the segments of a rung that is made here
    spec      the cap of the sitting
    capped    what its rungs are made to; None: none is made
    """

    url: str
    query: str
    manifest: str
    text: bytes
    spec: LadderSpec
    nothing_fits: NothingFits
    capped: CappedSpec | None


def is_sealed(mark: Mark) -> bool:
    return set(mark.facts) == {_SEALED}


def sealed_facts(seals: Seals, learner: str, key: str, sent: Sent) -> dict[str, Any]:
    """The facts of the mark that keeps it."""
    told = {
        "url": sent.url,
        "query": sent.query,
        "manifest": sent.manifest,
        "text": b64encode(sent.text).decode("ascii"),
        "spec": asdict(sent.spec),
        "nothing_fits": sent.nothing_fits.value,
        "capped": None if sent.capped is None else asdict(sent.capped),
    }
    packed = zlib.compress(json.dumps(told, separators=(",", ":")).encode())
    return {_SEALED: b64encode(seals.seal(KIND, learner, key, packed)).decode("ascii")}


def opened(seals: Seals, mark: Mark) -> Sent | None:
    """What a mark of this kind keeps; None: it can't be read."""
    try:
        return _sent(_plain(seals, mark))
    except (KeyError, TypeError, ValueError, AttributeError, zlib.error, binascii.Error) as error:
        logger.warning("a stored ladder is left out: %r", error)
        return None


def readable(seals: Seals, mark: Mark) -> Mapping[str, Any]:
    """A mark's facts for the learner that they are about: a ladder's opened, another kind's as they are."""
    if mark.kind != KIND:
        return mark.facts
    sent = opened(seals, mark)
    if sent is None:
        return {}
    limits = asdict(sent.spec)
    return {"address": sent.url, "manifest": sent.text.decode("utf-8", "replace"), "limits": limits}


def _plain(seals: Seals, mark: Mark) -> Mapping[str, Any]:
    packed = seals.open(KIND, mark.owner, mark.key, b64decode(mark.facts[_SEALED]))
    if packed is None:
        raise ValueError("the seal isn't ours")
    told = json.loads(zlib.decompressobj().decompress(packed, _MOST_PLAIN_BYTES))
    if not isinstance(told, dict):
        raise TypeError("no facts")
    return told


def _sent(told: Mapping[str, Any]) -> Sent:
    capped = told["capped"]
    return Sent(
        url=told["url"],
        query=told["query"],
        manifest=told["manifest"],
        text=b64decode(told["text"]),
        spec=LadderSpec(**told["spec"]),
        nothing_fits=NothingFits(told["nothing_fits"]),
        capped=None if capped is None else CappedSpec(**capped),
    )
