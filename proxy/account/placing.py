"""Which territory an exchange belongs to, by precedence.

Laws of this file: look-ups only; who can't be placed is nobody's: everything passes, nothing is withheld.
"""

from __future__ import annotations

from policies.model import Catalogue, Territory
from policies.nowhere import UNKNOWN
from policies.place import PlaceIndex
from proxy.account.cookies import OwnCookie
from proxy.exchange import ClientAddress


class Placing:
    """Finds territories; built once per catalogue."""

    __slots__ = ("_catalogue", "_default", "_index")

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._index = PlaceIndex(catalogue)
        default = catalogue.settings.default_region
        self._default = self._index.get(default, None) if default else None

    def find(
        self, *, told: tuple[str, str], login: str, picked: OwnCookie, client: ClientAddress, listener: str
    ) -> tuple[Territory, str]:
        """The territory and how it was found (`Who.known_by`).

        told   region and site by trusted headers, "" for none
        login  by a trusted header, "" for none; looked up in the site table
        """
        index = self._index
        if told[0] and (territory := index.get(told[0], told[1] or None)):
            return territory, "header"
        row = self._catalogue.settings.site_table.get(login) if login else None
        if row is not None and (territory := index.get(row[0], row[1] or None)):
            return territory, "login"
        if picked.region and (territory := self.selectable(picked.region, picked.site)):
            return territory, "choice"
        if territory := index.by_address(client.address):
            return territory, "network"
        if territory := index.by_listener(listener):
            return territory, "listener"
        return (self._default or UNKNOWN), "default"

    def selectable(self, region: str, site: str) -> Territory | None:
        """The territory if a learner may pick it herself."""
        territory = self._catalogue.territories.get((region, site or None))
        return territory if territory is not None and territory.selectable else None
