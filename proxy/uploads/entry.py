"""One upload as it is remembered: whose, how long, how far, and what became of it. No address, no file's name.

Law of this file: what is written can be read again or is no upload; where it goes is known by a digest alone.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from hashlib import blake2b

from policies.frozen import Frozen
from proxy.uploads.states import State


class Entry(Frozen, frozen=True, kw_only=True):
    """An upload.

    owner         a learner's id
    form          digest of the site and the path that the form goes to
    fingerprint   digest of what the browser says of its files: the same files chosen again go on where they stopped
    offset_bytes  how many bytes are here, checked
    attempts      how often the form was sent to the origin
    status        the origin's last answer, 0: none
    touched       when it was last asked about
    claimed       the page has been given the origin's answer
    """

    id: str
    owner: str
    form: str
    fingerprint: str
    length_bytes: int
    touched: datetime
    offset_bytes: int = 0
    state: State = State.RECEIVING
    attempts: int = 0
    status: int = 0
    claimed: bool = False

    @property
    def held_bytes(self) -> int:
        """What it takes of the store, promised bytes included."""
        return 0 if self.state is State.ACCEPTED else self.length_bytes


def digest(*parts: str) -> str:
    """A name for these parts that doesn't tell them."""
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def written(entry: Entry) -> bytes:
    """As it is kept on disk; how far it came is kept apart."""
    facts = asdict(entry) | {"touched": entry.touched.isoformat(), "state": entry.state.value}
    return json.dumps(facts).encode("ascii")


def read(text: bytes) -> Entry | None:
    """None: it can't be understood."""
    try:
        facts = json.loads(text)
        facts["touched"], facts["state"] = datetime.fromisoformat(facts["touched"]), State(facts["state"])
        return Entry(**facts)
    except (ValueError, TypeError, KeyError):
        return None
