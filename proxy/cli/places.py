"""Names that operators type, looked up in a catalogue, with the nearest known one where there is none."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from policies.faults import did_you_mean
from proxy.cli.command import Failure, Mistake

if TYPE_CHECKING:
    from policies.model import Catalogue, Territory


def territory_of(catalogue: Catalogue, region: str, site: str | None) -> Territory:
    """The place of that name; "region/site" is understood too. Raises Mistake."""
    if site is None and "/" in region:
        region, _, site = region.partition("/")
    found = catalogue.territories.get((region, site))
    if found is not None:
        return found
    regions = {known for known, _ in catalogue.territories}
    if region not in regions:
        raise Mistake(f"there is no region {region!r}; {did_you_mean(region, regions) or 'the file has none'}")
    sites = {known for of, known in catalogue.territories if of == region and known is not None}
    raise Mistake(f"region {region} has no site {site!r}; {did_you_mean(site or '', sites) or 'it has none'}")


def running_catalogue(state_dir: Path, now: datetime) -> Catalogue:
    """What runs in that state folder, overrides and bypasses included. Raises Failure, PolicyFaults."""
    from proxy.catalogues import read_published
    from proxy.operate.history import current_dir

    need_published(state_dir, current_dir(state_dir))
    return read_published(state_dir, now)


def need_published(state_dir: Path, folder: Path | None) -> Path:
    """The folder of the running version. Raises Failure where nothing was published."""
    if folder is None:
        raise Failure(f"{state_dir}: nothing has been published here; run tropa publish, or name the folder by --state")
    return folder
