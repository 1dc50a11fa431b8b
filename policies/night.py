"""Whether fetching in the free hours is of any use at a place.

Laws of this file: pure. What is fetched by night must come to lie on the learners' side of the hop that costs; where
it wouldn't, nothing is fetched and nothing is promised, and the place can be told why.
"""

from __future__ import annotations

from enum import StrEnum

from policies.model import Catalogue, Settings, Territory
from policies.values import CostlyHop, Place, Store, Text


class Idle(StrEnum):
    """Why a place fetches nothing in the free hours."""

    NOT_THE_BOX = "not-the-box"
    NO_STORE = "no-store"
    NO_HOP = "no-hop"
    NO_WINDOW = "no-window"


IDLE_TEXTS: dict[Idle, Text] = {
    Idle.NOT_THE_BOX: Text(
        ru="ночью загружает коробка в самой школе (там tropa.place: school), а не эта установка",
        en="the school's own box fetches at night (tropa.place: school there), not this installation",
    ),
    Idle.NO_STORE: Text(
        ru="загружать ночью некуда: по ту сторону платного канала нет хранилища (store: school-box)",
        en="there is nowhere to fetch to: no store lies beyond the costly hop (store: school-box)",
    ),
    Idle.NO_HOP: Text(
        ru="загружать ночью незачем: платный участок не канал школы (costly_hop: site_uplink)",
        en="fetching at night saves nothing: the costly hop isn't the school's uplink (costly_hop: site_uplink)",
    ),
    Idle.NO_WINDOW: Text(
        ru="загружать ночью некогда: у тарифа нет бесплатных часов (tariff.free)",
        en="there is no time to fetch: the tariff has no free hours (tariff.free)",
    ),
}


def idle_because(territory: Territory, settings: Settings) -> Idle | None:
    """None: what is fetched at night is of use here."""
    if territory.costly_hop is not CostlyHop.SITE_UPLINK:
        return Idle.NO_HOP
    if territory.store is not Store.SCHOOL_BOX:
        return Idle.NO_STORE
    if not territory.tariff.free.always and not territory.tariff.free.windows:
        return Idle.NO_WINDOW
    return None if settings.place is Place.SCHOOL else Idle.NOT_THE_BOX


def idle_nights(catalogue: Catalogue) -> tuple[tuple[Territory, Idle], ...]:
    """The places whose `night:` is written in vain as far as this installation goes."""
    found = []
    for territory in catalogue.territories.values():
        idle = idle_because(territory, catalogue.settings) if territory.night.source else None
        if idle is not None:
            found.append((territory, idle))
    return tuple(found)
