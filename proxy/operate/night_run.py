"""A fetch outside the free hours, for a test: for how long, and at most how much. It ends by itself.

Laws of this file: only an operator at the machine begins it; an end that has passed is an end; a damaged file begins
nothing.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime
from pathlib import Path

from policies.frozen import Frozen
from proxy.operate.files import one_writer, write_whole

logger = logging.getLogger("tropa.operate")

_FILE = "night-run.json"


class NightRun(Frozen, frozen=True, kw_only=True):
    """place: "region/site" or "region". Half-open [opens, closes)."""

    place: str
    opens: datetime
    closes: datetime
    limit_bytes: int


def set_run(state_dir: Path, run: NightRun) -> None:
    """Put it in force in place of any other. Raises OSError."""
    told = {
        "place": run.place,
        "opens": run.opens.isoformat(),
        "closes": run.closes.isoformat(),
        "limit_bytes": run.limit_bytes,
    }
    with one_writer(state_dir):
        write_whole(state_dir / _FILE, json.dumps(told).encode())


def active_run(state_dir: Path, now: datetime) -> NightRun | None:
    """The one that is in force; None: none is."""
    try:
        told = json.loads((state_dir / _FILE).read_bytes())
        run = NightRun(
            place=str(told["place"]),
            opens=datetime.fromisoformat(told["opens"]),
            closes=datetime.fromisoformat(told["closes"]),
            limit_bytes=int(told["limit_bytes"]),
        )
        return run if run.opens <= now < run.closes else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s is left out: %s", _FILE, error)
        return None
